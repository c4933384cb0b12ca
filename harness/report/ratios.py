"""Objectives on a ratio: one route over another in the pairs of a comparison."""

from dataclasses import replace

from harness.measure.objective import Objective
from harness.report.comparison import Comparison, PairedDifference
from harness.report.quantile import Estimate
from harness.report.report import key
from harness.report.thresholds import Checked, CheckResult, Doubts, answer

ALL = "all"


def between_routes(bound: Objective, comparison: Comparison) -> Checked:
    """The median of one route over another's, in the pairs of the comparison."""
    of = dict(bound.labels)
    names = f"{of['b']}/{of['a']}"
    for pair in comparison.pairs:
        if pair.metric != key(of["metric"]) or {pair.a, pair.b} != {of["a"], of["b"]}:
            continue
        if pair.effect is None:
            return unknown(bound, comparison.reason or str(pair.reason), names)
        ends = pair.effect.ratio, pair.effect.low, pair.effect.high
        if pair.a != of["a"]:
            ends = 1 / ends[0], 1 / ends[2], 1 / ends[1]
        found = answered(bound, names, Estimate(*ends, count=pair.n))
        failing = _failing(comparison, pair)
        if failing is None or found.result is not CheckResult.MET:
            return found
        told = f"{found.measured}; {failing}"
        return replace(found, result=CheckResult.UNKNOWN, measured=told)
    return unknown(bound, comparison.reason or "these routes were not compared", names)


def answered(bound: Objective, route: str, measured: Estimate) -> Checked:
    """What an estimate says of an objective, with nothing to doubt but chance."""
    result, told = answer(bound, measured, Doubts())
    return Checked(bound.text, route, result, told, measured.value, measured.low, measured.high)


def unknown(bound: Objective, reason: str, route: str = ALL) -> Checked:
    """An objective without an answer, and why."""
    return Checked(bound.text, route, CheckResult.UNKNOWN, reason)


def _failing(comparison: Comparison, pair: PairedDifference) -> str | None:
    """That one of the two routes fails more often, which no ratio makes good."""
    alike = (each for each in comparison.failures if {each.a, each.b} == {pair.a, pair.b})
    return next((each.sentence for each in alike if each.differ), None)
