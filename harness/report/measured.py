"""What an objective speaks of, as a value with its interval."""

import math
from dataclasses import replace

import numpy as np

from harness.measure.metrics import METRICS, SCHEDULED
from harness.measure.objective import Objective
from harness.report import figures, frame, interval
from harness.report.frame import Frame
from harness.report.latencies import percentile, plain
from harness.report.pooled import Pooled
from harness.report.quantile import CONFIDENCE, Estimate
from harness.report.report import Oddities, RouteSummary, Violations
from harness.report.tally import Good, cache_hits


def measure(
    objective: Objective,
    rows: Frame,
    route: RouteSummary,
    fine: Good,
    *,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """What an objective speaks of on one route, with its interval at this `confidence`.

    A latency has every request of the target in it: one that failed took longer than any other.
    """
    if objective.statistic is None:
        return _alone(objective.metric, rows, route, fine, confidence)
    measured = of_latency(objective, objective.metric, rows, confidence=confidence)
    if not METRICS[objective.metric].scheduled or measured.value is None:
        return measured
    # What the client started late, it may have made late: the least is what counts from send.
    rows = rows.where(rows.known("scheduled_ns"))
    plain_metric = objective.metric.removesuffix(SCHEDULED)
    sent = of_latency(objective, plain_metric, rows, confidence=confidence)
    return replace(
        measured,
        at_least=_least(measured.at_least, sent.at_least),
        low=_least(measured.low, sent.low),
    )


def of_latency(
    objective: Objective, metric: str, rows: Frame, *, confidence: float = CONFIDENCE
) -> Estimate:
    """The objective's statistic of a latency, with failures as longer than any answer."""
    return _statistic(objective, frame.values(rows, metric, failures=True), confidence)


def _least(*values: float | None) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _statistic(objective: Objective, found: frame.Values | Pooled, confidence: float) -> Estimate:
    failed = found.endless
    if objective.quantile is not None:
        measured = percentile(found, objective.quantile * 100, confidence=confidence)
    else:
        name = str(objective.statistic)
        if name == "mean" and failed:
            measured = _endless(found, confidence)
        else:
            measured = plain(found, name, confidence=confidence)
        if name != "mean":  # a fact of these very requests
            measured = replace(measured, low=measured.at_least, high=measured.at_most)
    if measured.value is not None and math.isinf(measured.value):
        share = figures.share(failed / len(found))
        return replace(measured, value=None, reason=f"longer than any answer: {share} failed")
    return measured


def _endless(found: frame.Values | Pooled, confidence: float) -> Estimate:
    """The mean where some failed: no more than how much it is at least."""
    known, low = np.isfinite(found.data), found.low
    least = np.where(known, low, low[known].max() if known.any() else np.inf)
    reason = f"{figures.count(len(known) - known.sum())} of {figures.count(len(known))} failed"
    bound = interval.mean(least, found.of, confidence=confidence)[0]
    return Estimate(None, bound, None, reason=f"there is no mean: {reason}", count=len(known))


def _alone(
    metric: str, rows: Frame, route: RouteSummary, fine: Good, confidence: float
) -> Estimate:
    """A share, a rate or a count of a route."""
    if metric == "violations":
        return _violations(route.contract, route.counts.ok)
    if metric in ("rate", "goodput"):
        return _per_second(metric, rows, route, fine, confidence)
    if metric in route.odd.shares:
        return _odd_share(metric, rows, route.odd, confidence)
    if metric == "violation_rate":
        return interval.share(rows.broken > 0, frame.weights(rows), confidence=confidence)
    if metric == "cache_hit_share":
        return interval.share(cache_hits(rows), confidence=confidence)
    failed = rows.failed[~rows.own]
    return interval.share(failed, confidence=confidence)


def _per_second(
    metric: str, rows: Frame, route: RouteSummary, fine: Good, confidence: float
) -> Estimate:
    of_rate = metric == "rate"
    value = route.counts.rate if of_rate else route.goodput.per_second
    if value is None:
        return Estimate(None, reason="nothing to take a rate of")
    counted = rows.where(~rows.own if of_rate else fine(rows, ""))
    begun = counted.ints("begun_ns")
    times = (begun - (int(rows.ints("begun_ns")[0]) if len(rows) else 0)) / 1e9
    found = interval.rate(value, times, route.counts.seconds, confidence=confidence)
    at_least, at_most = route.goodput.at_least, route.goodput.at_most
    if of_rate or found.low is None or found.high is None or at_least is None or at_most is None:
        return found
    low, high = found.low - (value - at_least), found.high + (at_most - value)
    return replace(found, low=low, high=high, at_least=at_least, at_most=at_most)


def _odd_share(kind: str, rows: Frame, odd: Oddities, confidence: float) -> Estimate:
    """The share of answers that are odd so, and more where the client could not tell."""
    share, most = odd.shares[kind], odd.at_most[kind]
    if share is None:
        return Estimate(None, reason="the samples do not say how odd their answers were")
    found = interval.share(frame.named(rows.where(rows.ok), kind), confidence=confidence)
    if found.high is None or most is None:
        return found
    return replace(found, high=min(found.high + most - share, 1.0), at_least=share, at_most=most)


def _violations(contract: Violations, answers: int) -> Estimate:
    """Their number; none is only none where all answers were looked at."""
    count, checked = contract.violation_count, contract.checked
    if count:
        return Estimate(count, count, count)
    if not checked:
        return Estimate(None, reason="no answer was held against the contract")
    if checked < answers:
        unchecked = f"{answers - checked:,} of {answers:,} good answers were not checked"
        return Estimate(None, reason=f"{unchecked}: ask for less load, or for violation_rate")
    return Estimate(count, count, count)
