"""Shares of the kinds of error with exact intervals, and the routes held against each other.

Answers count as independent: each asks for something else, and no sampling is fixed. The corpus is
the same in every round, which makes a share vary less than the binomial does, never more. Where a
target fails in bursts the intervals are too narrow; nothing here can see that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from harness.contract.repeat.judge import OF_CALLS, OF_TEXTS, ErrorKind
from harness.measure.proportion import exact

LOOKS = 3
"""So often the answers are looked at."""
CONFIDENCE = 1 - 0.05 / LOOKS
"""Of the interval at each look, so that all of them hold at 95 % (Bonferroni's inequality)."""
GROUPS = {"tools": OF_CALLS, "texts": OF_TEXTS}
"""Requests whose answer is a call, and those whose answer is a text, with their kinds of error."""


@dataclass(frozen=True, slots=True)
class RepeatedAnswer:
    """One answer: the number of its round, whether it had to have a call, and what is wrong."""

    route: str
    question: str
    round: int
    calls: bool
    kind: ErrorKind | None

    @property
    def group(self) -> str:
        """Its name in `GROUPS`."""
        return "tools" if self.calls else "texts"


@dataclass(frozen=True, slots=True)
class ErrorShare:
    """`count` of `of` answers and the bounds of their share; without any it may be anything."""

    count: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """The share as it was seen."""
        return self.count / self.of if self.of else None

    @property
    def text(self) -> str:
        """Such as `43.1 % (22 of 51; 27.0 to 60.4 %)`."""
        if self.value is None:
            return "nothing was asked"
        between = f"{self.low * 100:.1f} to {self.high * 100:.1f} %"
        return f"{self.value * 100:.1f} % ({self.count} of {self.of}; {between})"


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """How often one kind of error came on one route."""

    route: str
    group: str
    kind: ErrorKind
    share: ErrorShare

    def document(self) -> dict[str, Any]:
        """The row as JSON."""
        where = {"route": self.route, "group": self.group, "kind": self.kind.value}
        return where | asdict(self.share)


@dataclass(frozen=True, slots=True)
class RouteDifference:
    """One route's share of an error less another's, with its interval.

    `floor` is the largest difference between the two halves of one route, its even and its odd
    rounds: what a difference amounts to where there is none.
    """

    group: str
    kind: ErrorKind
    a: str
    b: str
    difference: float
    low: float
    high: float
    floor: float

    @property
    def apart(self) -> bool:
        """Whether the routes differ: beyond chance, and beyond a route's halves."""
        return (self.low > 0 or self.high < 0) and abs(self.difference) > self.floor

    def document(self) -> dict[str, Any]:
        """The pair as JSON."""
        return asdict(self) | {"kind": self.kind.value, "apart": self.apart}


def share_of(flags: Iterable[bool], *, confidence: float = CONFIDENCE) -> ErrorShare:
    """The share of what is flagged, with exact bounds."""
    listed = list(flags)
    count, of = sum(listed), len(listed)
    low, high = exact(count, of, confidence) if of else (0.0, 1.0)
    return ErrorShare(count, of, low, high)


def rows(answers: Sequence[RepeatedAnswer]) -> list[ErrorRate]:
    """Every kind of error on every route that was asked."""
    return [
        ErrorRate(route, group, kind, share_of(answer.kind is kind for answer in some))
        for route in _routes(answers)
        for group, kinds in GROUPS.items()
        if (some := _of(answers, route, group))
        for kind in kinds
    ]


def pairs(answers: Sequence[RepeatedAnswer]) -> list[RouteDifference]:
    """Every two routes held against each other in every kind of error that came.

    All their intervals hold together: each has its part of the error that a look may have.
    """
    found = [
        (group, kind, a, b)
        for a, b in combinations(_routes(answers), 2)
        for group, kinds in GROUPS.items()
        for kind in kinds
        if _of(answers, a, group) and _of(answers, b, group)
    ]
    level = 1 - (1 - CONFIDENCE) / (2 * len(found)) if found else CONFIDENCE
    compared = [_pair(answers, *each, confidence=level) for each in found]
    return [each for each in compared if each is not None]


def _pair(
    answers: Sequence[RepeatedAnswer],
    group: str,
    kind: ErrorKind,
    a: str,
    b: str,
    *,
    confidence: float,
) -> RouteDifference | None:
    """The pair; None where neither route has the error."""
    ours, theirs = _of(answers, a, group), _of(answers, b, group)
    left = share_of((each.kind is kind for each in ours), confidence=confidence)
    right = share_of((each.kind is kind for each in theirs), confidence=confidence)
    if not left.count and not right.count:
        return None
    return RouteDifference(
        group,
        kind,
        a,
        b,
        difference=left.count / left.of - right.count / right.of,
        low=left.low - right.high,
        high=left.high - right.low,
        floor=max(_halves(ours, kind), _halves(theirs, kind)),
    )


def _halves(answers: Sequence[RepeatedAnswer], kind: ErrorKind) -> float:
    """How far apart a route's even and odd rounds are."""
    halves = [[a.kind is kind for a in answers if a.round % 2 == parity] for parity in (0, 1)]
    if not all(halves):
        return 1.0
    even, odd = (sum(half) / len(half) for half in halves)
    return abs(even - odd)


def _routes(answers: Sequence[RepeatedAnswer]) -> list[str]:
    return sorted({answer.route for answer in answers}, reverse=True)


def _of(answers: Sequence[RepeatedAnswer], route: str, group: str) -> list[RepeatedAnswer]:
    return [each for each in answers if (each.route, each.group) == (route, group)]
