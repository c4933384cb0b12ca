"""How far the times of two sides lie apart: two single runs, or several of each side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.report.arrays import Floats
from harness.report.comparison import Effect
from harness.report.paired import RESAMPLES, cliffs_delta, resampled_medians

SEVERAL = 3
"""So many runs of each side show how much runs differ anyhow."""
RUN_SHARE = 20
"""Neighbours are resampled together in twentieths of a run at least, to keep its slow drift."""


def between(before: Sequence[Floats], after: Sequence[Floats]) -> Effect | None:
    """The medians of runs against each other, as ratios."""
    old, new = (np.array([np.median(each) for each in side]) for side in (before, after))
    if min(old.min(), new.min()) <= 0:
        return None
    ratio, difference = welch(np.log(old), np.log(new)), welch(old, new)
    return Effect(
        ratio=math.exp(ratio.shift),
        low=math.exp(ratio.shift - ratio.half(0.95)),
        high=math.exp(ratio.shift + ratio.half(0.95)),
        equal_low=math.exp(ratio.shift - ratio.half(0.90)),
        equal_high=math.exp(ratio.shift + ratio.half(0.90)),
        difference_ms=difference.shift,
        difference_low_ms=difference.shift - difference.half(0.95),
        difference_high_ms=difference.shift + difference.half(0.95),
        cliffs_delta=cliffs_delta(np.concatenate(before), np.concatenate(after)),
        p=ratio.p,
    )


@dataclass(frozen=True, slots=True)
class Shift:
    """By how much two means differ, its standard error and degrees of freedom."""

    shift: float
    error: float
    freedom: float

    def half(self, level: float) -> float:
        """Half the width of the interval."""
        from scipy.special import stdtrit

        return float(stdtrit(self.freedom, (1 + level) / 2)) * self.error

    @property
    def p(self) -> float:
        """The two-sided p-value of no difference."""
        from scipy.special import stdtr

        if not self.error:
            return 0.0 if self.shift else 1.0
        return float(2 * stdtr(self.freedom, -abs(self.shift) / self.error))


def welch(old: Floats, new: Floats) -> Shift:
    """Two means whose variances may differ (Welch, Biometrika 34, 1947).

    A side with too few values for a variance of its own is taken to have the other's.
    """
    shift, sides = float(np.mean(new) - np.mean(old)), (old, new)
    if min(len(old), len(new)) < SEVERAL:
        known = max(sides, key=len)
        error = float(np.std(known, ddof=1)) * math.sqrt(1 / len(old) + 1 / len(new))
        return Shift(shift, error, float(len(known) - 1))
    parts = [float(np.var(side, ddof=1)) / len(side) for side in sides]
    squares = math.fsum(part**2 / (len(side) - 1) for part, side in zip(parts, sides, strict=True))
    freedom = math.fsum(parts) ** 2 / squares if squares else float(len(old) + len(new) - 2)
    return Shift(shift, math.sqrt(math.fsum(parts)), freedom)


def of_two(before: Floats, after: Floats, rng: np.random.Generator) -> Effect | None:
    old, new = (_resampled(data, rng) for data in (before, after))
    if min(old.min(), new.min()) <= 0:
        return None
    below = int((new <= old).sum())
    tail = min(below, RESAMPLES - below)
    medians = float(np.median(before)), float(np.median(after))
    return Effect(
        ratio=medians[1] / medians[0],
        difference_ms=medians[1] - medians[0],
        cliffs_delta=cliffs_delta(before, after),
        p=min(1.0, 2 * (tail + 1) / (RESAMPLES + 1)),
        **_spread(np.log(new / old), new - old),
    )


def _spread(log_ratios: Floats, differences: Floats) -> dict[str, float]:
    """The interval fields of an effect, from bootstrapped medians."""
    low, inner_low, inner_high, high = np.exp(np.percentile(log_ratios, [2.5, 5, 95, 97.5]))
    below, above = np.percentile(differences, [2.5, 97.5]).tolist()
    ratios = {"low": low, "high": high, "equal_low": inner_low, "equal_high": inner_high}
    ends = {"difference_low_ms": below, "difference_high_ms": above}
    return {name: float(value) for name, value in {**ratios, **ends}.items()}


def _resampled(data: Floats, rng: np.random.Generator) -> Floats:
    length = max(round(len(data) ** (1 / 3)), len(data) // RUN_SHARE, 1)
    return resampled_medians(data, rng, length=length)
