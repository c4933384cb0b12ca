"""Routes against each other, from requests that were sent interleaved; makes `comparison.json`.

A block holds one request per route, sent shortly after one another in an order of its own, so that
both sides of a pair met the same service (Bulej et al., Duet benchmarking, ICPE 2020; Abedi and
Brecht, ICPE 2017). Routes that were not interleaved are not compared: on a drifting service, two
runs of the same thing differ.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from harness.report import figures, frame
from harness.report.arms import Arm, arms, setup_of
from harness.report.arrays import Floats
from harness.report.documents import document, fields_of
from harness.report.frame import Frame
from harness.report.paired import (
    Location,
    cliffs_delta,
    discordant_p,
    holm,
    location,
    pairs_to_decide,
    thinned,
)
from harness.report.pairing import (
    Cost,
    Discordant,
    Paired,
    aligned,
    discordant,
    interleaved,
    of_blocks,
)
from harness.report.plan import Prices
from harness.report.report import COMPARE
from harness.routes.route import Route

SCHEMA_VERSION = 2
MARGIN = 0.05
ALPHA = 0.05
AT_EACH_LOOK = {1: ALPHA, 2: 0.0294, 3: 0.0221, 4: 0.0182, 5: 0.0158}
"""The level at each of several looks that makes 5 % over all of them (Pocock, Biometrika 64, 1977).

An interval at that level holds at every look (Jennison and Turnbull, Group Sequential Methods, 9).
"""
LEAST_PAIRS = 20
METRICS = ("ttfb", "ttft", "tpot", "e2e")
OPENED = ("ttfb", "ttft", "e2e")
"""The metrics that begin with the request, so that opening a connection belongs to them."""
NESTED = ("pairs", "failures", "arms", "cost")
UNPAIRED = (
    "the routes were not sent by compare: requests under one load are no pairs, and a change of "
    "the service could pass for a difference between them"
)


@dataclass(frozen=True, slots=True)
class Effect:
    """How far b is from a: `ratio` is the Hodges-Lehmann estimate of b/a, with its 95 % interval.

    `equal_low` and `equal_high` are its 90 % interval, which equivalence is judged by.
    `cliffs_delta` is how much more often b exceeds a than the reverse; `p` is before correction.
    """

    ratio: float
    low: float
    high: float
    equal_low: float
    equal_high: float
    difference_ms: float
    difference_low_ms: float
    difference_high_ms: float
    cliffs_delta: float
    p: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the logarithm of the ratio."""
        return math.log(self.low), math.log(self.high)


class PairVerdict(StrEnum):
    """What b is, held against a."""

    SLOWER = "slower"
    FASTER = "faster"
    EQUIVALENT = "equivalent"
    """Within the margin."""
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """b against a in one metric, over `n` pairs; with a `route`, a and b are two runs of it.

    The medians are those of the answers; `pairs_needed` is how many pairs would probably decide.
    `significant` is the test after Holm's correction over all routes and distinct metrics.
    """

    a: str
    b: str
    metric: str
    n: int
    route: str | None = None
    a_median_ms: float | None = None
    b_median_ms: float | None = None
    effect: Effect | None = None
    verdict: PairVerdict = PairVerdict.INCONCLUSIVE
    significant: bool = False
    p_corrected: float | None = None
    reason: str | None = None
    pairs_needed: int | None = None

    @property
    def names(self) -> str:
        """What is compared, in few words."""
        return self.route or f"{self.b} vs {self.a}"

    def document(self) -> dict[str, Any]:
        """One entry of `pairs`: flat, null where there is nothing to say."""
        own = {name: getattr(self, name) for name in self.__slots__ if name != "effect"}
        effect = fields_of(self.effect) if self.effect else dict.fromkeys(Effect.__slots__)
        return {**own, **effect}


@dataclass(frozen=True, slots=True)
class Failures:
    """The blocks in which only `a`, or only `b`, failed; `p_corrected` is by Holm over the routes.

    `differ`: one of the two certainly fails more often.
    """

    a: str
    b: str
    only_a: int
    only_b: int
    p_corrected: float

    @property
    def differ(self) -> bool:
        """Whether the difference cannot be chance."""
        return self.p_corrected < ALPHA

    @property
    def sentence(self) -> str:
        """What was counted, in words."""
        worse, other = (self.b, self.a) if self.only_b > self.only_a else (self.a, self.b)
        most, least = sorted((self.only_a, self.only_b), reverse=True)
        alone = f"{worse} failed alone in {figures.count(most)} blocks"
        return f"{worse} fails more often than {other}: {alone}, {other} in {figures.count(least)}"

    def document(self) -> dict[str, Any]:
        """One entry of `failures`."""
        return fields_of(self) | {"differ": self.differ}


