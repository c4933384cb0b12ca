"""When requests are due in an open loop: absolute times from a seed, so that a run can be repeated.

A request is due at its time whether or not earlier ones have ended, and the schedule is never
moved: relative sleeps would add up their lateness, and rescaling to an exact count would bias the
process.
"""

import random
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import count

from harness.load.stages import LoadStage, stretched


class Arrivals(StrEnum):
    """How the gaps between requests are distributed; all have the mean 1 / rate."""

    CONSTANT = "constant"
    POISSON = "poisson"
    GAMMA = "gamma"
    """Gamma gaps: a shape below 1 makes bursts, 1 is Poisson, above 1 evens out."""


def schedule(
    arrivals: Arrivals, *, rate: float, seconds: float, seed: int, shape: float = 0.5
) -> Iterator[int]:
    """Nanoseconds after the start at which requests are due, ascending, all before `seconds`.

    `rate` is requests per second over all workers; `shape` is that of the gamma distribution, whose
    coefficient of variation is 1 / sqrt(shape).
    """
    if arrivals is Arrivals.CONSTANT:
        return _constant(rate, seconds)
    return _random(arrivals, rate, seconds, random.Random(seed), shape)  # noqa: S311 - no secret


def staged(
    arrivals: Arrivals, stages: Sequence[LoadStage], *, seed: int, shape: float = 0.5
) -> Iterator[int]:
    """Nanoseconds after the start at which requests are due when the rate changes by stages.

    The gaps are those of the process at the rate of the moment.
    """
    areas: Iterator[float] = map(float, count())
    if arrivals is not Arrivals.CONSTANT:
        areas = _unit(arrivals, random.Random(seed), shape)  # noqa: S311 - no secret
    for at_s in stretched(stages, areas):
        yield int(at_s * 1e9)


def share(due: Iterator[int], *, worker: int, workers: int) -> Iterator[tuple[int, int]]:
    """Every `workers`-th request from `worker` on, with its index in the whole schedule.

    All shares together are the whole schedule, whatever the process it is drawn from.
    """
    for index, at_ns in enumerate(due):
        if index % workers == worker:
            yield index, at_ns


def _unit(arrivals: Arrivals, rng: random.Random, shape: float) -> Iterator[float]:
    at = 0.0
    while True:
        poisson = arrivals is Arrivals.POISSON
        at += rng.expovariate(1.0) if poisson else rng.gammavariate(shape, 1 / shape)
        yield at


def _constant(rate: float, seconds: float) -> Iterator[int]:
    end_ns = seconds * 1e9
    index = 0
    while (at_ns := index * 1e9 / rate) < end_ns:
        yield int(at_ns)
        index += 1


def _random(
    arrivals: Arrivals, rate: float, seconds: float, rng: random.Random, shape: float
) -> Iterator[int]:
    at = 0.0
    while True:
        if arrivals is Arrivals.POISSON:
            at += rng.expovariate(rate)
        else:
            at += rng.gammavariate(shape, 1 / (rate * shape))
        if at >= seconds:
            return
        yield int(at * 1e9)
