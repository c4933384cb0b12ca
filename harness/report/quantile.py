"""Percentiles with distribution-free intervals: no assumption about the shape of a latency.

The interval of a quantile lies between two order statistics whose ranks come from the binomial
distribution (David and Nagaraja, Order Statistics, 7.1). Each side errs with probability at most
2.5 %. A quantile that no order statistic bounds on both sides is not given at all.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
PERCENTILES = (50, 90, 95, 99)

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One statistic: its value and interval, or None and the reason why there is none.

    `low` and `high` are for how few the samples are; `at_least` and `at_most` bound the value of
    these very samples by how well the client could see them.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
    at_least: float | None = None
    at_most: float | None = None


def needed(percent: float, confidence: float = CONFIDENCE) -> int:
    """The fewest independent samples that bound a percentile: p50 6, p90 36, p95 72, p99 368."""
    rarer = max(percent, 100 - percent) / 100
    return math.ceil(math.log((1 - confidence) / 2) / math.log(rarer))


def estimate(
    ordered: Floats,
    percent: float,
    *,
    effective: float | None = None,
    bounds: tuple[Floats, Floats] | None = None,
) -> Estimate:
    """A percentile of sorted values, linearly interpolated (Hyndman and Fan, type 7).

    `effective` is the number of independent values that the sample is worth, when fewer than it has
    (values of one stream resemble each other); ranks are then found for it and scaled up. `bounds`
    are the least and the most that the values can have been, each sorted: a percentile only grows
    with its values, so that those of the bounds bound it, and the interval reaches from the low
    rank of the one to the high rank of the other.
    """
    n = min(float(len(ordered)), math.inf if effective is None else effective)
    least = needed(percent)
    if n < least:
        return Estimate(None, reason=_too_few(len(ordered), n, percent, least))
    lower, upper = ranks(math.floor(n), percent / 100)
    stretch = len(ordered) / math.floor(n)
    first, last = math.floor((lower - 1) * stretch), math.ceil(upper * stretch) - 1
    smallest, largest = bounds or (ordered, ordered)
    value, at_least, at_most = (
        float(np.percentile(x, percent)) for x in (ordered, smallest, largest)
    )
    low, high = float(smallest[first]), float(largest[min(last, len(ordered) - 1)])
    return Estimate(value, low, high, at_least=at_least, at_most=at_most)


def worth(data: Floats, owner: Indices, percent: float) -> float:
    """How many independent values clustered ones are worth, for one percentile.

    The variance of "the share of values up to the percentile" is taken between clusters (Woodruff,
    JASA 47, 1952; Kish's design effect) and compared with that of independent values.
    """
    clusters = int(np.count_nonzero(np.bincount(owner)))
    if clusters < 2:
        return float(min(clusters, len(data)))
    below = data <= np.percentile(data, percent)
    share = below.mean()
    residual = np.bincount(owner, weights=below - share)
    variance = clusters / (clusters - 1) * float((residual**2).sum()) / len(data) ** 2
    independent = share * (1 - share)
    return float(min(len(data), independent / variance)) if variance > 0 else float(len(data))


def ranks(n: int, probability: float, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """The 1-based ranks of the order statistics that bound a quantile; ValueError when none do."""
    first, mass = _binomial(n, probability)
    tail = (1 - confidence) / 2
    below = np.cumsum(mass)
    low = first + int(np.searchsorted(below, tail, side="right"))
    above = np.cumsum(mass[::-1])
    high = first + len(mass) - int(np.searchsorted(above, tail, side="right"))
    if low < 1 or high > n:
        raise ValueError(f"{n} values do not bound the {probability:.3g} quantile")
    return low, high


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
    worth_less = "" if worth >= n else f" worth {worth:,.0f} independent ones"
    return f"{n:,} samples{worth_less}: p{percent:g} needs {least:,}"