@dataclass(frozen=True, slots=True)
class Comparison:
    """All pairs of one comparison; `reason` says why they say nothing.

    `cold`: every request opened a connection, which its times then include.
    """

    pairs: tuple[PairedDifference, ...] = ()
    margin: float = MARGIN
    scenario: str | None = None
    blocks: int = 0
    reason: str | None = None
    failures: tuple[Failures, ...] = ()
    looks: int = 1
    cold: bool = False
    arms: tuple[Arm, ...] = ()
    cost: Cost | None = None

    @property
    def on_the_way(self) -> tuple[Arm, ...]:
        """The arms where it matters how they were reached: without the gateway, or cold."""
        direct = any(each.route == Route.DIRECT for each in self.arms)
        return self.arms if self.cold or direct else ()

    @property
    def main(self) -> tuple[PairedDifference, ...]:
        """The pairs in the metric that routes are judged by: TTFT where anything streamed.

        Of whole answers it is the same number as E2E, which then has its name.
        """
        measured = {pair.metric for pair in self.pairs if pair.n}
        streamed = "ttft_ms" in measured and "ttft_ms" not in self.alike
        metric = "ttft_ms" if streamed or "e2e_ms" not in measured else "e2e_ms"
        return tuple(pair for pair in self.pairs if pair.metric == metric)

    @property
    def measured(self) -> list[tuple[PairedDifference, Effect]]:
        """The pairs that have an effect, with it; of metrics that are one number the last."""
        last = {(pair.names, pair.effect): pair for pair in self.pairs}
        return [
            (pair, pair.effect)
            for pair in self.pairs
            if pair.effect and last[pair.names, pair.effect] is pair
        ]

    @property
    def alike(self) -> list[str]:
        """The metrics that `measured` leaves out, because another one is the same number."""
        shown = {pair.metric for pair, _ in self.measured}
        every = {pair.metric for pair in self.pairs if pair.effect}
        return sorted(every - shown)

    @property
    def still_open(self) -> str:
        """Why there is no answer, in one line; empty when there is."""
        if self.reason:
            return self.reason
        failing = [each.sentence for each in self.failures if each.differ]
        unsure = [pair for pair in self.main if pair.verdict is PairVerdict.INCONCLUSIVE]
        return "; ".join([*failing, *(f"{pair.names}: {pair.reason}" for pair in unsure)])

    @property
    def conclusive(self) -> bool:
        """Whether every two routes have an answer in that metric, and none fails more often."""
        return bool(self.main) and not self.still_open

    def document(self) -> dict[str, Any]:
        """The content of `comparison.json`."""
        own = {name: getattr(self, name) for name in self.__slots__ if name not in NESTED}
        return {"schema_version": SCHEMA_VERSION, **own, "conclusive": self.conclusive} | {
            "paired": self.scenario is not None,
            "alpha": ALPHA,
            "failures": document(self.failures),
            "arms": document(self.arms),
            "per_block": document(self.cost),
            "pairs": document(self.pairs),
        }


def compare(
    rows: Frame,
    *,
    margin: float = MARGIN,
    looks: int = 1,
    cold: bool = False,
    prices: Prices | None = None,
) -> Comparison:
    """Compare every two routes that were sent in blocks; `looks` is how often that is done.

    `cold` counts what each connection took to open; `prices` are those of a token.
    """
    counted = frame.steady(rows)
    if len(counted.texts("route").present) < 2:
        return Comparison(margin=margin, reason="fewer than two routes were measured")
    blocks = interleaved(counted)
    if blocks is None:
        return Comparison(margin=margin, reason=UNPAIRED)
    alpha, cost = AT_EACH_LOOK[looks], of_blocks(blocks, prices or Prices())
    setup = setup_of(blocks.rows) if cold else None
    found = [
        pair_of(paired, alpha)
        for metric in METRICS
        for paired in aligned(blocks, metric, setup if metric in OPENED else None)
    ]
    return Comparison(
        pairs=tuple(judge(found, margin, alpha, cost)),
        margin=margin,
        scenario=COMPARE,
        blocks=blocks.count,
        failures=tuple(_failures(list(discordant(blocks)))),
        looks=looks,
        cold=cold,
        arms=arms(blocks.rows),
        cost=cost,
    )


