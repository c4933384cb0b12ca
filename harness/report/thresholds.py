"""Objectives against what was measured: pass, fail, or unknown when there is too little to tell."""

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.measure.metrics import METRICS
from harness.measure.objective import Objective, parse_objective
from harness.report import figures, frame
from harness.report.quantile import Estimate, Mask
from harness.report.summary import PLAIN, percentile

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


def objectives(texts: Sequence[str]) -> tuple[Objective, ...]:
    """Parse objectives as they were typed; UsageError when one cannot be read."""
    return tuple(parse_objective(text) for text in texts)


def check(
    wanted: Sequence[Objective], rows: pd.DataFrame, routes: Mapping[str, Any], *, command: str
) -> tuple[Checked, ...]:
    """Every objective on every route that it applies to.

    `rows` are the load's requests, `routes` what `summary.json` says of them.

    A load without an objective on errors gets `error_rate < 1%`, which fails only when so many
    failures are no accident: the lower end of the interval lies above it.
    """
    found = list(_explicit(wanted, rows, routes))
    if command in JUDGED and not any(each.metric == "error_rate" for each in wanted):
        found += _default(routes)
    return tuple(found)


def good(wanted: Sequence[Objective]) -> Callable[[pd.DataFrame], Mask]:
    """What counts as goodput: succeeded, broke no clause, and met each limit on a latency itself.

    An objective on a high percentile of a latency, or on its largest value, is read as the limit
    for one request (Zhong et al., DistServe, OSDI 2024); one on the median is no such limit.
    """
    limits = [each for each in wanted if _for_one(each)]

    def decide(rows: pd.DataFrame) -> Mask:
        kept = rows["violations"].list.len().fillna(0) == 0
        fine = np.asarray(rows["ok"] & kept, dtype=bool)
        for limit in limits:
            fine = fine & _within(rows, limit)
        return fine

    return decide


def _for_one(objective: Objective) -> bool:
    metric = METRICS.get(objective.metric)
    high = objective.statistic == "max" or (objective.quantile or 0) >= HIGH
    return metric is not None and not metric.many and high


def _within(rows: pd.DataFrame, limit: Objective) -> Mask:
    """Whether each request keeps the limit itself, or the limit is not for its route."""
    values = rows[limit.metric].to_numpy(dtype=np.float64, na_value=np.nan)
    meant = [route for route in rows["route"].unique() if limit.applies_to({"route": route})]
    kept = COMPARED[limit.operator](values, limit.limit)
    return np.asarray(kept | ~rows["route"].isin(meant), dtype=bool)


def _explicit(
    wanted: Sequence[Objective], rows: pd.DataFrame, routes: Mapping[str, Any]
) -> Iterator[Checked]:
    for objective in wanted:
        applies = [name for name in routes if objective.applies_to({"route": name})]
        for name in applies:
            value = _measured(objective, rows[rows["route"] == name], routes[name])
            yield _judged(objective, name, value)
        if not applies:
            route = dict(objective.labels).get("route", "any route")
            yield Checked(objective.text, route, "unknown", "nothing was measured")


def _measured(objective: Objective, rows: pd.DataFrame, route: Mapping[str, Any]) -> Estimate:
    if objective.statistic is None:
        return Estimate(route[objective.metric], reason="nothing to take a share or a rate of")
    data, owner = frame.values(rows, objective.metric)
    if objective.quantile is not None:
        return percentile(data, owner, objective.quantile * 100)
    if not len(data):
        return Estimate(None, reason="no successful request has this metric")
    return Estimate(float(PLAIN[objective.statistic](data)))


def _judged(objective: Objective, name: str, measured: Estimate) -> Checked:
    if measured.value is None:
        return Checked(objective.text, name, "unknown", str(measured.reason))
    result = "pass" if objective.met(measured.value) else "fail"
    numbers = measured.value, measured.low, measured.high
    return Checked(objective.text, name, result, show(objective, measured), *numbers)


def show(objective: Objective, measured: Estimate) -> str:
    """What was measured, in the objective's unit, with its interval where it has one."""
    if objective.unit == "ms":
        between = f" ({figures.span(measured.low, measured.high)})" if measured.low else ""
        return figures.duration(measured.value) + between
    if objective.unit == "/s":
        return f"{figures.digits(measured.value)}/s"
    return figures.share(measured.value)


def _default(routes: Mapping[str, Any]) -> Iterator[Checked]:
    objective = parse_objective(DEFAULT_ERRORS)
    for name, route in routes.items():
        rate, n = route["error_rate"], route["requests"]
        if rate is None or objective.met(rate):
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
