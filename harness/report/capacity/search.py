"""Which level is tried next: doubling until one fails, bisection, then the edges once more.

A first trial on the way up is short: it need not be certain,
only not fail. Everything here is a function of what was tried, so that a report finds the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_LEVELS = 40
"""So many trials at most, whatever comes out of them."""


class LevelResult(StrEnum):
    """Whether a level carries the load."""

    CARRIED = "pass"
    NOT_CARRIED = "fail"
    OPEN = "unknown"
    """Too close to tell."""
    CLIENT = "client"
    """The client gave way at it."""


CERTAIN = (LevelResult.CARRIED, LevelResult.NOT_CARRIED)


@dataclass(frozen=True, slots=True)
class SearchRange:
    """Where is searched: from `least` to `most`, until the edge is known to `precision`.

    Levels are requests per second, or whole users. `target` is a level that is to be tried itself.
    """

    least: float
    most: float
    precision: float = 0.05
    target: float | None = None
    whole: bool = False

    def near(self, low: float, high: float) -> bool:
        """Whether two levels are as close as the search has to come."""
        return high <= low * (1 + self.precision) or (self.whole and high - low <= 1)

    def between(self, low: float, high: float) -> float:
        """The level to try between two."""
        middle = (low + high) / 2
        return float(round(middle)) if self.whole else float(f"{middle:.4g}")


@dataclass(frozen=True, slots=True)
class SearchTrial:
    """One trial of a level; `settled` when it went on until its verdict was certain, or its time
    was up. `over`: what was measured is beyond its limit, though not for certain.
    """

    asked: float
    result: LevelResult
    settled: bool = True
    over: bool = False


@dataclass(frozen=True, slots=True)
class NextTrial:
    """The next trial: with `settle` until its verdict is certain. `trial` counts those of a level
    from 0.
    """

    asked: float
    settle: bool
    trial: int = 0


@dataclass(frozen=True, slots=True)
class Bracket:
    """What all trials say: the highest level that passed below the lowest that failed.

    `client` is the level at which the client gave way; the target may carry more. `over` is the
    lowest level that seems not to be carried, where none certainly fails.
    """

    passed: float | None
    failed: float | None
    client: float | None = None
    over: float | None = None

    @property
    def end(self) -> float | None:
        """Above which nothing needs to be tried."""
        known = [each for each in (self.failed, self.client, self.over) if each is not None]
        return min(known, default=None)


def bracket(trials: Sequence[SearchTrial]) -> Bracket:
    """The edges that are known by now."""
    found = _verdicts(trials)
    failed = min(
        (asked for asked, result in found.items() if result is LevelResult.NOT_CARRIED),
        default=None,
    )
    clear = [
        asked
        for asked, result in found.items()
        if result is LevelResult.CARRIED and (failed is None or asked < failed)
    ]
    client = min(
        (asked for asked, result in found.items() if result is LevelResult.CLIENT), default=None
    )
    if client is not None and failed is not None and failed <= client:
        client = None
    over = {trial.asked for trial in trials if trial.over and trial.settled}
    over = {asked for asked in over if found[asked] is LevelResult.OPEN}
    return Bracket(
        max(clear, default=None),
        failed,
        client,
        min(over, default=None) if failed is None and client is None else None,
    )


def next_step(trials: Sequence[SearchTrial], within: SearchRange) -> NextTrial | None:
    """The next trial; None when the edge is known as closely as was asked, or cannot be."""
    if len(trials) >= MOST_LEVELS:
        return None
    if not trials:
        return NextTrial(within.least, settle=False)
    if trials[-1].result is LevelResult.CLIENT and _count(trials, trials[-1].asked) == 1:
        return NextTrial(trials[-1].asked, settle=True, trial=1)  # a busy moment is no limit
    found = bracket(trials)
    if found.end is None:
        return _climb(trials, within)
    return next(_close_in(trials, within, found), None)


def _climb(trials: Sequence[SearchTrial], within: SearchRange) -> NextTrial | None:
    top = max(trial.asked for trial in trials)
    doubtful = any(trial.over for trial in trials if trial.asked == top)
    if top >= within.most or (doubtful and not _settled(trials, top)):
        return next(_certify(trials, top), None)
    ahead = min(top * 2, within.most)
    if within.target is not None and top < within.target < ahead:
        ahead = within.target
    return NextTrial(ahead, settle=False)


def _close_in(
    trials: Sequence[SearchTrial], within: SearchRange, found: Bracket
) -> Iterator[NextTrial]:
    """What is left to do at and below a level that is not carried, or that the client ends."""
    end = found.end
    if end is None:
        return
    yield from _below(trials, within, found, end)
    for edge in (found.passed, found.failed, found.over):
        if edge is not None and _count(trials, edge) == 1:
            yield NextTrial(edge, settle=True, trial=1)


def _below(
    trials: Sequence[SearchTrial], within: SearchRange, found: Bracket, end: float
) -> Iterator[NextTrial]:
    """The gap up to the end first, then what is open below it, then the gap above what passed."""
    verdicts = _verdicts(trials)
    below = sorted(asked for asked in verdicts if asked < end)
    if not below:
        return
    if found.client is None:
        yield from _bisect(verdicts, below[-1], end, within, aim=within.target)
    yield from _certify(trials, below[-1])
    above = [asked for asked in (*below, end) if found.passed is None or asked > found.passed]
    tentative = [asked for asked in above if asked != end and not _settled(trials, asked)]
    if tentative:
        yield from _certify(trials, tentative[-1])
    elif found.passed is not None:
        yield from _bisect(verdicts, found.passed, above[0], within)


def _bisect(
    verdicts: dict[float, LevelResult],
    low: float,
    high: float,
    within: SearchRange,
    *,
    aim: float | None = None,
) -> Iterator[NextTrial]:
    if within.near(low, high):
        return
    middle = aim if aim is not None and low < aim < high else within.between(low, high)
    if middle not in verdicts:
        yield NextTrial(middle, settle=True)


def _certify(trials: Sequence[SearchTrial], asked: float) -> Iterator[NextTrial]:
    """Once more, and until it is certain, where a level was only tried on the way up."""
    if not _settled(trials, asked):
        yield NextTrial(asked, settle=True, trial=_count(trials, asked))


def _settled(trials: Sequence[SearchTrial], asked: float) -> bool:
    return any(trial.settled or trial.result in CERTAIN for trial in trials if trial.asked == asked)


def _count(trials: Sequence[SearchTrial], asked: float) -> int:
    return sum(trial.asked == asked for trial in trials)


def _verdicts(trials: Sequence[SearchTrial]) -> dict[float, LevelResult]:
    """What the trials of each level say together: trials that disagree are too close to tell."""
    by_level: dict[float, list[LevelResult]] = {}
    for trial in trials:
        by_level.setdefault(trial.asked, []).append(trial.result)
    return {asked: _together(results) for asked, results in by_level.items()}


def _together(results: Sequence[LevelResult]) -> LevelResult:
    said = {result for result in results if result in CERTAIN}
    if len(said) == 1:
        return said.pop()
    if said:
        return LevelResult.OPEN
    gave_way = set(results) == {LevelResult.CLIENT}
    return LevelResult.CLIENT if gave_way else LevelResult.OPEN
