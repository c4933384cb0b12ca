"""Statistics of paired differences: estimates, intervals and tests that respect slow drift.

A pair is one block of a closely interleaved run, so drift of the service hits both sides alike;
what is left over from block to block widens the interval by the autocorrelation of signed ranks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.report.arrays import Floats

RESAMPLES = 2000
MOST = 2000
"""Of more rows than this, every k-th is compared: thousands already resolve a tenth of a per cent,
and their pairwise averages grow with the square."""
CELLS = 2_000_000
FARTHEST = 100


@dataclass(frozen=True, slots=True)
class Location:
    """Where paired differences lie, by Hodges and Lehmann; infinite where failures reach.

    `low` and `high` bound it at the level `alpha`, `inner_low` and `inner_high` at twice that; `p`
    is the two-sided test of zero that the interval inverts.
    """

    estimate: float
    low: float
    high: float
    inner_low: float
    inner_high: float
    p: float

    @property
    def bounded(self) -> bool:
        """Whether failures, or too few pairs, leave the estimate and its interval finite."""
        return all(map(math.isfinite, (self.estimate, self.low, self.high)))


def location(differences: Floats, alpha: float = 0.05) -> Location:
    """The median of all pairwise averages, with the interval of Wilcoxon's signed-rank test.

    An infinite difference is a pair with one failed side: it has the largest rank, and its size is
    not used. Hodges and Lehmann, Annals of Mathematical Statistics 34, 1963; Hollander, Wolfe and
    Chicken, Nonparametric Statistical Methods, 3.2 and 3.3. The variance of the rank sum, normal
    as from some 20 pairs, is multiplied by `inflation`.
    """
    from scipy import stats

    n = len(differences)
    reach = float(np.abs(differences[np.isfinite(differences)]).max(initial=0.0))
    beyond = 4 * (reach + 1)  # so that its average with any finite difference exceeds `reach`
    ranked = np.clip(differences, -beyond, beyond)
    upper = np.triu_indices(n)
    averages = np.sort((ranked[upper[0]] + ranked[upper[1]]) / 2)
    estimate = float(np.median(averages))
    deviation = math.sqrt(n * (n + 1) * (2 * n + 1) / 24 * inflation(ranked - estimate))
    count = len(averages)

    def bounds(outside: float) -> tuple[float, float]:
        cut = count / 2 - stats.norm.ppf(1 - outside / 2) * deviation
        index = math.floor(cut)
        if index < 0:
            return -math.inf, math.inf
        return _uncensored(averages[index], reach), _uncensored(averages[-1 - index], reach)

    above = np.searchsorted(averages, 0.0, side="left") + np.searchsorted(averages, 0.0, "right")
    distance = max(abs(count - above / 2 - count / 2) - 0.5, 0.0)
    p = float(2 * stats.norm.sf(distance / deviation))
    return Location(_uncensored(estimate, reach), *bounds(alpha), *bounds(2 * alpha), min(1.0, p))


def inflation(centred: Floats) -> float:
    """By how much dependence of neighbours multiplies the variance of the rank sum; at least 1.

    (1 + r) / (1 - r) with the autocorrelation r of the signed ranks at lag one, which is exact for
    a first-order autoregression; r is corrected for its bias (Kendall, Biometrika 41, 1954).
    """
    from scipy import stats

    n = len(centred)
    if n < 3 or not centred.any():
        return 1.0
    signed = np.sign(centred) * stats.rankdata(np.abs(centred))
    signed -= signed.mean()
    r = float((signed[1:] * signed[:-1]).sum() / (signed**2).sum())
    r = min(max(r + (1 + 3 * r) / n, 0.0), 1 - 1 / n)
    return (1 + r) / (1 - r)


def discordant_p(only_a: int, only_b: int) -> float:
    """The exact two-sided p-value that as many blocks fail on one side as on the other.

    McNemar, Psychometrika 12, 1947: blocks in which both or neither failed say nothing.
    """
    from scipy import stats

    if not only_a + only_b:
        return 1.0
    return float(stats.binomtest(only_b, only_a + only_b).pvalue)


def pairs_to_decide(
    n: int, interval: tuple[float, float], *, bound: float, alpha: float
) -> int | None:
    """How many pairs would show a difference or equality within `bound` with 80 % probability.

    The power is averaged over where the truth may be, by the 95 % `interval` that `n` pairs have
    left of it (predictive power: Spiegelhalter, Freedman and Blackburn, Controlled Clinical Trials
    7, 1986); `alpha` is the level of the two-sided test. None where `FARTHEST` times `n` pairs
    would not do.
    """
    from scipy.special import ndtr, ndtri

    low, high = interval
    error = (high - low) / (2 * float(ndtri(0.975)))
    truths = (low + high) / 2 + error * ndtri((np.arange(99) + 1) / 100)
    for factor in np.geomspace(1, FARTHEST, 97).tolist():
        each = max(error / math.sqrt(factor), 1e-12)
        within = ndtr((bound - truths) / each - ndtri(0.95))
        equal = within + ndtr((bound + truths) / each - ndtri(0.95)) - 1
        differs = ndtr(np.abs(truths) / each + ndtri(alpha / 2))
        if np.maximum(equal, differs).mean() >= 0.8:
            return math.ceil(n * float(factor))
    return None


def thinned(data: Floats) -> Floats:
    """Every k-th row in order, so that no more than `MOST` are left."""
    return data[:: math.ceil(len(data) / MOST)] if len(data) else data


def _uncensored(average: float, reach: float) -> float:
    """An average of pairs, infinite where it has a failed side in it."""
    return float(average) if abs(average) <= reach else math.copysign(math.inf, average)


def resampled_medians(data: Floats, rng: np.random.Generator, *, length: int) -> Floats:
    """The bootstrapped medians of a series.

    Runs of `length` neighbouring rows are drawn with replacement (Kunsch, Annals of Statistics 17,
    1989) until they fill a sample of the original length.
    """
    n = len(data)
    length = min(length, n)
    drawn = math.ceil(n / length)
    medians: list[Floats] = []
    batch = max(1, CELLS // n)
    for done in range(0, RESAMPLES, batch):
        size = (min(batch, RESAMPLES - done), drawn, 1)
        starts = rng.integers(0, n - length + 1, size=size)
        rows = (starts + np.arange(length)).reshape(size[0], -1)[:, :n]
        medians.append(np.median(data[rows], axis=1))
    return np.concatenate(medians)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for being many (Holm, Scandinavian Journal of Statistics 6, 1979)."""
    m = len(p_values)
    corrected, running = [0.0] * m, 0.0
    for rank, index in enumerate(sorted(range(m), key=p_values.__getitem__)):
        running = max(running, min(1.0, (m - rank) * p_values[index]))
        corrected[index] = running
    return corrected


def cliffs_delta(a: Floats, b: Floats) -> float:
    """How much more often b exceeds a than a exceeds b: -1 to 1 (Cliff, 1993)."""
    ordered = np.sort(a)
    below = np.searchsorted(ordered, b, side="left").sum()
    above = (len(a) - np.searchsorted(ordered, b, side="right")).sum()
    return float(below - above) / (len(a) * len(b))
