"""Which charts a page has, and from what each is drawn; which requests are shown as dots."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.measure.metrics import METRICS, SCHEDULED
from harness.measure.objective import RATIO, parse_objective
from harness.report import figures, frame
from harness.report.arrays import Floats, Indices
from harness.report.charts import contract, distribution, forest, overtime
from harness.report.charts.svg import Svg
from harness.report.frame import Frame, latency
from harness.report.report import key, ordered_routes
from harness.report.series import LATENCIES, LEAST_FOR_P95
from harness.report.thresholds import CheckResult

if TYPE_CHECKING:
    from harness.report.report import Report

SHAPES = ("ttft", "inter_chunk", "e2e")
"""The metrics whose distribution is always drawn; further ones where an objective is on them."""
ALIKE = {f"{name}{SCHEDULED}": name for name in ("inter_chunk", "tpot")}
"""From schedule the same as from send."""
MOST_DOTS = 400
"""A route with more requests is sampled."""
PARTS = 60
"""The fastest and the slowest of each so many parts of a route's requests are always drawn."""
WORST_FIRST = (CheckResult.MISSED, CheckResult.UNKNOWN, CheckResult.CLOSE, CheckResult.MET)


@dataclass(frozen=True, slots=True)
class Dots:
    """The points of each route as (seconds, ms), and of how many requests they are."""

    points: Mapping[str, list[tuple[float, float]]]
    of: int

    @property
    def told(self) -> str:
        """How many of how many are drawn, and which."""
        drawn = sum(len(points) for points in self.points.values())
        if drawn == self.of:
            return f"Dots: all {figures.count(drawn)} requests that succeeded."
        return (
            f"Dots: {figures.count(drawn)} of {figures.count(self.of)} requests that succeeded: of "
            f"each route the fastest and the slowest in {PARTS} parts of the run, and every so "
            "many of the others."
        )


def charts(report: "Report") -> dict[str, Any]:
    """Each chart by its name in the template; None where there is nothing to draw."""
    run = overtime.RunAxis(report.summary.timeline, _pauses(report))
    return {
        "contract": report.contract and contract.overview("Clauses per route", report.contract),
        "forest": forest.forest("Routes against each other", report.comparison),
        "shapes": list(_shapes(report)),
        "latencies": list(_latencies(report, run)) if run.routes else [],
        "rates": overtime.rates("Sent rate and goodput", run),
        "in_flight": overtime.in_flight("In flight", run),
        "errors": overtime.failures("Failed requests", run),
        "events": overtime.key(run),
        "pauses": [pause.told for pause in run.pauses],
    }


def _pauses(report: "Report") -> list[overtime.PauseSpan]:
    start_ns = report.summary.timeline.start_ns
    return [
        overtime.PauseSpan(found.worker, (begun_ns - start_ns) / 1e9, length_ms / 1e3)
        for found in report.summary.client.pauses
        for begun_ns, length_ms in zip(found.begun_ns, found.lengths_ms, strict=True)
        if start_ns is not None
    ]


def _shapes(report: "Report") -> Iterator[tuple[str, Svg]]:
    """The distribution of each metric that has values, with its name and its objectives."""
    rows, limits = report.load, _limits(report)
    of_routes = rows.by("route")
    routes = ordered_routes(of_routes)
    for name, metric in METRICS.items():
        if name in SHAPES or name in limits:
            data = {route: frame.ascending(of_routes[route], name) for route in routes}
            title = f"Distribution of {metric.title}"
            chart = distribution.tail(title, data, limits.get(name, ()))
            if chart is not None:
                yield key(name), chart


def _limits(report: "Report") -> dict[str, list[distribution.Limit]]:
    """The objectives on each latency."""
    found: dict[str, list[distribution.Limit]] = {}
    typed = (each.objective for each in report.checked if not each.by_default)
    for text in dict.fromkeys(typed):
        objective = parse_objective(text, also=(RATIO,))
        if objective.unit != "ms":
            continue
        results = {each.result for each in report.checked if each.objective == text}
        result = next(each for each in WORST_FIRST if each in results)
        where = "".join(f" on {value}" for _, value in objective.labels)
        bound = f"{objective.operator} {figures.short_duration(objective.limit)}"
        label = f"{objective.statistic} {bound}{where}: {result.word}"
        percent = None if objective.quantile is None else objective.quantile * 100
        limit = distribution.Limit(label, objective.limit, percent, result)
        found.setdefault(ALIKE.get(objective.metric, objective.metric), []).append(limit)
    return found


def _latencies(report: "Report", run: overtime.RunAxis) -> Iterator[tuple[str, Svg, str]]:
    """TTFT and E2E over time, each with what is drawn of it."""
    rows = report.rows
    rows = rows.where(rows.texts("scenario").among(*report.summary.routes_of))
    for name in LATENCIES:
        found = dots(rows, name, start_ns=run.timeline.start_ns or 0)
        title = figures.metric(key(name))
        chart = overtime.latency(f"{title} over time", run, key(name), found.points)
        if chart is not None:
            yield title, chart, _told(run, key(name), found)


def _told(run: overtime.RunAxis, name: str, found: Dots) -> str:
    known = any(
        v is not None for columns in run.routes.values() for v in columns.latencies[name].p95
    )
    few = f" No p95: it needs {LEAST_FOR_P95} requests of a route in {seconds(run.width_s)}."
    return found.told + ("" if known else few)


def seconds(width_s: int) -> str:
    """The length of a bin in words."""
    return "one second" if width_s == 1 else f"{width_s} seconds"


def bin_of(report: "Report") -> str:
    """What the values over time are of."""
    width_s = report.summary.timeline.width_s
    return "second" if width_s == 1 else f"{width_s} seconds"


def dots(rows: Frame, metric: str, *, start_ns: int) -> Dots:
    """The dots of a metric; `rows` are in the order of sending."""
    points: dict[str, list[tuple[float, float]]] = {}
    count, routes = 0, rows.where(rows.ok).by("route")
    for route in ordered_routes(routes):
        values = latency(routes[route], metric).data
        known = np.flatnonzero(~np.isnan(values))
        if not len(known):
            continue
        kept = known[chosen(values[known])]
        times = (routes[route].ints("sent_ns")[kept] - start_ns) / 1e9
        points[route] = list(zip(times.tolist(), values[kept].tolist(), strict=True))
        count += len(known)
    return Dots(points, count)


def chosen(values: Floats) -> Indices:
    """The places of the values that are drawn: all of a few, else extremes and every k-th."""
    places = np.arange(len(values), dtype=np.intp)
    if len(values) <= MOST_DOTS:
        return places
    parts = np.array_split(places, PARTS)
    ends = [part[find(values[part])] for part in parts for find in (np.argmin, np.argmax)]
    step = -(-len(values) // (MOST_DOTS - len(ends)))
    return np.unique(np.concatenate([places[::step], np.array(ends, dtype=np.intp)]))