def judge(
    pairs: Sequence[PairedDifference], margin: float, alpha: float = ALPHA, cost: Cost | None = None
) -> Iterator[PairedDifference]:
    """Decide each pair; the p-values of all that were tested are corrected together.

    Metrics that are one number, such as TTFB and TTFT of a stream whose first bytes are output,
    are one hypothesis. `cost` says what more pairs would take.
    """
    tested = {(pair.names, pair.effect): pair.effect.p for pair in pairs if pair.effect}
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    for pair in pairs:
        if pair.effect is None:
            yield pair
            continue
        p = corrected[pair.names, pair.effect]
        verdict, reason = _decide(pair.n, pair.effect, margin, significant=p < alpha)
        judged = replace(pair, p_corrected=p, significant=p < alpha, verdict=verdict, reason=reason)
        unsure = verdict is PairVerdict.INCONCLUSIVE and not pair.route
        yield _planned(judged, margin, alpha / len(tested), cost) if unsure else judged


def _planned(
    pair: PairedDifference, margin: float, alpha: float, cost: Cost | None
) -> PairedDifference:
    """The undecided pair with how many pairs would decide it."""
    if pair.effect is None or pair.n < LEAST_PAIRS:
        return pair
    needed = pairs_to_decide(pair.n, pair.effect.interval, bound=math.log1p(margin), alpha=alpha)
    return replace(
        pair, pairs_needed=needed, reason=f"{pair.reason}; {_would_decide(needed, cost)}"
    )


def _would_decide(needed: int | None, cost: Cost | None) -> str:
    if needed is None:
        return "a hundred times as many pairs would probably not decide: widen the margin"
    took = "" if cost is None else f" ({cost.of(needed)})"
    return f"{figures.count(needed)} pairs{took} would probably decide"


def _decide(
    n: int, effect: Effect, margin: float, *, significant: bool
) -> tuple[PairVerdict, str | None]:
    """Equivalence by two one-sided tests, each at 5 %: the 90 % interval lies within the margin.

    (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987.)
    """
    if n < LEAST_PAIRS:
        return PairVerdict.INCONCLUSIVE, f"{n} pairs: {LEAST_PAIRS} are needed"
    if 1 / (1 + margin) < effect.equal_low and effect.equal_high < 1 + margin:
        return PairVerdict.EQUIVALENT, None
    if significant and effect.low > 1:
        return PairVerdict.SLOWER, None
    if significant and effect.high < 1:
        return PairVerdict.FASTER, None
    return (
        PairVerdict.INCONCLUSIVE,
        f"neither a difference nor equality within {margin:.0%} is shown",
    )


def pair_of(paired: Paired, alpha: float) -> PairedDifference:
    """What was measured of one pair of routes in one metric, not judged yet."""
    before, after = thinned(paired.before), thinned(paired.after)
    n = len(before)
    pair = PairedDifference(paired.a, paired.b, paired.metric, n)
    if paired.unlike and n < LEAST_PAIRS:
        return replace(pair, reason=_unlike(paired))
    if n < 2:
        return replace(pair, reason=f"{n} pairs: {LEAST_PAIRS} are needed")
    pair = replace(pair, a_median_ms=_median(before), b_median_ms=_median(after))
    failed = np.isinf(before), np.isinf(after)
    both = failed[0] & failed[1]
    log_ratios, differences = np.zeros(n), np.zeros(n)
    log_ratios[~both] = np.log(after[~both]) - np.log(before[~both])
    differences[~both] = after[~both] - before[~both]
    ratio, difference = location(log_ratios, alpha), location(differences, alpha)
    if not (ratio.bounded and difference.bounded):
        one = int((failed[0] ^ failed[1]).sum())
        few = f"{n} pairs, of which {one} had one failed side, carry no interval"
        return replace(pair, reason=few)
    return replace(pair, effect=_effect(ratio, difference, cliffs_delta(before, after)))


def _unlike(paired: Paired) -> str:
    """That the sides had unlike connections, so that their times are not like for like."""
    return (
        f"in {figures.count(paired.unlike)} blocks one of the two opened a connection and the "
        "other had one: their connections are not kept alike (compare --cold opens one for each)"
    )


def _effect(ratio: Location, difference: Location, delta: float) -> Effect:
    return Effect(
        ratio=math.exp(ratio.estimate),
        low=math.exp(ratio.low),
        high=math.exp(ratio.high),
        equal_low=math.exp(ratio.inner_low),
        equal_high=math.exp(ratio.inner_high),
        difference_ms=difference.estimate,
        difference_low_ms=difference.low,
        difference_high_ms=difference.high,
        cliffs_delta=delta,
        p=ratio.p,
    )


def _median(times: Floats) -> float | None:
    answered = times[np.isfinite(times)]
    return float(np.median(answered)) if len(answered) else None


def _failures(counts: Sequence[Discordant]) -> Iterator[Failures]:
    p_values = holm([discordant_p(each.only_a, each.only_b) for each in counts])
    for each, p in zip(counts, p_values, strict=True):
        yield Failures(each.a, each.b, each.only_a, each.only_b, p)
