"""When a stream arrives. Times are the client's; on the mock they are virtual.

A fast model is no buffering gateway: how long an answer takes to generate is measured first, by a
short and a long plain request, and only a stream of an answer that takes long enough is judged.
What looks wrong is measured again, and is a fault only over several turns. Batches and pauses count
from where a reader could notice them, and a time only as far as this process was on time itself.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from harness.contract.case import Case, Expect
from harness.contract.clause import EvidenceGrade, Finding, Level
from harness.contract.fault import numbers, told
from harness.contract.observation import Observation
from harness.contract.requests.fixed import body
from harness.contract.requests.given import only
from harness.contract.requests.text import LONG, nonce
from harness.contract.topics.framing import stream_of
from harness.contract.topics.scenes import Scene, answered
from harness.contract.topics.sources import CHAT
from harness.contract.topics.spread import TimedTurn, busy, generation, spread
from harness.contract.topics.stage import Stage
from harness.contract.topics.topic import Topic

TURNS = 3
"""So often times are measured: the later ones are for what looked wrong before."""
ENOUGH = 8
"""Output events below which the spread of a stream says nothing."""
FRAME_NS = 15_000_000
"""What comes within about one frame of a screen (60 Hz) is seen together: nobody notices a pause
that is shorter."""
JERK_NS = 100_000_000
"""A pause that is noticed even in a long stream."""
PAUSES = 8
"""A stream that comes after fewer pauses than these has them for its own, however short it is."""
TOGETHER = 4
"""Output events that come at once make a batch: an engine may make a few tokens at a time."""
HELD = 0.35
"""The share of a stream that may come in one batch, and of its time that may pass in silence."""
SEVERAL = 3
"""Streams below which a batch in all of them says nothing."""
MOST_AGAIN = 8
"""So many streams, at most, are asked for again."""
KINDS: Mapping[str, Callable[[Observation], bool]] = {
    "streams": lambda _: True,
    "streams for more than 1 KiB": lambda seen: len(seen.exchange.request.body) > 1024,
    "streams for other than ASCII": lambda seen: "\\u" in json.dumps(seen.case.asked),
    "streams with tools": lambda seen: "tools" in seen.case.asked,
}
"""What requests may have in common whose streams are held back: each kind is judged alone."""
GAP_NS = 5_000_000_000
"""A silence longer than this inside a stream breaks common client timeouts."""

topic = Topic(
    "timing",
    routes=CHAT,
    evidence=EvidenceGrade.PRACTICE,
    source="developers.cloudflare.com/ai-gateway/features/guardrails/usage-considerations/",
)


@dataclass(slots=True)
class Measurement:
    """A short and a long plain answer, and the long one streamed."""

    short: Observation | None = None
    long: Observation | None = None
    stream: Observation | None = None


@dataclass(slots=True)
class TimingScene(Scene):
    """The same measured once, or again with longer answers."""

    turns: list[Measurement] = field(default_factory=list)


def output_times(seen: Observation) -> list[int]:
    """When each event with output arrived."""
    reading = stream_of(seen)
    if reading is None:
        return []
    outputs = {number for choice in seen.choices for number in choice.outputs}
    return [event.at_ns for event in reading.events if event.number in outputs]


def longest_streams(seen: Sequence[Observation]) -> Sequence[Observation]:
    """The streams that take most time: what is asked again where streams look held back."""
    timed = sorted(_alone(seen), key=lambda each: each[1][-1] - each[1][0], reverse=True)
    return [each for each, _ in timed[:MOST_AGAIN]]


@topic.scene(
    "stream-incremental",
    Level.MUST,
    why="TTFT becomes the whole latency: the user watches a spinner.",
    evidence=EvidenceGrade.DOCUMENTED,
    probe="timing",
    timed=True,
)
def arrives_as_it_is_made(scene: TimingScene) -> Finding:
    """Output arrives while it is generated, not all at the end."""
    found = [timed for turn in scene.turns if (timed := _timed(turn)) is not None]
    return spread(found, least=TURNS)


def _timed(turn: Measurement) -> TimedTurn | None:
    seen = answered(turn.short, turn.long, turn.stream)
    if seen is None or not all(s.good and s.exchange.whole for s in seen):
        return None
    times = output_times(seen[2])
    if len(times) < ENOUGH:
        return None
    made_ns, parts = generation(*seen[:2]), f"{len(times)} output events"
    return TimedTurn(made_ns, times[-1] - times[0], seen[2].late_ns, parts)


@dataclass(frozen=True, slots=True)
class _Share:
    """Of some streams those that show something for certain, and how many may show it.

    Those that may, and not for certain, are blurred by our own lateness and taken out.
    """

    of: Sequence[tuple[Observation, list[int]]]
    certain: Sequence[tuple[Observation, list[int]]]
    possible: int

    @classmethod
    def count(
        cls,
        streams: Sequence[tuple[Observation, list[int]]],
        shows: Callable[[list[int], int], bool],
    ) -> "_Share":
        """`shows` says it of a stream's times, seen so many nanoseconds too late at most."""
        certain = [(s, t) for s, t in streams if shows(t, s.late_ns)]
        return cls(streams, certain, sum(shows(t, 0) for _, t in streams))

    @property
    def clear(self) -> int:
        """How many streams either show it for certain or do not."""
        return len(self.of) - self.possible + len(self.certain)

    @property
    def shown(self) -> bool:
        """Whether four in five show it: one alone may be the machine or the network."""
        return len(self.certain) >= SEVERAL and len(self.certain) * 5 >= self.clear * 4

    @property
    def blurred(self) -> bool:
        """Whether as many could show it, for all that could be seen."""
        return self.possible >= SEVERAL and self.possible * 5 >= len(self.of) * 4

    @property
    def late_ns(self) -> int:
        """How late this process was at most."""
        return max(seen.late_ns for seen, _ in self.of)

    def __str__(self) -> str:
        return f"{len(self.certain)} of {self.clear}"


