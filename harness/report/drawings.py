"""Which charts a page has, and from what each is drawn."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.measure.metrics import METRICS, SCHEDULED
from harness.measure.objective import RATIO, parse_objective
from harness.report import figures, frame
from harness.report.charts import contract, distribution, forest, overtime
from harness.report.charts.svg import Svg
from harness.report.dots import Dots, dots
from harness.report.report import key, ordered_routes
from harness.report.series import LATENCIES, LEAST_FOR_P95

if TYPE_CHECKING:
    from harness.report.report import Report

SHAPES = ("ttft", "inter_chunk", "e2e")
"""The metrics whose distribution is always drawn; further ones where an objective is on them."""
ALIKE = {f"{name}{SCHEDULED}": name for name in ("inter_chunk", "tpot")}
"""From schedule the same as from send."""
WORST_FIRST = {"fail": "missed", "unknown": "unknown", "warn": "close", "pass": "met"}


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
    for text in dict.fromkeys(each.objective for each in report.checked):
        objective = None if text.endswith("(default)") else parse_objective(text, also=(RATIO,))
        if objective is None or objective.unit != "ms":
            continue
        results = {each.result for each in report.checked if each.objective == text}
        result = next(each for each in WORST_FIRST if each in results)
        where = "".join(f" on {value}" for _, value in objective.labels)
        bound = f"{objective.operator} {figures.short_duration(objective.limit)}"
        label = f"{objective.statistic} {bound}{where}: {WORST_FIRST[result]}"
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
