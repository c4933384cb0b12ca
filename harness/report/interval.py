"""Intervals of what is no percentile, at 95 % unless asked, for requests in order of sending.

Neighbours resemble each other, so that each counts for as many independent requests as
`harness.report.dependence` finds.
"""

import math

import numpy as np

from harness.measure.proportion import exact
from harness.report import dependence
from harness.report.arrays import Floats, Indices, Mask
from harness.report.pooled import Streams
from harness.report.quantile import CONFIDENCE, Estimate

BATCHES = 20
"""A rate varies as the counts of so many stretches of equal length do."""
LEAST_MEAN = 20
"""The mean of fewer independent values has no interval: latencies have long tails."""


def share(
    flags: Mask, weights: Floats | None = None, *, confidence: float = CONFIDENCE
) -> Estimate:
    """The share that is flagged, with exact bounds (Clopper and Pearson, Biometrika 26, 1934).

    `weights` say for how many each stands; unequal ones are worth fewer (Kish, Survey Sampling).
    From below every flagged request counts for one, also in a burst, which is no accident; from
    above a burst that was not seen may be as long as those that were.
    """
    count = len(flags)
    if not count or (weights is not None and not weights.any()):
        return Estimate(None, reason="nothing to take a share of")
    of = np.ones(count) if weights is None else weights
    value = float(of @ flags / of.sum())
    n = float(of.sum() ** 2 / (of @ of))
    alike = dependence.effective(np.asarray(flags - value, dtype=np.float64), count=n)
    low = exact(value * n, n, confidence)[0]
    high = exact(value * alike, alike, confidence)[1]
    return Estimate(value, low, high, count=count)


def mean(
    values: Floats, of: Streams | Indices | None = None, *, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Student's interval of the mean; without end where so few values have none.

    `of` says whose each value is, where a request has many.
    """
    if not len(values):
        return -math.inf, math.inf
    middle = np.mean(values)
    apart = values - middle
    n = _worth(apart, of)
    if n < LEAST_MEAN:
        return -math.inf, math.inf
    np.square(apart, out=apart)
    deviation = math.sqrt(float(np.sum(apart)) / (len(values) - 1))  # as np.std with ddof=1
    half = _student(n - 1, confidence) * deviation / math.sqrt(n)
    return float(middle) - half, float(middle) + half


def _worth(apart: Floats, of: Streams | Indices | None) -> float:
    if not isinstance(of, Streams):
        return dependence.effective(apart, of)
    sums = of.sums(lambda part: apart[part])
    return dependence.of_groups(sums, within=float(apart @ apart), count=float(len(apart)))


def rate(
    value: float, times_s: Floats, seconds: float, *, confidence: float = CONFIDENCE
) -> Estimate:
    """A rate of `value`, whose events fell at `times_s` into a window of so many seconds from 0."""
    count = len(times_s)
    if count < BATCHES:
        reason = f"{count:,} requests: a rate needs {BATCHES}"
        return Estimate(value, reason=reason, count=count)
    counts = np.histogram(times_s, bins=BATCHES, range=(0.0, seconds))[0] * BATCHES / seconds
    spread = float(np.std(counts, ddof=1)) / math.sqrt(BATCHES)
    half = _student(BATCHES - 1, confidence) * spread
    return Estimate(value, value - half, value + half, count=count)


def _student(freedom: float, confidence: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - (1 - confidence) / 2))
