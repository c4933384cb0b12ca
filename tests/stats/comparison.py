"""Simulations of the comparison of routes, by the product's own functions: figure against bar."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate, combinations

import numpy as np

from harness.cli.interleave import LOOKS, shares_of
from harness.report.arrays import Floats
from harness.report.comparison import AT_EACH_LOOK, judge, pair_of
from harness.report.paired import Location, location, pairs_to_decide
from harness.report.pairing import Paired
from harness.report.planning import blocks_for
from tests.stats.figure import Figure

BOUND = math.log(1.05)
ALONE = 0.05 / 12
"""Holm's level for the smallest p-value of three pairs of routes in four metrics."""
STAND_IN = 0.11
"""The same of the stand-in's TTFT."""
JITTER = 0.2
"""The standard deviation of the logarithm of one request's time."""


def figures(runs: int, seed: int = 1) -> Iterator[Figure]:
    """False alarms and power of the paired comparison, and whether the named pairs decide."""
    for correlation, most in ((0.0, 0.06), (0.5, 0.07), (0.8, 0.10)):
        alarms = _share(runs, seed, partial(_alarm, correlation))
        what = f"equal routes called different, 200 pairs, correlation {correlation}"
        yield Figure(what, alarms, most=most, of=runs)
    power = _share(runs, seed, lambda rng: _found(rng, 150, shift=math.log(1.1)).p < ALONE)
    yield Figure("+10 % found, 150 pairs, the smallest of a family of 12", power, 0.8, of=runs)
    ends = [_equal_routes(np.random.default_rng(seed + run)) for run in range(runs)]
    decided = sum(end is not None for end in ends) / runs
    wrong = sum(end is False for end in ends) / runs
    yield Figure("three equal routes, jitter 11 %: decided by 300 blocks", decided, 0.8, of=runs)
    yield Figure("three equal routes, jitter 11 %: called different", wrong, most=0.05, of=runs)
    planned = _share(runs, seed, _plan_decides)
    yield Figure("as many pairs as were named decide", planned, 0.7, of=runs)
    for what, shift in (("equality", 0.0), ("a difference", BOUND)):
        power = _share(runs, seed, partial(_pilot_decides, shift))
        yield Figure(f"--plan 5%: the planned blocks show {what} of 5 %", power, 0.7, of=runs)


def _share(runs: int, seed: int, happens: Callable[[np.random.Generator], bool]) -> float:
    rng = np.random.default_rng(seed)
    return sum(happens(rng) for _ in range(runs)) / runs


def _alarm(correlation: float, rng: np.random.Generator) -> bool:
    return _found(rng, 200, correlation).p < 0.05


def _found(
    rng: np.random.Generator, pairs: int, correlation: float = 0.0, *, shift: float = 0.0
) -> Location:
    return location(_differences(rng, pairs, correlation) + shift)


def _differences(rng: np.random.Generator, pairs: int, correlation: float) -> Floats:
    """Log ratios of two equal routes: a first-order autoregression of that variance."""
    scale = JITTER * math.sqrt(2 * (1 - correlation**2))
    noise = rng.normal(0, scale, pairs + 50)
    for n in range(1, len(noise)):
        noise[n] += correlation * noise[n - 1]
    return noise[50:]


def _plan_decides(rng: np.random.Generator) -> bool:
    pilot = _found(rng, 40)
    needed = pairs_to_decide(40, (pilot.low, pilot.high), bound=BOUND, alpha=0.05)
    if needed is None:
        return False
    found = _found(rng, min(needed, 2000))
    return -BOUND < found.inner_low < found.inner_high < BOUND or found.p < 0.05


def _pilot_decides(shift: float, rng: np.random.Generator) -> bool:
    """Whether the blocks that a pilot asked for show what is there, at the last of three looks."""
    alpha = AT_EACH_LOOK[LOOKS]
    pilot = _found(rng, 40, shift=shift)
    blocks = blocks_for(40, (pilot.low, pilot.high), BOUND, alpha=alpha)
    found = location(_differences(rng, min(blocks, 2000), 0.0) + shift, alpha)
    if shift:
        return found.p < alpha
    return -BOUND < found.inner_low < found.inner_high < BOUND


def _equal_routes(rng: np.random.Generator) -> bool | None:
    """Whether a comparison in looks finds three equal routes equal; None where it stays open."""
    times = rng.lognormal(0, STAND_IN, (3, 300))
    for blocks in accumulate(shares_of(300)):
        found = [
            pair_of(Paired(a, b, "ttft_ms", one[:blocks], other[:blocks]), AT_EACH_LOOK[LOOKS])
            for (a, one), (b, other) in combinations(zip("abc", times, strict=True), 2)
        ]
        verdicts = {pair.verdict for pair in judge(found, 0.05, AT_EACH_LOOK[LOOKS])}
        if "inconclusive" not in verdicts:
            return verdicts == {"equivalent"}
    return None
