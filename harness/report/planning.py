"""How many blocks a comparison needs, from a short pilot."""

import math
from dataclasses import dataclass

from harness.report import figures
from harness.report.comparison import AT_EACH_LOOK, LEAST_PAIRS, Comparison
from harness.report.pairing import Cost

POWER = 0.8
"""With this probability the blocks that are named decide."""


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """So many blocks tell a `difference` (a fraction of one) on every two routes."""

    difference: float
    blocks: int
    pairs: tuple[str, ...]
    cost: Cost

    @property
    def sentence(self) -> str:
        """What to do, and what it takes."""
        return (
            f"{figures.count(self.blocks)} blocks ({self.cost.of(self.blocks)}) tell a difference "
            f"of {self.difference:.3g} or equality within it with a probability of {POWER:.0%}: "
            f"compare --margin {self.difference * 100:g}% --pairs {self.blocks}"
        )


def plan(comparison: Comparison, difference: float, *, looks: int) -> BlockPlan | None:
    """The blocks that tell such a difference; None where the pilot had no pair to learn from."""
    found = [(pair, effect) for pair, effect in comparison.measured if pair in comparison.main]
    if not found or comparison.cost is None:
        return None
    family, bound = len(comparison.measured), math.log1p(difference)
    needed = [
        blocks_for(pair.n, effect.interval, bound, alpha=AT_EACH_LOOK[looks], family=family)
        for pair, effect in found
    ]
    told = (
        f"{pair.names}: {figures.count(blocks)} blocks"
        for (pair, _), blocks in zip(found, needed, strict=True)
    )
    return BlockPlan(difference, max(needed), tuple(told), comparison.cost)


def blocks_for(
    n: int, interval: tuple[float, float], bound: float, *, alpha: float, family: int = 1
) -> int:
    """The blocks that one pair needs, by the 95 % `interval` that `n` of a pilot gave it.

    Interval and `bound` are logarithms of ratios. The larger of two sample sizes (Chow, Shao and
    Wang, Sample Size Calculations in Clinical Research, 3.2): for a difference by a two-sided test
    at the level `alpha` of one look, over the tests of a `family` by Bonferroni; and for equality
    of two equal routes by two one-sided tests. Looks before the last only add to the power.
    """
    from scipy.special import ndtri

    error = (interval[1] - interval[0]) / (2 * float(ndtri(0.975)))
    differs = float(ndtri(1 - alpha / family / 2) + ndtri(POWER))
    equal = float(ndtri(1 - alpha) + ndtri((1 + POWER) / 2))
    return max(math.ceil(n * (error * max(differs, equal) / bound) ** 2), LEAST_PAIRS)