def _alone(seen: Sequence[Observation]) -> Iterator[tuple[Observation, list[int]]]:
    """The streams with enough output that had the connection for themselves, and their times."""
    for each in seen:
        times = output_times(each) if each.case.alone else []
        if len(times) >= 2 * ENOUGH:
            yield each, times


@topic.run(
    "stream-unbatched",
    Level.SHOULD,
    why="Text appears in jerks; inter-chunk latency means nothing.",
    evidence=EvidenceGrade.OBSERVED,
    timed=True,
    suspects=longest_streams,
)
def arrives_in_small_parts(seen: Sequence[Observation]) -> Finding:
    """Output arrives in many parts, not in a few batches."""
    timed = [(s, t) for s, t in _alone(seen) if t[-1] - t[0] >= 2 * FRAME_NS]
    found = _Share.count(timed, _batched)
    if len(timed) < SEVERAL:
        return None
    if not found.shown:
        return busy(found.late_ns) if found.blurred else ()
    first, times = found.certain[0]
    parts = f"{len(times)} output events in {len(_arrivals(times))} arrivals"
    wanted = "output in small parts, or without pauses that are noticed"
    came = f"{parts}, and so in {found} streams"
    slow = numbers(s for s, _ in reversed(found.certain))
    return (told(wanted, came, f"request {first.number}", requests=slow),)


