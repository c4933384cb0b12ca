"""Which answers of a load are checked: as many as a share of the time allows, drawn by chance.

Each answer is drawn with a probability that is known before the draw and depends on nothing in the
answer but whether it is suspect: failed, odd, or with a problem that its parser met. A checked
answer therefore stands for 1 / probability answers, and the rate of a violation is the sum of
these over the answers that have it, divided by the sum over all that were checked. No clock is
read here.
"""

import random
from collections.abc import Callable

PERIOD_NS = 1_000_000_000
"""So long a probability holds, unless a quarter of what its period allows is used too early."""
IDLE_PART = 0.25
"""Checks may take so much of what a process leaves unused of its core: a small load is checked
whole, and a large one is not slowed down."""
LEAST = 0.0001
"""The smallest probability: what can never be drawn, no estimate speaks for."""


class _Kind:
    """Answers of one kind, suspect or not: how many came, and what checking one costs."""

    __slots__ = ("came", "cost_ns", "probability")

    def __init__(self) -> None:
        self.came = 0
        self.cost_ns: float | None = None
        self.probability = 1.0

    def learn(self, cost_ns: int) -> None:
        """Take the cost of one check into the mean, in which the last dozen count most."""
        before = cost_ns if self.cost_ns is None else self.cost_ns
        self.cost_ns = before + (cost_ns - before) / 12

    @property
    def demand_ns(self) -> float:
        """What it would take to check all that came."""
        return self.came * (self.cost_ns or 0.0)


class Sampling:
    """Draws the answers that are checked, for one process.

    Checks take `share` of the time that `now_ns` counts, or `IDLE_PART` of what is unused of it by
    `idle` if that is more. The `first` answers of each route are always drawn, and suspect ones
    while they need no more than half of what is allowed, or leave the others theirs.
    """

    def __init__(
        self,
        now_ns: int,
        *,
        share: float = 0.05,
        idle: Callable[[], float] = lambda: 0.0,
        first: int = 20,
        seed: int = 0,
    ) -> None:
        self._least = self._share = share
        self._idle = idle
        self._first = first
        self._rng = random.Random(seed)  # noqa: S311 - no secret
        self._routes: dict[str, int] = {}
        self._clean, self._suspect = _Kind(), _Kind()
        self._began_ns = now_ns
        self._used_ns = 0
        self._debt_ns = 0.0

    def draw(self, route: str, now_ns: int, *, suspect: bool) -> float | None:
        """The probability with which an answer was drawn; None where it was not drawn."""
        if self._is_over(now_ns):
            self._plan(now_ns)
        kind = self._suspect if suspect else self._clean
        kind.came += 1
        taken = self._routes.get(route, 0)
        if taken < self._first:
            self._routes[route] = taken + 1
            return 1.0
        return kind.probability if self._rng.random() < kind.probability else None

    def spent(self, cost_ns: int, *, suspect: bool) -> None:
        """Take note of what checking an answer took."""
        self._used_ns += cost_ns
        (self._suspect if suspect else self._clean).learn(cost_ns)

    def _is_over(self, now_ns: int) -> bool:
        """Whether the period has passed, or checks take more of it than they may."""
        elapsed_ns = now_ns - self._began_ns
        ahead_ns = self._used_ns - self._share * elapsed_ns
        return elapsed_ns >= PERIOD_NS or ahead_ns > self._share * PERIOD_NS / 4

    def _plan(self, now_ns: int) -> None:
        """Choose the probabilities of the next period by what came in the last one."""
        elapsed_ns = max(now_ns - self._began_ns, 1)
        self._debt_ns = max(0.0, self._debt_ns + self._used_ns - self._share * elapsed_ns)
        self._share = max(self._least, IDLE_PART * self._idle())
        scale = PERIOD_NS / elapsed_ns
        shares = allotted(
            max(0.0, self._share * PERIOD_NS - self._debt_ns),
            suspect_ns=self._suspect.demand_ns * scale,
            clean_ns=self._clean.demand_ns * scale,
        )
        for kind, share in zip((self._suspect, self._clean), shares, strict=True):
            kind.probability = max(share, LEAST)
            kind.came = 0
        self._began_ns, self._used_ns = now_ns, 0


def allotted(allowed_ns: float, *, suspect_ns: float, clean_ns: float) -> tuple[float, float]:
    """The parts of two demands that can be met; half of what is allowed is for each, if needed."""
    suspect = min(suspect_ns, max(allowed_ns / 2, allowed_ns - clean_ns))
    clean = min(clean_ns, allowed_ns - suspect)
    return (
        suspect / suspect_ns if suspect_ns else 1.0,
        clean / clean_ns if clean_ns else 1.0,
    )
