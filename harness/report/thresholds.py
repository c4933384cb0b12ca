"""Objectives against what was measured: pass, fail, or unknown when there is too little to tell."""

import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from harness.measure.metrics import ERROR_OF, METRICS, SCHEDULED
from harness.measure.objective import COUNTS, Objective, parse_objective
from harness.measure.validity import could_change
from harness.report import figures, frame
from harness.report.quantile import Estimate, Mask
from harness.report.summary import Good, percentile, plain

DEFAULT_ERRORS = "error_rate < 1%"
JUDGED = ("run", "load")
HIGH = 0.9
COMPARED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True, slots=True)
class Checked:
    """One objective on one route: what was measured and whether it is met.

    `result` is `pass`, `fail`, `unknown`, or `warn` (the default objective, missed by so few that
    it proves nothing). `measured` is for people; `low` and `high` are the interval of `value`, all
    three in the objective's unit.
    """

    objective: str
    route: str
    result: str
    measured: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Doubts:
    """Why an objective may have no answer, though a number was measured.

    `load`: the load was not the one that was asked for; nothing about it is known. `pace`: requests
    left too late; what counts from send is not known. `noise_floor` is what a calibration found.
    """

    load: str | None = None
    pace: str | None = None
    noise_floor: Mapping[str, Any] | None = None

    def of(self, objective: Objective, measured: Estimate) -> str | None:
        """Why this objective cannot be judged; None when it can."""
        if self.load is not None:
            return self.load
        if measured.value is None:
            return str(measured.reason)
        metric = METRICS.get(objective.metric)
        if self.pace is not None and metric is not None and not metric.scheduled:
            return self.pace
        least = measured.value if measured.at_least is None else measured.at_least
        most = measured.value if measured.at_most is None else measured.at_most
        doubt = could_change(objective.met, least, most, error=self.error_ms(objective.metric))
        return doubt and f"{show(objective, measured)}: {doubt}"

    def error_ms(self, metric: str) -> float:
        """What the client may be wrong by for a latency, at p99; 0 for anything else."""
        found = (self.noise_floor or {}).get(ERROR_OF.get(metric.removesuffix(SCHEDULED), ""))
        return float((found or {}).get("p99") or 0.0)


def objectives(texts: Sequence[str]) -> tuple[Objective, ...]:
    """Parse objectives as they were typed; UsageError when one cannot be read."""
    return tuple(parse_objective(text) for text in texts)


def check(
    wanted: Sequence[Objective],
    rows: pd.DataFrame,
    routes: Mapping[str, Any],
    *,
    command: str,
    doubts: Doubts,
) -> tuple[Checked, ...]:
    """Every objective on every route that it applies to.

    `rows` are the load's requests, `routes` what `summary.json` says of them, `doubts` what the
    client did to them.

    A load without an objective on errors gets `error_rate < 1%`, which fails only when so many
    failures are no accident: the lower end of the interval lies above it.
    """
    found = list(_explicit(wanted, rows, routes, doubts))
    if command in JUDGED and not any(each.metric == "error_rate" for each in wanted):
        found += _default(routes, doubts)
    return tuple(found)


def good(wanted: Sequence[Objective]) -> Good:
    """What counts as goodput but for broken clauses: succeeded, and met each latency limit itself.

    An objective on a high percentile of a latency, or on its largest value, is read as the limit
    for one request (Zhong et al., DistServe, OSDI 2024); one on the median is no such limit.
    """
    limits = [each for each in wanted if _for_one(each)]

    def decide(rows: pd.DataFrame, end: str) -> Mask:
        fine = np.asarray(rows["ok"], dtype=bool)
        for limit in limits:
            fine = fine & _within(rows, limit, end)
        return fine

    return decide


def _for_one(objective: Objective) -> bool:
    metric = METRICS.get(objective.metric)
    high = objective.statistic == "max" or (objective.quantile or 0) >= HIGH
    return metric is not None and not metric.many and high


def _within(rows: pd.DataFrame, limit: Objective, end: str) -> Mask:
    """Whether each request keeps the limit itself, or the limit is not for its route."""
    values = rows[f"{limit.metric}{end}"].to_numpy(dtype=np.float64, na_value=np.nan)
    meant = [route for route in rows["route"].unique() if limit.applies_to({"route": route})]
    kept = COMPARED[limit.operator](values, limit.limit)
    return np.asarray(kept | ~rows["route"].isin(meant), dtype=bool)


