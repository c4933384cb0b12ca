"""Intervals of percentiles cover the truth, and objectives near it are seldom judged wrongly."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.measure.objective import parse_objective
from harness.report.frame import Values
from harness.report.latencies import percentile
from harness.report.quantile import Estimate
from harness.report.thresholds import Doubts, answer
from tests.stats import series
from tests.stats.figure import Figure

LENGTHS = (20, 80, 150, 400, 2000)
PERCENTS = (50, 95)
COVERED = {"independent": (0.93, 0.97), "AR(1) 0.5": (0.88, 1.0), "M/M/1 0.8": (0.8, 1.0)}
WRONG = {"independent": 0.025, "AR(1) 0.5": 0.025, "M/M/1 0.8": 0.05}
LONG_ENOUGH = {"independent": 20, "AR(1) 0.5": 20, "M/M/1 0.8": 2000}
"""From which length the bar on wrong verdicts holds. A shorter stretch of the queue lies within one
memory of it, from which no method can tell; its figures are shown without a bar."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """The estimates of one percentile over many runs of one law, with the truth."""

    law: str
    n: int
    percent: int
    truth: float
    found: tuple[Estimate, ...]


def figures(runs: int, seed: int = 0) -> Iterator[Figure]:
    """How often intervals of 2,000 requests hold the truth; how often a verdict is wrong."""
    rng = np.random.default_rng(seed)
    for law in series.LAWS:
        for n in LENGTHS:
            drawn = series.draw(law, n, runs=runs, rng=rng)
            for percent in PERCENTS:
                truth = series.quantile(law, percent / 100)
                found = tuple(percentile(Values(x, x, x), percent) for x in drawn)
                simulated = Simulated(law, n, percent, truth, found)
                yield from _wrong(simulated)
                if n == LENGTHS[-1]:
                    yield _covered(simulated)


def _covered(simulated: Simulated) -> Figure:
    given = [(e.low, e.high) for e in simulated.found if e.low is not None and e.high is not None]
    held = sum(low <= simulated.truth <= high for low, high in given)
    what = f"{simulated.law}, n = {simulated.n}: p{simulated.percent} covered"
    told = f"{what}, of {len(given)} intervals"
    share = held / len(given) if given else None
    return Figure(told, share, *COVERED[simulated.law], of=max(1, len(given)))


def _wrong(simulated: Simulated) -> Iterator[Figure]:
    """Limits that the truth is 10 % beyond, and 10 % inside."""
    runs = len(simulated.found)
    for limit, wrong, where in (
        (simulated.truth / 1.1, "pass", "10 % beyond passes"),
        (simulated.truth / 0.9, "fail", "10 % inside fails"),
    ):
        count = sum(_verdict(simulated.percent, limit, each) == wrong for each in simulated.found)
        what = f"{simulated.law}, n = {simulated.n}: p{simulated.percent} {where}"
        most = WRONG[simulated.law] if simulated.n >= LONG_ENOUGH[simulated.law] else 1.0
        yield Figure(what, count / runs, most=most, of=runs)


def _verdict(percent: int, limit: float, measured: Estimate) -> str:
    objective = parse_objective(f"p{percent}(ttft) < {limit:.9f}ms")
    result, _ = answer(objective, measured, Doubts())
    return result