def _batched(times: list[int], late_ns: int) -> bool:
    """Whether three quarters of a stream come in batches, each after a pause that is noticed.

    Before the first there is always one.
    """
    noticed_ns = max(FRAME_NS, min(JERK_NS, (times[-1] - times[0]) // PAUSES)) + late_ns
    starts = _arrivals(times)
    pauses = (noticed_ns, *(b - a for a, b in pairwise(starts)))
    sizes = [_at(times, start) for start in starts]
    batches = [s for s, p in zip(sizes, pauses, strict=True) if s >= TOGETHER and p >= noticed_ns]
    return sum(batches) * 4 >= len(times) * 3


@topic.run(
    "stream-not-held",
    Level.SHOULD,
    why="The text stops in the middle, and its end appears in one jerk.",
    source="MiniMax-AI/MiniMax-M3#22; cloudflare/cloudflared#1496",
    timed=True,
    suspects=longest_streams,
)
def no_half_is_held_back(seen: Sequence[Observation]) -> Finding:
    """No third of a stream is held back and then sent at once.

    One stream alone says nothing, it may be the machine or the network: of a kind of streams four
    in five must show it. How much time a stream takes is told by the others of the run.
    """
    timed = [(s, t) for s in seen if len(t := output_times(s)) >= 2 * ENOUGH]
    pace = _pace([t for _, t in timed])
    slow = [(s, t) for s, t in timed if len(t) * pace >= 2 * FRAME_NS]
    if len(slow) < SEVERAL:
        return None
    for kind, belongs in KINDS.items():
        found = _Share.count([(s, t) for s, t in slow if belongs(s)], _held_at(pace))
        if found.shown:
            (first, times), several = found.certain[0], f"{found} {kind}"
            share, pause = _burst(times)
            came = f"{share:.0%} at once after {pause / 1e6:.0f} ms, in {several}"
            wanted, where = "output spread over its time", f"request {first.number}"
            held = numbers(s for s, _ in reversed(found.certain))
            return (told(wanted, came, where, requests=held),)
        if found.blurred:
            return busy(found.late_ns)
    return ()


def _pace(rows: Sequence[Sequence[int]]) -> float:
    """The time that an output event takes in the slower quarter of the streams."""
    paces = sorted((times[-1] - times[0]) / len(times) for times in rows)
    return paces[len(paces) * 3 // 4] if paces else 0.0


def _held_at(pace: float) -> Callable[[list[int], int], bool]:
    """Whether a stream was held back, whole or in part, where others have such a pace."""

    def held(times: list[int], late_ns: int) -> bool:
        length = times[-1] - times[0]
        if length + late_ns < len(times) * pace / 10:
            return True
        share, pause = _burst(times)
        return share >= HELD and pause - late_ns >= max(FRAME_NS, HELD * length)

    return held


def _burst(times: list[int]) -> tuple[float, int]:
    """The share of the output in its greatest batch, and the pause before that."""
    starts = _arrivals(times)
    sizes = [_at(times, start) / len(times) for start in starts]
    greatest = sizes.index(max(sizes))
    before = starts[greatest - 1] if greatest else starts[greatest]
    return sizes[greatest], starts[greatest] - before


def _at(times: list[int], start: int) -> int:
    """How many events came within a millisecond."""
    return sum(start <= t < start + 1_000_000 for t in times)


def _arrivals(times: list[int]) -> list[int]:
    """The distinct moments of arrival; times within a millisecond are one."""
    found: list[int] = []
    for at_ns in times:
        if not found or at_ns - found[-1] >= 1_000_000:
            found.append(at_ns)
    return found


@topic.exchange(
    "stream-no-silence",
    Level.SHOULD,
    why="Idle timeouts of clients and proxies cut it.",
    source="developers.cloudflare.com/support/troubleshooting/http-status-codes/",
    timed=True,
)
def no_long_silence(seen: Observation) -> Finding:
    """No pause inside a stream is longer than 5 s."""
    reading = stream_of(seen)
    if not seen.case.alone or reading is None or seen.response is None or reading.failed_inside:
        return None
    moments = [seen.response.head_at_ns, *(chunk.at_ns for chunk in seen.response.chunks)]
    longest = max((b - a for a, b in pairwise(moments)), default=0)
    if longest <= GAP_NS:
        return ()
    if longest - seen.late_ns <= GAP_NS:
        return busy(seen.late_ns)
    return (told("no gap over 5 s", f"{longest / 1e9:.1f} s", "between chunks"),)


@topic.exchange(
    "stream-end-prompt",
    Level.SHOULD,
    why="Clients that read to the end hold the answer back, and the connection.",
    source="RFC 9112, section 7.1",
    timed=True,
)
def ends_after_its_last_event(seen: Observation) -> Finding:
    """The body ends within 5 s of its last event."""
    reading, response = stream_of(seen), seen.response
    if not seen.case.alone or reading is None or response is None or not response.chunks:
        return None
    late = response.end_at_ns - response.chunks[-1].at_ns
    if late <= GAP_NS:
        return ()
    if late - seen.late_ns <= GAP_NS:
        return busy(seen.late_ns)
    return (told("the end of the body", f"{late / 1e9:.1f} s later", "after the last event"),)


LONGER = "word " * 200
"""A text that takes its time to come, even from a fast model on a machine that is busy."""


def play(stage: Stage, scene: TimingScene) -> None:
    """Short and long plain answers, the long one streamed; longer ones where that did not do."""
    text = f"{LONG} ({nonce(stage.seed, 1400)})"
    asked = body(stage.sender.target.model, text, max_tokens=96)
    case = Case(stage.route, asked, "timing")
    longer = case.having(response_format=only(text=LONGER), max_tokens=400)
    for _ in range(TURNS):
        turn = Measurement(short=stage.play(case.having(max_tokens=2)))
        scene.turns.append(turn)
        turn.long = stage.play(case)
        turn.stream = stage.play(case.having(stream=True))
        if not arrives_as_it_is_made(scene):
            return
        stage.wait_for_quiet()
        case = replace(longer, expect=Expect.EITHER)
