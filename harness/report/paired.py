"""Statistics of paired differences: a test, intervals that respect slow drift, many comparisons.

A pair is one block of a closely interleaved run, so drift of the service hits both sides alike;
what is left over from block to block is kept by resampling runs of neighbouring blocks.
"""

import math
from collections.abc import Sequence

import numpy as np

from harness.report.arrays import Floats

RESAMPLES = 2000
MOST = 5000
"""Of more rows than this, every k-th is compared: thousands already resolve a tenth of a per cent,
and resampling a million would take minutes."""
CELLS = 2_000_000
EXACT_TO = 50


def signed_rank_p(differences: Floats) -> float:
    """The two-sided p-value of Wilcoxon's signed-rank test; pairs without a difference are dropped.

    Exact up to 50 pairs without ties, else normal with tie and continuity correction (Wilcoxon,
    Biometrics Bulletin 1, 1945; Hollander, Wolfe and Chicken, 3.1).
    """
    moved = differences[differences != 0]
    n = len(moved)
    if n == 0:
        return 1.0
    sizes, place, ties = np.unique(np.abs(moved), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[place]
    positive = float(ranks[moved > 0].sum())
    if n <= EXACT_TO and len(sizes) == n:
        return _exact_p(n, positive)
    variance = n * (n + 1) * (2 * n + 1) / 24 - float((ties.astype(float) ** 3 - ties).sum()) / 48
    distance = max(abs(positive - n * (n + 1) / 4) - 0.5, 0.0)
    return math.erfc(distance / math.sqrt(2 * variance))


def thinned(data: Floats) -> Floats:
    """Every k-th row in order, so that no more than `MOST` are left."""
    return data[:: math.ceil(len(data) / MOST)] if len(data) else data


def block_length(n: int) -> int:
    """How many neighbouring blocks are resampled together: the cube root of their number.

    The order that Hall, Horowitz and Jing (Biometrika 82, 1995) derive for estimating a variance.
    """
    return max(1, round(math.cbrt(n)))


def resampled_medians(
    columns: Sequence[Floats], rng: np.random.Generator, *, length: int | None = None
) -> list[Floats]:
    """The bootstrapped medians of several columns over the same resampled rows.

    Runs of `length` neighbouring rows (default: `block_length`) are drawn with replacement
    (Kunsch, Annals of Statistics 17, 1989) until they fill a sample of the original length.
    """
    n = len(columns[0])
    length = min(length or block_length(n), n)
    drawn = math.ceil(n / length)
    medians: list[list[Floats]] = [[] for _ in columns]
    batch = max(1, CELLS // n)
    for done in range(0, RESAMPLES, batch):
        size = (min(batch, RESAMPLES - done), drawn, 1)
        starts = rng.integers(0, n - length + 1, size=size)
        rows = (starts + np.arange(length)).reshape(size[0], -1)[:, :n]
        for kept, column in zip(medians, columns, strict=True):
            kept.append(np.median(column[rows], axis=1))
    return [np.concatenate(parts) for parts in medians]


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


def _exact_p(n: int, positive: float) -> float:
    """Count the sign patterns with a rank sum at most as large as the smaller of the two."""
    smaller = round(min(positive, n * (n + 1) / 2 - positive))
    ways = [1] + [0] * smaller
    for rank in range(1, n + 1):
        for total in range(smaller, rank - 1, -1):
            ways[total] += ways[total - rank]
    return min(1.0, math.ldexp(2 * sum(ways), -n))
