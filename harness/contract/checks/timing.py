"""Checks of when a stream arrives. Times are the client's; on the mock they are virtual.

A fast model is no buffering gateway: how long an answer takes to generate is measured first, by a
short and a long plain request, and only a stream of an answer that takes long enough is judged.
What looks wrong is measured again, and is a fault only over both turns.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from harness.contract.checks.framing import stream_of
from harness.contract.checks.scenes import answered
from harness.contract.clause import Finding, Scene
from harness.contract.evidence import fault
from harness.contract.observation import Observation

LONG_NS = 20_000_000
"""An answer that takes less than this longer than a short one is too fast to be judged."""
ENOUGH = 8
"""Output events below which the spread of a stream says nothing."""
HELD = 0.35
"""The share of a stream that may come in one batch, and of its time that may pass in silence."""
SEVERAL = 4
"""Streams below which a batch in all of them says nothing."""
KINDS: Mapping[str, Callable[[Observation], bool]] = {
    "streams": lambda _: True,
    "streams for more than 1 KiB": lambda seen: len(seen.exchange.request.body) > 1024,
    "streams for other than ASCII": lambda seen: "\\u" in json.dumps(seen.case.asked),
    "streams with tools": lambda seen: "tools" in seen.case.asked,
}
"""What requests may have in common whose streams are held back: each kind is judged alone."""
GAP_NS = 5_000_000_000
"""A silence longer than this inside a stream breaks common client timeouts."""


def output_times(seen: Observation) -> list[int]:
    """When each event with output arrived."""
    reading = stream_of(seen)
    if reading is None:
        return []
    outputs = {number for choice in seen.choices for number in choice.outputs}
    return [event.at_ns for event in reading.events if event.number in outputs]


def _duration(seen: Observation) -> int:
    return seen.response.end_at_ns if seen.response else 0


def _generation(scene: Scene) -> int | None:
    """How much longer long plain answers take than short ones, at least; None when not known."""
    first = answered("short", "long", scene=scene)
    seen = (*(first or ()), *(answered("short_again", "long_again", scene=scene) or ()))
    if not seen or not all(s.good and s.exchange.whole for s in seen):
        return None
    times = [_duration(s) for s in seen]
    return max(0, min(times[1::2]) - max(times[::2]))


def _turns(scene: Scene) -> int:
    """How often everything was measured."""
    return 1 + ("stream_again" in scene)


def arrives_as_it_is_made(scene: Scene, *, turns: int = 2) -> Finding:
    """A stream's output is spread over the time that generation takes, not held to the end."""
    generation = _generation(scene)
    streams = [scene[n] for n in ("stream", "stream_again") if n in scene]
    times = [t for t in map(output_times, streams) if len(t) >= ENOUGH]
    if generation is None or generation < LONG_NS or not times:
        return None
    spread = max(t[-1] - t[0] for t in times)
    if spread >= generation // 5:
        return ()
    if turns > _turns(scene):
        return None
    came = f" {len(times[0])} output events within {spread / 1e6:.1f} ms"
    wanted = f"output spread over about {generation / 1e6:.0f} ms of generation"
    return (fault(wanted, came, "arrival times of the stream"),)


def arrives_in_small_parts(seen: Sequence[Observation]) -> Finding:
    """Output comes in many arrivals, not in a few batches.

    A machine that is busy reads late and then much at once, so four streams in five must show it.
    """
    alone = [s for s in seen if s.case.alone]
    timed = [(s, t) for s in alone if len(t := output_times(s)) >= 2 * ENOUGH]
    slow = [(s, t) for s, t in timed if t[-1] - t[0] >= LONG_NS]
    batched = [(s, t) for s, t in slow if len(_arrivals(t)) * 4 < len(t)]
    if len(slow) < SEVERAL:
        return None
    if len(batched) * 5 < len(slow) * 4:
        return ()
    first, times = batched[0]
    parts = f"{len(times)} output events in {len(_arrivals(times))} arrivals"
    came = f" {parts}, and so in {len(batched)} of {len(slow)} streams"
    return (fault("at least one arrival for four events", came, f"request {first.number}"),)


def no_half_is_held_back(seen: Sequence[Observation]) -> Finding:
    """Of streams that take their time no great part comes at once behind a pause as great.

    One stream alone says nothing, it may be the machine or the network: of a kind of streams four
    in five must show it. How much time a stream takes is told by the others of the run.
    """
    timed = [(s, t) for s in seen if len(t := output_times(s)) >= 2 * ENOUGH]
    pace = _pace([t for _, t in timed])
    slow = [(s, t) for s, t in timed if len(t) * pace >= LONG_NS // 2]
    if len(slow) < SEVERAL:
        return None
    for kind, belongs in KINDS.items():
        mine = [(s, t) for s, t in slow if belongs(s)]
        held = [(s, t) for s, t in mine if _held(t, pace)]
        if len(mine) >= SEVERAL and len(held) * 5 >= len(mine) * 4:
            (first, times), several = held[0], f"{len(held)} of {len(mine)} {kind}"
            share, pause = _burst(times)
            came = f" {share:.0%} at once after {pause / 1e6:.0f} ms, in {several}"
            return (fault("output spread over its time", came, f"request {first.number}"),)
    return ()


def _pace(rows: Sequence[Sequence[int]]) -> float:
    """The time that an output event takes in the slower quarter of the streams."""
    paces = sorted((times[-1] - times[0]) / len(times) for times in rows)
    return paces[len(paces) * 3 // 4] if paces else 0.0


def _held(times: list[int], pace: float) -> bool:
    if times[-1] - times[0] < len(times) * pace / 10:
        return True
    share, pause = _burst(times)
    return share >= HELD and pause >= HELD * (times[-1] - times[0])


def _burst(times: list[int]) -> tuple[float, int]:
    """The share of the output in its greatest batch, and the pause before that."""
    starts = _arrivals(times)
    sizes = [sum(start <= t < start + 1_000_000 for t in times) / len(times) for start in starts]
    greatest = sizes.index(max(sizes))
    before = starts[greatest - 1] if greatest else starts[greatest]
    return sizes[greatest], starts[greatest] - before


def _arrivals(times: list[int]) -> list[int]:
    """The distinct moments of arrival; times within a millisecond are one."""
    found: list[int] = []
    for at_ns in times:
        if not found or at_ns - found[-1] >= 1_000_000:
            found.append(at_ns)
    return found


def ends_after_its_last_event(seen: Observation) -> Finding:
    """The body ends within 5 s of its last byte."""
    reading, response = stream_of(seen), seen.response
    if not seen.case.alone or reading is None or response is None or not response.chunks:
        return None
    late = response.end_at_ns - response.chunks[-1].at_ns
    if late <= GAP_NS:
        return ()
    return (fault("the end of the body", f" {late / 1e9:.1f} s later", "after the last event"),)


def no_long_silence(seen: Observation) -> Finding:
    """No pause inside a stream is longer than 5 s."""
    reading = stream_of(seen)
    if not seen.case.alone or reading is None or seen.response is None or reading.failed_inside:
        return None
    moments = [seen.response.head_at_ns, *(chunk.at_ns for chunk in seen.response.chunks)]
    longest = max((b - a for a, b in pairwise(moments)), default=0)
    if longest <= GAP_NS:
        return ()
    return (fault("no gap over 5 s", f" {longest / 1e9:.1f} s", "between chunks"),)
