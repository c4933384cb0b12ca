"""Exact bounds of a share (Clopper and Pearson, Biometrika 26, 1934)."""

SEARCHED = 1 << 20
"""So many answers are the most that anybody is advised to ask for."""


def exact(count: float, n: float, confidence: float) -> tuple[float, float]:
    """The interval of the share that `count` of `n` independent trials stand for; n is above 0."""
    from scipy.special import betaincinv  # takes its time, and not every run needs it

    tail = (1 - confidence) / 2
    low = betaincinv(count, n - count + 1, tail) if count > 0 else 0.0
    high = betaincinv(count + 1, n - count, 1 - tail) if count < n else 1.0
    return float(low), float(high)


def trials_to_settle(share: float, limit: float, confidence: float) -> int | None:
    """About how many trials leave `limit` outside the interval, if the share stays as it is.

    A power of two, up to `SEARCHED`; None where even these do not settle it.
    """
    n = 1
    while n <= SEARCHED:
        low, high = exact(share * n, n, confidence)
        if not low <= limit <= high:
            return n
        n *= 2
    return None
