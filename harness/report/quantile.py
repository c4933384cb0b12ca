"""Percentiles with distribution-free intervals: no assumption about the shape of a latency.

The interval of a quantile lies between two order statistics whose ranks come from the binomial
distribution (David and Nagaraja, Order Statistics, 7.1), for as many independent values as the
sample is worth. Each side errs with probability at most 2.5 %. A quantile that no order statistic
bounds on both sides is not given at all; the bound on one side may still show that an objective is
missed.
"""

import math
from dataclasses import dataclass

import numpy as np

from harness.report import dependence
from harness.report.arrays import Floats, Indices
from harness.report.ordered import Ranked

CONFIDENCE = 0.95
PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One statistic: its value and interval, or None and the reason why there is none.

    `low` and `high` are for how few the samples are, None where nothing bounds it; `at_least` and
    `at_most` bound the value of these very samples by how well the client could see them. `count`
    values were used, `needs` is how many it takes where they are too few.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    count: int = 0
    needs: int | None = None


def needed(percent: float, confidence: float = CONFIDENCE) -> int:
    """The fewest independent samples that bound a percentile: p50 6, p90 36, p95 72, p99 368."""
    rarer = max(percent, 100 - percent) / 100
    return math.ceil(math.log((1 - confidence) / 2) / math.log(rarer))


def estimate(
    ordered: Ranked,
    percent: float,
    *,
    effective: float | None = None,
    bounds: tuple[Ranked, Ranked] | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """A percentile of sorted values, linearly interpolated (Hyndman and Fan, type 7).

    Infinite values stand for requests that never ended well. `effective` is the number of
    independent values that the sample is worth, when fewer than it has; ranks are then found for it
    and scaled up. `bounds` are the least and the most that the values can have been, each sorted: a
    percentile only grows with its values, so that those of the bounds bound it, and the interval
    reaches from the low rank of the one to the high rank of the other.
    """
    count = len(ordered)
    n = min(float(count), math.inf if effective is None else effective)
    least, whole = needed(percent, confidence), math.floor(n)
    if whole < 1:
        return Estimate(None, reason=_too_few(count, n, percent, least), count=count, needs=least)
    lower, upper = ranks(whole, percent / 100, confidence)
    stretch = count / whole
    first, last = math.floor((lower - 1) * stretch), math.ceil(upper * stretch) - 1
    smallest, largest = bounds or (ordered, ordered)
    low = float(smallest[first]) if lower >= 1 else None
    high = float(largest[min(last, count - 1)]) if upper <= whole else None
    if low is None or high is None:
        reason = _too_few(count, n, percent, least)
        return Estimate(None, low, high, reason=reason, count=count, needs=least)
    value, at_least, at_most = (value_at(x, percent) for x in (ordered, smallest, largest))
    return Estimate(value, low, high, at_least=at_least, at_most=at_most, count=count)


def worth(data: Floats, value: float, owner: Indices | None = None) -> float:
    """How many independent values a sample is worth, for the percentile that is `value`.

    What varies is "the share of values up to it". `data` is in the order of sending; `owner` says
    of which request each value is, by its place in that order.
    """
    below = data <= value
    return dependence.effective(below - below.mean(), owner) if len(data) else 0.0


def ranks(n: int, probability: float, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """The 1-based ranks of the order statistics that bound a quantile.

    0 or n + 1 where none does.
    """
    first, mass = _binomial(n, probability)
    tail = (1 - confidence) / 2
    below = np.cumsum(mass)
    low = first + int(np.searchsorted(below, tail, side="right"))
    above = np.cumsum(mass[::-1])
    high = first + len(mass) - int(np.searchsorted(above, tail, side="right"))
    return max(low, 0), min(high, n + 1)


def value_at(ordered: Ranked, percent: float) -> float:
    """The percentile of sorted values, to the last digit numpy's; it may be infinite."""
    place = (len(ordered) - 1) * (percent / 100)
    first = math.floor(place)
    below, above = float(ordered[first]), float(ordered[min(first + 1, len(ordered) - 1)])
    part = place - first
    if math.isinf(above):
        return above if part else below
    step = above - below
    return below + step * part if part < 0.5 else above - step * (1 - part)


def _binomial(n: int, probability: float) -> tuple[int, Floats]:
    """The first count of note and the probabilities from there on; the rest is below 1e-15."""
    spread = 9 * math.sqrt(n * probability * (1 - probability)) + 40
    first = max(0, math.floor(n * probability - spread))
    last = min(n, math.ceil(n * probability + spread))
    counts = np.arange(first + 1, last + 1, dtype=np.float64)
    steps = np.log((n - counts + 1) / counts) + math.log(probability / (1 - probability))
    relative = np.concatenate([[0.0], np.cumsum(steps)])
    mass = np.exp(relative - relative.max())
    return first, mass / mass.sum()


def _too_few(n: int, worth: float, percent: float, least: int) -> str:
    samples = "1 sample" if n == 1 else f"{n:,} samples"
    worth_less = (
        "" if worth >= n else f", alike among neighbours, worth {worth:,.0f} independent ones"
    )
    return f"{samples}{worth_less}: p{percent:g} needs {least:,}"
