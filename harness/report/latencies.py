"""The statistics of one metric: mean, ends and percentiles, as far as the client could see them."""

import math
from dataclasses import replace

import numpy as np

from harness.measure.validity import blurred
from harness.report import frame, interval
from harness.report.frame import Frame, Values
from harness.report.ordered import Ranked
from harness.report.pooled import Pooled
from harness.report.quantile import CONFIDENCE, PERCENTILES, Estimate, estimate, value_at
from harness.report.report import Latency

NOTHING = "no successful request has this metric"


def measure(rows: Frame, metric: str) -> Latency:
    """The statistics of one metric, in milliseconds."""
    found = frame.values(rows, metric)
    ordered = found.ordered()
    return Latency(
        n=len(found),
        mean=_told(plain(found, "mean")),
        min=_told(plain(found, "min", ordered=ordered)),
        max=_told(plain(found, "max", ordered=ordered)),
        percentiles={each: _told(percentile(found, each, ordered=ordered)) for each in PERCENTILES},
    )


def _told(found: Estimate) -> Estimate:
    """What is told of an estimate: no interval without a value, and nothing without end."""
    known = found.value is not None
    return replace(
        found,
        value=_finite(found.value),
        low=_finite(found.low) if known else None,
        high=_finite(found.high) if known else None,
        at_least=_finite(found.at_least),
        at_most=_finite(found.at_most),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def percentile(
    found: Values | Pooled,
    percent: float,
    *,
    ordered: tuple[Ranked, Ranked, Ranked] | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """One percentile, for as many independent values as there are worth."""
    if not len(found):
        return Estimate(None, reason=NOTHING)
    data, *bounds = ordered or found.ordered()
    effective = found.worth(value_at(data, percent))
    return _seen(
        estimate(
            data,
            percent,
            effective=effective,
            bounds=(bounds[0], bounds[1]),
            confidence=confidence,
        )
    )


def plain(
    found: Values | Pooled,
    name: str,
    *,
    ordered: tuple[Ranked, Ranked, Ranked] | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """The mean, with its interval; or the smallest or the largest value, a fact of these."""
    if not len(found):
        return Estimate(None, reason=NOTHING)
    if name == "mean":
        return _seen(_mean(found, confidence))
    place = 0 if name == "min" else -1
    value, at_least, at_most = (float(each[place]) for each in ordered or found.ordered())
    return _seen(Estimate(value, at_least=at_least, at_most=at_most, count=len(found)))


def _mean(found: Values | Pooled, confidence: float) -> Estimate:
    """The mean, from the interval of the least to that of the most; one column at a time."""
    value = at_most = float(np.mean(found.data))
    column = found.low
    at_least = float(np.mean(column))
    low, high = interval.mean(column, found.of, confidence=confidence)
    if not found.exact:
        column = found.high
        at_most = float(np.mean(column))
        high = interval.mean(column, found.of, confidence=confidence)[1]
    return Estimate(value, low, high, at_least=at_least, at_most=at_most, count=len(found))


def _seen(estimate: Estimate) -> Estimate:
    """The estimate without value and interval where the client could not see well enough."""
    value, at_least, at_most = estimate.value, estimate.at_least, estimate.at_most
    if value is None or at_least is None or at_most is None or math.isinf(at_most):
        return estimate
    reason = blurred(value, at_least, at_most)
    if reason is None:
        return estimate
    return replace(estimate, value=None, low=None, high=None, reason=reason)
