"""How many independent values a series of neighbours is worth that resemble each other.

Requests that are sent shortly after one another meet the same queue, so that an interval which
takes them for independent is decoration: of a queue at 80 % load, one of 95 % for p95 holds the
truth in 19 % of runs. The long-run variance of a series is estimated by the initial monotone
sequence of its autocovariances (Geyer, Statistical Science 7, 1992).
"""

import math

import numpy as np

from harness.report.arrays import Floats, Indices

SIGNIFICANT = 1.645
"""A first correlation below so many standard errors is taken for none."""
MOST = 8192
"""A longer series is summed up in so many batches first, which keeps its long-run variance."""
ROUNDING = 1e-12
"""What is left of a sum that is nothing, as a part of what was added up."""
CORRECTION = 1.0
"""How much less a series is worth whose memory is long beside itself: where only a few stretches
are independent, how alike they are is itself badly known. Found by simulation (`make stats`)."""


def effective(
    residuals: Floats, owner: Indices | None = None, *, count: float | None = None
) -> float:
    """How many independent values these are worth for their mean.

    `residuals` are the deviations from it, in the order of sending; `owner` says of which request
    each is, by its place in that order. The variance of the mean is taken between requests (Kish's
    design effect; Woodruff, JASA 47, 1952) and over neighbouring ones. `count` is what they would
    be worth if they were independent, where that is not their number.
    """
    n = float(len(residuals)) if count is None else count
    if owner is None:
        return _worth(residuals, n)
    some = np.bincount(owner) > 0
    sums = np.asarray(np.bincount(owner, weights=residuals)[some], dtype=np.float64)
    return of_groups(sums, within=float(residuals @ residuals), count=n)


def of_groups(sums: Floats, *, within: float, count: float) -> float:
    """The same, by the sums of the deviations of each request and the sum of all their squares."""
    if len(sums) < 2:
        return float(len(sums))
    between = float(sums @ sums)
    if between <= ROUNDING * within:
        return count
    return _worth(sums, min(count, count * within / between * (1 - 1 / len(sums))))


def _worth(residuals: Floats, count: float) -> float:
    """How many independent values so many are worth, whose deviations or sums of them are these."""
    times = _inflation(residuals)
    plain = count / times
    return plain / (1 + CORRECTION * (times - 1) / plain) if plain > 0 else 0.0


def _inflation(residuals: Floats) -> float:
    """How many times the variance of the mean exceeds that of independent values; at least 1."""
    variance = float(np.mean(residuals**2)) if len(residuals) else 0.0
    if len(residuals) < 3 or variance <= 0:
        return 1.0
    size = math.ceil(len(residuals) / MOST)
    batches = residuals[: len(residuals) // size * size].reshape(-1, size).sum(axis=1)
    covariances = _autocovariances(batches)
    if size == 1 and covariances[1] <= SIGNIFICANT * covariances[0] / math.sqrt(len(batches)):
        return 1.0
    return max(1.0, _long_run(covariances) / (size * variance))


def _long_run(covariances: Floats) -> float:
    """The sum over all lags: of pairs of them while they are positive, none above the last."""
    pairs = covariances[: len(covariances) // 2 * 2].reshape(-1, 2).sum(axis=1)
    ends = np.flatnonzero(pairs <= 0)
    kept = np.minimum.accumulate(pairs[: ends[0] if len(ends) else len(pairs)])
    return float(max(2 * kept.sum() - covariances[0], covariances[0]))


def _autocovariances(series: Floats) -> Floats:
    """At every lag, by the fast Fourier transform."""
    length = 1 << (2 * len(series) - 1).bit_length()
    transformed = np.fft.rfft(series, length)
    found: Floats = np.fft.irfft(np.abs(transformed) ** 2, length)[: len(series)] / len(series)
    return found