def _explicit(
    wanted: Sequence[Objective],
    rows: pd.DataFrame,
    routes: Mapping[str, Any],
    doubts: Doubts,
) -> Iterator[Checked]:
    for objective in wanted:
        applies = [name for name in routes if objective.applies_to({"route": name})]
        for name in applies:
            measured = _measured(objective, rows[rows["route"] == name], routes[name])
            yield _judged(objective, name, measured, doubts)
        if not applies:
            route = dict(objective.labels).get("route", "any route")
            yield Checked(objective.text, route, "unknown", "nothing was measured")


def _measured(objective: Objective, rows: pd.DataFrame, route: Mapping[str, Any]) -> Estimate:
    if objective.statistic is None:
        return _alone(objective.metric, route)
    found = frame.values(rows, objective.metric)
    measured = _statistic(objective, found)
    if not METRICS[objective.metric].scheduled or measured.value is None:
        return measured
    # What the client started late, it may have made late: the least is what counts from send.
    rows = rows[rows["scheduled_ns"].notna()]
    sent = _statistic(objective, frame.values(rows, objective.metric.removesuffix(SCHEDULED)))
    known = [each for each in (measured.at_least, sent.at_least) if each is not None]
    return replace(measured, at_least=min(known, default=None))


def _statistic(objective: Objective, found: frame.Values) -> Estimate:
    if objective.quantile is not None:
        return percentile(found, objective.quantile * 100)
    return plain(found, str(objective.statistic))


def _alone(metric: str, route: Mapping[str, Any]) -> Estimate:
    """A share, a rate or a count of a route."""
    if metric == "violations":
        return _violations(route)
    if metric in route["odd_shares"]:
        reason = "the samples do not say how odd their answers were"
        share, most = route["odd_shares"][metric], route["odd_at_most"][metric]
        return Estimate(share, reason=reason, at_least=share, at_most=most)
    bounds = (route.get(f"{metric}{end}") for end in ("_at_least", "_at_most"))
    at_least, at_most = bounds
    reason = "nothing to take a share or a rate of"
    return Estimate(route[metric], reason=reason, at_least=at_least, at_most=at_most)


def _violations(route: Mapping[str, Any]) -> Estimate:
    """Their number; none is only none where all answers were looked at."""
    count, checked, answers = route["violation_count"], route["checked"], route["ok"]
    if count:
        return Estimate(count)
    if not checked:
        return Estimate(None, reason="no answer was held against the contract")
    if checked < answers:
        unchecked = f"{answers - checked:,} of {answers:,} good answers were not checked"
        return Estimate(None, reason=f"{unchecked}: ask for less load, or for violation_rate")
    return Estimate(count)


def _judged(objective: Objective, name: str, measured: Estimate, doubts: Doubts) -> Checked:
    numbers = measured.value, measured.low, measured.high
    reason = doubts.of(objective, measured)
    if reason is not None:
        return Checked(objective.text, name, "unknown", reason, *numbers)
    met = measured.value is not None and objective.met(measured.value)
    shown = show(objective, measured)
    return Checked(objective.text, name, "pass" if met else "fail", shown, *numbers)


def show(objective: Objective, measured: Estimate) -> str:
    """What was measured, in the objective's unit, with its interval where it has one."""
    if objective.unit == "ms":
        between = f" ({figures.span(measured.low, measured.high)})" if measured.low else ""
        return figures.duration(measured.value) + between
    if objective.unit == "/s":
        return f"{figures.digits(measured.value)}/s"
    if objective.metric in COUNTS:
        return figures.count(measured.value)
    return figures.share(measured.value)


def _default(routes: Mapping[str, Any], doubts: Doubts) -> Iterator[Checked]:
    objective = parse_objective(DEFAULT_ERRORS)
    for name, route in routes.items():
        rate, n = route["error_rate"], route["sent"]
        if doubts.load is not None:
            yield Checked(f"{DEFAULT_ERRORS} (default)", name, "unknown", doubts.load, rate)
        if doubts.load is not None or rate is None or objective.met(rate):
            continue
        low, high = wilson(route["errors"], n)
        result = "warn" if objective.met(low) else "fail"
        shown = f"{figures.share(rate)}, {route['errors']:,} of {n:,} failed"
        yield Checked(f"{DEFAULT_ERRORS} (default)", name, result, shown, rate, low, high)


def wilson(count: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson, JASA 22, 1927)."""
    z = 1.959963984540054
    centre, scale = (count + z * z / 2) / (n + z * z), z / (n + z * z)
    half = scale * math.sqrt(count * (n - count) / n + z * z / 4)
    return centre - half, centre + half
