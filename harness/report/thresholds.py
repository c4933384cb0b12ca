"""Objectives against what was measured: pass, fail, or unknown when there is too little to tell."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.measure.objective import Objective, parse_objective
from harness.report.frame import MEASURES

DEFAULT_ERRORS = "error_rate < 1%"
JUDGED = ("run", "load")


@dataclass(frozen=True, slots=True)
class Checked:
    """One objective on one route: what was measured and whether it is met.

    `result` is `pass`, `fail`, `unknown`, or `warn` (the default objective, missed by so few that
    it proves nothing). `low` and `high` are the interval of `value`, all in the objective's unit.
    """

    objective: str
    route: str
    result: str
    sentence: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


def objectives(texts: Sequence[str]) -> tuple[Objective, ...]:
    """Parse objectives as they were typed; UsageError when one cannot be read."""
    return tuple(parse_objective(text) for text in texts)


def check(
    wanted: Sequence[Objective], routes: Mapping[str, Any], *, command: str
) -> tuple[Checked, ...]:
    """Every objective on every route that it applies to.

    A load without an objective on errors gets `error_rate < 1%`, which fails only when so many
    failures are no accident: the lower end of the interval lies above it.
    """
    found = list(_explicit(wanted, routes))
    if command in JUDGED and not any(each.metric == "error_rate" for each in wanted):
        found += _default(routes)
    return tuple(found)


def good(wanted: Sequence[Objective]) -> Callable[[pd.DataFrame], "pd.Series[bool]"]:
    """What counts as goodput: succeeded, broke no clause, and met each limit on a latency itself.

    An objective on a percentile of a latency is read as the limit for one request (Zhong et al.,
    DistServe, OSDI 2024).
    """
    limits = [each for each in wanted if each.metric in MEASURES and each.metric != "inter_chunk"]

    def decide(rows: pd.DataFrame) -> "pd.Series[bool]":
        fine = rows["ok"] & (rows["violations"].list.len().fillna(0) == 0)
        for limit in limits:
            ours = limit.labels.get("route")
            met = rows[limit.metric].map(limit.met, na_action="ignore").fillna(value=False)
            fine &= met.astype(bool) | (rows["route"] != ours if ours else False)
        return fine

    return decide


def _explicit(wanted: Sequence[Objective], routes: Mapping[str, Any]) -> Iterator[Checked]:
    for objective in wanted:
        applies = [name for name in routes if objective.labels.get("route", name) == name]
        for name in applies:
            yield _on_route(objective, name, routes[name])
        if not applies:
            route = objective.labels.get("route", "any route")
            sentence = f"{objective.text}: nothing was measured on {route}"
            yield Checked(objective.text, route, "unknown", sentence)


def _on_route(objective: Objective, name: str, route: Mapping[str, Any]) -> Checked:
    value, low, high, reason = _measured(objective, route)
    about = f"{objective.text} on {name}"
    if value is None:
        return Checked(objective.text, name, "unknown", f"{about}: {reason}")
    result = "pass" if objective.met(value) else "fail"
    told = f"{about}: {'met' if result == 'pass' else 'missed'} with {_text(objective, value)}"
    return Checked(objective.text, name, result, told, value, low, high)


def _measured(
    objective: Objective, route: Mapping[str, Any]
) -> tuple[float | None, float | None, float | None, str]:
    if objective.statistic is None:
        return route.get(objective.metric), None, None, "nothing was measured"
    measured, statistic = route[f"{objective.metric}_ms"], objective.statistic
    reason = measured["reasons"].get(statistic) or f"{measured['n']} samples"
    ends = (measured.get(f"{statistic}_{end}") for end in ("low", "high"))
    return measured.get(statistic), *ends, reason


def _default(routes: Mapping[str, Any]) -> Iterator[Checked]:
    objective = parse_objective(DEFAULT_ERRORS)
    for name, route in routes.items():
        rate, n = route["error_rate"], route["requests"]
        if rate is None or objective.met(rate):
            continue
        low, high = wilson(route["errors"], n)
        result = "warn" if objective.met(low) else "fail"
        sentence = f"{route['errors']:,} of {n:,} requests failed on {name} ({rate:.1%})"
        by_default = f"{sentence}; the default objective is {DEFAULT_ERRORS}"
        yield Checked(DEFAULT_ERRORS, name, result, by_default, rate, low, high)


def wilson(count: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson, JASA 22, 1927)."""
    z = 1.959963984540054
    centre, scale = (count + z * z / 2) / (n + z * z), z / (n + z * z)
    half = scale * math.sqrt(count * (n - count) / n + z * z / 4)
    return centre - half, centre + half


def _text(objective: Objective, value: float) -> str:
    if objective.metric.endswith(("_rate", "_share")) or objective.metric == "goodput":
        return f"{value:.2%}"
    return f"{value:.4g} ms" if objective.statistic else f"{value:.4g}"
