"""`report.html`: one page that needs nothing but itself, opens offline and prints.

A policy in the page forbids every script but our own, by its hash, and every connection; what came
from a server is escaped by the template, and has no control characters.
"""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np
import pandas as pd

from harness.measure.metrics import METRICS, definitions
from harness.report import answers, figures, frame, sentences
from harness.report.charts import contract, distribution, forest, overtime, plot
from harness.report.charts.svg import Svg, printable, tag
from harness.report.quantile import PERCENTILES, needed
from harness.report.runs import CAVEAT, Runs
from harness.report.summary import key, ordered_routes

if TYPE_CHECKING:
    from harness.report.build import Report
    from harness.report.gate.judge import Gate

TEMPLATES = Path(__file__).with_name("templates")
DOTS = 250
SHAPES = ("ttft", "inter_chunk", "e2e")
SAME_FROM_SCHEDULE = ("inter_chunk_scheduled", "tpot_scheduled")
WORDS = {"pass": "Pass", "fail": "Fail", "unknown": "Unknown"}


def render(report: "Report") -> str:
    """The page of one run."""
    return _render(
        "report.html.j2",
        report=report,
        run=report.manifest,
        target=sentences.target(report.manifest.target),
        client=sentences.client(report.summary["client"]),
        word=WORDS[report.verdict],
        charts=_charts(report),
        lead=sentences.lead(report),
        answers=answers.of_run(report),
        compared=sentences.compared(report.comparison),
        latencies=[key(name) for name in METRICS if name not in SAME_FROM_SCHEDULE],
        percentiles=[f"p{percent}" for percent in PERCENTILES],
        needed={f"p{percent}": needed(percent) for percent in PERCENTILES},
        definitions=definitions(),
        pacing=sentences.pacing(report.summary["pacing"]),
        odd=list(sentences.odd(report.summary["routes"])),
        failures=list(sentences.failures(report.summary["routes"])),
        violations=list(sentences.violations(report.summary["routes"])),
        survivors=sentences.survivors(report.summary["routes"]),
        withheld=list(sentences.withheld(report.summary["routes"])),
    )


def render_runs(runs: Runs) -> str:
    """The page of two runs against each other."""
    comparison = runs.comparison
    described = runs.document()["runs"]
    for run in described.values():
        run["target"] = sentences.target(run["target"])
    return _render(
        "runs.html.j2",
        runs=runs,
        caveat=CAVEAT,
        lead=sentences.result(comparison),
        answers=answers.of_runs(runs),
        described=described,
        shown=ordered_routes({route for run in described.values() for route in run["routes"]}),
        forest=forest.forest("Run against run", comparison),
        compared=sentences.compared(comparison),
    )


def render_gate(gate: "Gate") -> str:
    """The page of a launch."""
    return _render("gate.html.j2", gate=gate, word=WORDS[gate.verdict])


def _render(template: str, **context: Any) -> str:
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template(template)
        .render(
            style=Svg((TEMPLATES / "report.css").read_text(encoding="utf-8")),
            script=Svg(script),
            script_hash=_hash(script),
            **context,
        )
    )


def _printable(value: Any) -> Any:
    """A foreign text without the control characters that a terminal would obey."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return printable(value)
    return value


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": figures.count,
        "date": figures.date,
        "digits": figures.digits,
        "duration": figures.duration,
        "metric": figures.metric,
        "ratio": figures.ratio,
        "share": figures.share,
        "when": figures.when,
    }
    environment.filters["zip"] = zip
    environment.globals |= {
        "bounds": figures.bounds,
        "client_error": sentences.client_error,
        "legend": _legend,
        "span": figures.span,
        "style_of": plot.style,
        "values": sentences.measured,
    }
    return environment


def _hash(script: str) -> str:
    """The source expression that allows one inline script (CSP level 3, section 2.3.1)."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _legend(route: str) -> Svg:
    """How a route is drawn: its line and its mark."""
    line = tag("line", x1=1, x2=35, y1=8, y2=8, class_=f"line {plot.style(route)}")
    mark = plot.marker(route, 18, 8)
    return tag("svg", line, mark, viewBox="0 0 36 16", class_="legend", aria_hidden="true")


def _charts(report: "Report") -> dict[str, Any]:
    timeline = report.summary["timeline"]
    load = report.load
    return {
        "contract": report.contract and contract.overview("Clauses per route", report.contract),
        "forest": forest.forest("Routes against each other", report.comparison),
        "shapes": _shapes(load),
        "ttft": overtime.latency("TTFT over time", timeline, "ttft_ms", _dots(report, "ttft")),
        "e2e": overtime.latency("E2E over time", timeline, "e2e_ms", _dots(report, "e2e")),
        "rate": overtime.counts("Throughput", timeline, "rate", "requests/s"),
        "in_flight": overtime.counts("In flight", timeline, "in_flight", "in flight", place=1),
        "errors": overtime.bars("Failed requests", timeline, "errors", "failed/s"),
    }


def _shapes(rows: pd.DataFrame) -> list[tuple[str, Svg]]:
    """The distribution of each metric that has values, with its name."""
    routes = ordered_routes(rows["route"].unique())
    drawn = []
    for name in SHAPES:
        data = {route: frame.values(rows[rows["route"] == route], name).data for route in routes}
        title = METRICS[name].title
        chart = distribution.ecdf(f"Distribution of {title}", data)
        if chart is not None:
            drawn.append((key(name), chart))
    return drawn


def _dots(report: "Report", metric: str) -> Mapping[str, list[tuple[float, float]]]:
    """Every k-th successful request as (seconds, ms), so that no route has more than `DOTS`."""
    rows = report.rows[["route", "sent_ns", metric, "ok"]]
    rows = rows[report.rows["scenario"].isin(report.summary["routes_of"])]
    held = rows[rows["ok"]].dropna(subset=[metric, "sent_ns"])
    start = report.summary["timeline"]["start_ns"]
    found = {}
    for route in ordered_routes(held["route"].unique()):
        ours = held[held["route"] == route].sort_values("sent_ns")
        kept = ours.iloc[:: max(1, -(-len(ours) // DOTS))]
        times = np.asarray((kept["sent_ns"] - start) / 1e9, dtype=np.float64)
        values = np.asarray(kept[metric], dtype=np.float64)
        found[route] = list(zip(times.tolist(), values.tolist(), strict=True))
    return found
