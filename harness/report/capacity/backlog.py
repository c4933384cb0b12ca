"""Whether the requests under way grow and grow: an endless queue, before latencies show it.

The number under way changes by what was begun minus what ended. Cut into batches of equal length,
these changes have the mean 0 where the target keeps up, and do not resemble each other more than
those of a random walk, so that Student's interval of their mean holds (batch means: Law, Simulation
Modeling and Analysis, 9.5.3).
"""

import math
from dataclasses import dataclass

import numpy as np

from harness.report.arrays import Floats

BATCHES = 10
LEAST_REQUESTS = 20
FIRST = 0.1
"""This share of the requests finds the target empty, or nearly so."""
CERTAIN = 0.995
PILED_UP = 3
SOME = 5
"""More under way than so many times what the first answers took, and some, is a queue."""
LEAST_SHARE = 0.01
"""A growth below this share of the rate is no overload that a search could find."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How fast the number under way grows, requests per second, with its one-sided lower bound."""

    growth: float
    at_least: float
    grows: bool


def backlog(begun_s: Floats, ended_s: Floats, *, until_s: float) -> Backlog | None:
    """Of requests that began and ended at these seconds; infinite for one that has not ended.

    The first answers fill the target up: what counts begins when the first of them have ended,
    after twice the time that they took. None where too few requests are left to tell.
    """
    if len(begun_s) < LEAST_REQUESTS:
        return None
    filled_s = 2 * _unhindered_s(begun_s, ended_s)
    if not math.isfinite(filled_s):
        return None
    from_s = float(begun_s.min()) + filled_s
    if until_s - from_s <= 0 or int((begun_s >= from_s).sum()) < LEAST_REQUESTS:
        return None
    edges = np.linspace(from_s, until_s, BATCHES + 1)
    under_way = np.searchsorted(np.sort(begun_s), edges) - np.searchsorted(np.sort(ended_s), edges)
    changes = np.diff(under_way) * BATCHES / (until_s - from_s)
    growth = float(np.mean(changes))
    at_least = growth - _student() * float(np.std(changes, ddof=1)) / math.sqrt(BATCHES)
    rate = float((begun_s >= from_s).sum()) / (until_s - from_s)
    return Backlog(growth, at_least, at_least > 0 and growth > LEAST_SHARE * rate)


def piled_up(begun_s: Floats, ended_s: Floats) -> bool:
    """Whether there are many more under way in the end than the first answers account for.

    (Little, Operations Research 9, 1961: as many as the rate times what an answer takes.) It proves
    nothing, but more load should not be tried before it is known.
    """
    if len(begun_s) < 2:
        return False
    until_s, span_s = float(begun_s.max()), float(np.ptp(begun_s))
    under_way = int((begun_s <= until_s).sum() - (ended_s <= until_s).sum())
    rate = (len(begun_s) - 1) / span_s if span_s else 0.0
    return under_way > PILED_UP * rate * _unhindered_s(begun_s, ended_s) + SOME


def _unhindered_s(begun_s: Floats, ended_s: Floats) -> float:
    """What the first answers took, in the middle."""
    first = np.argsort(begun_s, kind="stable")[: max(math.ceil(FIRST * len(begun_s)), 1)]
    return float(np.median((ended_s - begun_s)[first]))


def _student() -> float:
    from scipy.special import stdtrit  # takes its time, and not every report needs it

    return float(stdtrit(BATCHES - 1, CERTAIN))
