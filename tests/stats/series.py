"""Latencies with a known law, in order of sending: independent, AR(1), and a queue under load.

All are drawn many series at a time, as rows of an array.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

SIGMA = 0.5
COEFFICIENT = 0.5
LOAD = 0.8
LAWS = ("independent", "AR(1) 0.5", "M/M/1 0.8")


def draw(law: str, n: int, *, runs: int, rng: np.random.Generator) -> Floats:
    """`runs` stationary series of `n` latencies each."""
    if law == "independent":
        return rng.lognormal(0, SIGMA, (runs, n))
    return _autoregressive(n, runs, rng) if law.startswith("AR") else _queue(n, runs, rng)


def quantile(law: str, probability: float) -> float:
    """The true quantile: of a lognormal, or of the sojourn time in M/M/1, which is exponential."""
    if law.startswith("M/M/1"):
        return -math.log(1 - probability) / (1 - LOAD)
    return math.exp(SIGMA * float(stats.norm.ppf(probability)))


def _autoregressive(n: int, runs: int, rng: np.random.Generator) -> Floats:
    found = rng.normal(size=(runs, n))
    for i in range(1, n):
        fresh = math.sqrt(1 - COEFFICIENT**2) * found[:, i]
        found[:, i] = COEFFICIENT * found[:, i - 1] + fresh
    return np.exp(SIGMA * found)


def _queue(n: int, runs: int, rng: np.random.Generator) -> Floats:
    """Lindley's recursion from a stationary wait; service takes 1 on average."""
    idle = rng.random(runs) >= LOAD
    wait = np.where(idle, 0.0, rng.exponential(1 / (1 - LOAD), runs))
    found = np.empty((runs, n))
    for i in range(n):
        service = rng.exponential(1, runs)
        found[:, i] = wait + service
        wait = np.maximum(0.0, found[:, i] - rng.exponential(1 / LOAD, runs))
    return found
