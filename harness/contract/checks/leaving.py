"""Checks of what comes after a client that left in the middle of its stream.

The stream that was left would have held a value of its own near its end. A fault in the first turn
is looked at again in a second one, and counts only if it is there too.
"""

from collections.abc import Callable
from typing import Protocol

from harness.contract.checks.apart import mark_of
from harness.contract.clause import Fault, Finding, Scene
from harness.contract.evidence import told
from harness.contract.observation import Observation

TURNS = 2
LATE_NS = 5_000_000_000
"""So much later than the stream that was left, an answer was held up by something."""
Judge = Callable[[Observation, Observation], tuple[Fault, ...] | None]


class RoundCheck(Protocol):
    """A check over the turns of the scene that were played."""

    def __call__(self, scene: Scene, *, rounds: int = TURNS) -> Finding:
        """The faults of the last turn, if every turn has some; `rounds` is how many are needed."""
        ...


def _turns(scene: Scene) -> list[tuple[Observation, Observation]]:
    """What was left, once its head had arrived, and what came next."""
    pairs = [(scene.get(f"left_{n}"), scene.get(f"next_{n}")) for n in range(TURNS)]
    return [(left, after) for left, after in pairs if left and after and left.ok]


def _each(scene: Scene, judge: Judge, rounds: int) -> Finding:
    found = [judge(left, after) for left, after in _turns(scene)]
    judged = [faults for faults in found if faults is not None]
    if not judged:
        return None
    if not all(judged):
        return ()
    return judged[-1] if len(judged) >= rounds else None


def next_is_answered(scene: Scene, *, rounds: int = TURNS) -> Finding:
    """The next request is answered, and to its end."""

    def judge(_left: Observation, after: Observation) -> tuple[Fault, ...] | None:
        if after.status == 429:
            return None
        if after.ok and after.exchange.whole:
            return ()
        came = f"{after.exchange.error or f'HTTP {after.status}'}"
        return (told("a whole answer", came, "the request after a client that left"),)

    return _each(scene, judge, rounds)


def next_is_its_own(scene: Scene, *, rounds: int = TURNS) -> Finding:
    """The next answer holds nothing of the stream that was left."""

    def judge(left: Observation, after: Observation) -> tuple[Fault, ...] | None:
        if not after.ok or after.response is None:
            return None
        text = "".join(choice.text for choice in after.choices)
        if mark_of(left) not in text and mark_of(left).encode() not in after.response.body:
            return ()
        wanted = f"the mark {mark_of(after)} alone"
        return (told(wanted, f"that of the stream before, {mark_of(left)}", f"{text[:80]!r}"),)

    return _each(scene, judge, rounds)


def next_is_prompt(scene: Scene, *, rounds: int = TURNS) -> Finding:
    """The next answer begins as soon as others do."""

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
