"""What comes after a client that left in the middle of its stream.

The stream that was left would have held a value of its own near its end. A fault in the first turn
is looked at again in a second one, and counts only if it is there too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from harness.contract.case import Case
from harness.contract.clause import EvidenceGrade, Fault, Finding, Level, Profile
from harness.contract.fault import told
from harness.contract.observation import Observation
from harness.contract.requests.fixed import body
from harness.contract.requests.given import TEXT, only
from harness.contract.requests.text import nonce
from harness.contract.topics.isolation import mark_of
from harness.contract.topics.scenes import Scene
from harness.contract.topics.sources import REQUEST
from harness.contract.topics.stage import Stage
from harness.contract.topics.topic import Topic

CONNECTIONS = "RFC 9112, section 9.5"
TURNS = 2
LATE_NS = 5_000_000_000
"""So much later than the stream that was left, an answer was held up by something."""
Judge = Callable[[Observation, Observation], tuple[Fault, ...] | None]

topic = Topic(
    "leaving",
    routes=("native",),
    evidence=EvidenceGrade.SPECIFIED,
    source=CONNECTIONS,
    probe="leaving",
    profile=Profile.EXTENDED,
)


@dataclass(slots=True)
class LeftTurn:
    """A stream that was left, and the request that came next."""

    left: Observation
    after: Observation | None = None


@dataclass(slots=True)
class LeavingScene(Scene):
    """One turn, or two."""

    turns: list[LeftTurn] = field(default_factory=list)


class RoundCheck(Protocol):
    """A check over the turns of the scene that were played."""

    def __call__(self, scene: LeavingScene, *, rounds: int = TURNS) -> Finding:
        """The faults of the last turn, if every turn has some; `rounds` is how many are needed."""
        ...


def _turns(scene: LeavingScene) -> list[tuple[Observation, Observation]]:
    """What was left, once its head had arrived, and what came next."""
    return [(turn.left, turn.after) for turn in scene.turns if turn.after and turn.left.ok]


def _each(scene: LeavingScene, judge: Judge, rounds: int) -> Finding:
    found = [judge(left, after) for left, after in _turns(scene)]
    judged = [faults for faults in found if faults is not None]
    if not judged:
        return None
    if not all(judged):
        return ()
    return judged[-1] if len(judged) >= rounds else None


@topic.scene(
    "after-leaving-own",
    Level.MUST,
    why="One customer reads the rest of another customer's answer.",
    source=REQUEST,
)
def next_is_its_own(scene: LeavingScene, *, rounds: int = TURNS) -> Finding:
    """After a client that left, the next answer holds nothing of its stream."""

    def judge(left: Observation, after: Observation) -> tuple[Fault, ...] | None:
        if not after.ok or after.response is None:
            return None
        text = "".join(choice.text for choice in after.choices)
        if mark_of(left) not in text and mark_of(left).encode() not in after.response.body:
            return ()
        wanted = f"the mark {mark_of(after)} alone"
        return (told(wanted, f"that of the stream before, {mark_of(left)}", f"{text[:80]!r}"),)

    return _each(scene, judge, rounds)


@topic.scene(
    "after-leaving-answered",
    Level.MUST,
    why="One closed browser tab makes somebody else's request fail.",
    founded=True,
)
def next_is_answered(scene: LeavingScene, *, rounds: int = TURNS) -> Finding:
    """After a client that left, the next request is answered to its end."""

    def judge(_left: Observation, after: Observation) -> tuple[Fault, ...] | None:
        if after.status == 429:
            return None
        if after.ok and after.exchange.whole:
            return ()
        came = f"{after.exchange.error or f'HTTP {after.status}'}"
        return (told("a whole answer", came, "the request after a client that left"),)

    return _each(scene, judge, rounds)


@topic.scene(
    "after-leaving-prompt",
    Level.SHOULD,
    why="Each abandoned answer blocks a worker until it would have ended.",
    evidence=EvidenceGrade.PRACTICE,
)
def next_is_prompt(scene: LeavingScene, *, rounds: int = TURNS) -> Finding:
    """After a client that left, the next answer does not wait for that stream's end."""

    def judge(left: Observation, after: Observation) -> tuple[Fault, ...] | None:
        if not after.ok or after.response is None or left.response is None:
            return None
        late = after.response.head_at_ns - after.late_ns - left.response.head_at_ns
        if late < LATE_NS:
            return ()
        came = f"{after.response.head_at_ns / 1e9:.1f} s"
        wanted = f"about {left.response.head_at_ns / 1e9:.1f} s, like the stream before"
        return (told(wanted, came, "first byte of the next answer"),)

    return _each(scene, judge, rounds)


JUDGES: tuple[RoundCheck, ...] = (next_is_answered, next_is_its_own, next_is_prompt)


NOTICED_S = 0.2
"""Time for the other side to see that its client is gone: it may be far away, or busy."""


def play(stage: Stage, scene: LeavingScene) -> None:
    """Once; and once more if the answer after it was not as it should be."""
    for number in range(TURNS):
        turn = LeftTurn(stage.play(_left(stage, 2200 + number)))
        scene.turns.append(turn)
        stage.wait(NOTICED_S)
        after = stage.marked("after a client that left", 2210 + number, stream=True)
        turn.after = stage.play(after, patient=False)
        if not any(judge(scene, rounds=1) for judge in JUDGES):
            return


def _left(stage: Stage, number: int) -> Case:
    """A long stream whose own value comes at its end."""
    mark = f"mark-{nonce(stage.seed, number)}"
    fields = {"response_format": only(text=TEXT, mark=mark), "max_tokens": 400, "temperature": 0}
    asked = body(stage.sender.target.model, f"Fill in the form. ({mark})", **fields)
    case = Case(stage.route, asked, "a client that leaves").having(stream=True)
    return replace(case, leaves=True)
