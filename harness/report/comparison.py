"""Routes against each other, from requests that were sent interleaved; makes `comparison.json`.

A block holds one request per route, sent shortly after one another in an order of its own, so that
both sides of a pair met the same service (Bulej et al., Duet benchmarking, ICPE 2020; Abedi and
Brecht, ICPE 2017). Routes that were not interleaved are never declared different: on a drifting
service, two runs of the same thing differ.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from harness.report import frame
from harness.report.arrays import Floats
from harness.report.paired import cliffs_delta, holm, resampled_medians, signed_rank_p, thinned
from harness.report.pairing import Paired, aligned, interleaved
from harness.report.summary import ordered_routes

SCHEMA_VERSION = 1
MARGIN = 0.05
ALPHA = 0.05
LEAST_PAIRS = 20
METRICS = ("ttfb", "ttft", "tpot", "e2e")
UNPAIRED = (
    "the routes were not sent interleaved, so a slow change of the service could pass for a "
    "difference between them"
)


@dataclass(frozen=True, slots=True)
class Effect:
    """How far b is from a: `ratio` is the median of b/a, all intervals are at 95 %.

    `cliffs_delta` is how much more often b exceeds a than the reverse; `p` is before correction.
    """

    ratio: float
    low: float
    high: float
    difference_ms: float
    difference_low_ms: float
    difference_high_ms: float
    cliffs_delta: float
    p: float


@dataclass(frozen=True, slots=True)
class Pair:
    """b against a in one metric, over `n` pairs; with a `route`, a and b are two runs of it.

    `verdict` is `slower` (b is slower than a), `faster`, `equivalent` (within the margin) or
    `inconclusive`; `significant` is the test after Holm's correction over all routes and metrics.
    """

    a: str
    b: str
    metric: str
    n: int
    route: str | None = None
    a_median_ms: float | None = None
    b_median_ms: float | None = None
    effect: Effect | None = None
    verdict: str = "inconclusive"
    significant: bool = False
    p_corrected: float | None = None
    reason: str | None = None

    @property
    def names(self) -> str:
        """What is compared, in few words."""
        return self.route or f"{self.b} vs {self.a}"

    def document(self) -> dict[str, Any]:
        """One entry of `pairs`: flat, null where there is nothing to say."""
        own = {name: getattr(self, name) for name in self.__slots__ if name != "effect"}
        effect = asdict(self.effect) if self.effect else dict.fromkeys(Effect.__slots__)
        return {**own, **effect}


@dataclass(frozen=True, slots=True)
class Comparison:
    """All pairs of one scenario; `reason` says why they say nothing."""

    pairs: tuple[Pair, ...] = ()
    margin: float = MARGIN
    scenario: str | None = None
    blocks: int = 0
    reason: str | None = None

    @property
    def main(self) -> tuple[Pair, ...]:
        """The pairs in the metric that routes are judged by: TTFT where anything streamed."""
        measured = {pair.metric for pair in self.pairs if pair.effect}
        metric = "ttft_ms" if "ttft_ms" in measured else "e2e_ms"
        return tuple(pair for pair in self.pairs if pair.metric == metric)

    @property
    def measured(self) -> list[tuple[Pair, Effect]]:
        """The pairs that have an effect at all, with it."""
        return [(pair, pair.effect) for pair in self.pairs if pair.effect]

    @property
    def still_open(self) -> str:
        """Why there is no answer, in one line; empty when there is."""
        if self.reason:
            return self.reason
        unsure = [pair for pair in self.main if pair.verdict == "inconclusive"]
        return "; ".join(f"{pair.names}: {pair.reason}" for pair in unsure)

    @property
    def conclusive(self) -> bool:
        """Whether every two routes have an answer in that metric."""
        return bool(self.main) and all(pair.verdict != "inconclusive" for pair in self.main)

    def document(self) -> dict[str, Any]:
        """The content of `comparison.json`."""
        own = {name: getattr(self, name) for name in self.__slots__ if name != "pairs"}
        pairs = [pair.document() for pair in self.pairs]
        return {"schema_version": SCHEMA_VERSION, **own, "conclusive": self.conclusive} | {
            "paired": self.scenario is not None,
            "alpha": ALPHA,
            "pairs": pairs,
        }


def compare(rows: pd.DataFrame, *, margin: float = MARGIN, seed: int = 0) -> Comparison:
    """Compare every two routes; the same rows and seed give the same answer."""
    counted = frame.steady(rows)
    if counted["route"].nunique() < 2:
        return Comparison(margin=margin, reason="fewer than two routes were measured")
    found_blocks = interleaved(counted)
    if found_blocks is None:
        return Comparison(tuple(_unpaired(counted)), margin, reason=UNPAIRED)
    scenario, blocks = found_blocks
    rng = np.random.default_rng(seed)
    found = [_pair(paired, rng) for metric in METRICS for paired in aligned(blocks, metric)]
    return Comparison(tuple(judge(found, margin)), margin, scenario, blocks["block"].nunique())


def judge(pairs: Sequence[Pair], margin: float) -> Iterator[Pair]:
    """Decide each pair; the p-values of all that were tested are corrected together."""
    corrected = iter(holm([pair.effect.p for pair in pairs if pair.effect]))
    for pair in pairs:
        if pair.effect is None:
            yield pair
            continue
        p = next(corrected)
        verdict, reason = _decide(pair.n, pair.effect, margin, significant=p < ALPHA)
        yield replace(pair, p_corrected=p, significant=p < ALPHA, verdict=verdict, reason=reason)


def spread(log_ratios: Floats, differences: Floats) -> dict[str, float]:
    """The interval fields of an effect, from bootstrapped medians."""
    low, high = np.exp(np.percentile(log_ratios, [2.5, 97.5])).tolist()
    below, above = np.percentile(differences, [2.5, 97.5]).tolist()
    return {"low": low, "high": high, "difference_low_ms": below, "difference_high_ms": above}


def _decide(n: int, effect: Effect, margin: float, *, significant: bool) -> tuple[str, str | None]:
    """Equivalence by two one-sided tests, each at 2.5 %: the interval lies within the margin.

    (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987.) At 5 % each, the
    interval that a reader sees could reach beyond the margin.
    """
    if n < LEAST_PAIRS:
        return "inconclusive", f"{n} pairs: {LEAST_PAIRS} are needed"
    if 1 / (1 + margin) < effect.low and effect.high < 1 + margin:
        return "equivalent", None
    if significant and effect.low > 1:
        return "slower", None
    if significant and effect.high < 1:
        return "faster", None
    return "inconclusive", f"neither a difference nor equality within {margin:.0%} is shown"


def _pair(paired: Paired, rng: np.random.Generator) -> Pair:
    before, after = thinned(paired.before), thinned(paired.after)
    n = len(before)
    if n < 2:
        reason = f"{n} pairs: {LEAST_PAIRS} are needed"
        return Pair(paired.a, paired.b, paired.metric, n, reason=reason)
    log_ratios, differences = np.log(after / before), after - before
    effect = Effect(
        ratio=float(np.exp(np.median(log_ratios))),
        difference_ms=float(np.median(differences)),
        cliffs_delta=cliffs_delta(before, after),
        p=signed_rank_p(log_ratios),
        **spread(*resampled_medians([log_ratios, differences], rng)),
    )
    medians = float(np.median(before)), float(np.median(after))
    return Pair(paired.a, paired.b, paired.metric, n, None, *medians, effect)


def _unpaired(rows: pd.DataFrame) -> Iterator[Pair]:
    """The medians side by side, without a verdict."""
    routes = ordered_routes(rows["route"].unique())
    for metric in METRICS:
        found = {route: frame.values(rows[rows["route"] == route], metric).data for route in routes}
        medians = {route: float(np.median(x)) if len(x) else None for route, x in found.items()}
        for a, b in combinations(routes, 2):
            numbers = medians[a], medians[b]
            yield Pair(a, b, f"{metric}_ms", 0, None, *numbers, reason="not interleaved")
