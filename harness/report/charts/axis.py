"""Axes: from a value to a place, and the round numbers that are written beside it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

DECADE = (1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high` on places from `start` to `stop`."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False
    whole: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value; one outside lands on the nearer end."""
        kept = min(max(value, self.low), self.high)
        low, high, at = (self._stretch(each) for each in (self.low, self.high, kept))
        return self.start + (at - low) / (high - low) * (self.stop - self.start)

    def ticks(self, most: int = 6) -> list[float]:
        """At most about `most` round values within the scale, whole numbers where asked."""
        if self.whole:
            return sorted({round(value) for value in _ticks(self.low, self.high, most)})
        return (
            _log_ticks(self.low, self.high, most) if self.log else _ticks(self.low, self.high, most)
        )

    def _stretch(self, value: float) -> float:
        return math.log(value) if self.log else value


def log_scale(values: Iterable[float], start: float, stop: float) -> Scale:
    """A logarithmic scale around positive values, never narrower than a factor of 1.5."""
    known = [value for value in values if value > 0] or [1.0]
    low, high = min(known) / 1.05, max(known) * 1.05
    if high / low < 1.5:
        middle = math.sqrt(low * high)
        low, high = middle / 1.25, middle * 1.25
    return Scale(low, high, start, stop, log=True)


def from_zero(values: Iterable[float], start: float, stop: float, *, whole: bool = False) -> Scale:
    """A linear scale from 0 to a round number above the largest value."""
    highest = max([value for value in values if value > 0], default=1.0)
    step = _step(highest, 4)
    step = max(step, 1.0) if whole else step
    return Scale(0.0, math.ceil(highest / step - 1e-9) * step, start, stop, whole=whole)


def _ticks(low: float, high: float, most: int) -> list[float]:
    step = _step(high - low, most)
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]


def _step(width: float, most: int) -> float:
    rough = width / most or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    """1, 2, 5 per decade; powers of ten alone on a long axis, even steps on a short one."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in (DECADE, (1.0, 3.0), (1.0,)):
        found = [f * 10.0**p for p in powers for f in factors if low <= f * 10.0**p <= high]
        if len(found) <= most:
            break
    return found if len(found) >= 3 else _ticks(low, high, most - 1)
