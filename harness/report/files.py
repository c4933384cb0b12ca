"""What is written of a report, of two runs against each other, and of a launch."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.foreign import Place, harmless
from harness.report import markdown, page
from harness.report.documents import write_json, write_text
from harness.report.manifest import Command
from harness.report.quantile import PERCENTILES
from harness.report.report import ENDS, Report, Routes
from harness.report.runs import Runs

if TYPE_CHECKING:
    from harness.report.gate.judge import Gate

COLUMNS = (
    *("requests", "errors", "error_rate", "dropped", "rate", "throughput"),
    *("goodput", "goodput_share"),
    *("output_tokens_per_second", "cache_hit_share", "violation_rate"),
)
"""What `summary.csv` has of a route."""


def write_report(report: Report) -> None:
    """Write every file of a run that is made of its samples, beside them.

    A contract run has written `report.md` itself, with requests and answers that no other file
    holds: that one stays.
    """
    folder = report.folder
    write_json(folder / "summary.json", report.document())
    write_text(folder / "summary.csv", flat(report.summary.scenarios))
    write_json(folder / "comparison.json", report.comparison.document())
    if report.capacity is not None:
        write_json(folder / "capacity.json", report.capacity.document())
    page_of_contract = report.manifest.command == Command.VERIFY
    if not (page_of_contract and (folder / "report.md").exists()):
        write_text(folder / "report.md", markdown.render(report))
    write_page(report)


def write_page(report: Report) -> None:
    """Write only the page, of a run whose other files its command has written."""
    write_text(report.folder / "report.html", page.render(report))


def write_runs(runs: Runs, folder: Path) -> None:
    """Write comparison.json, report.md and report.html of two runs against each other."""
    write_json(folder / "comparison.json", runs.document())
    write_text(folder / "report.md", markdown.render_runs(runs))
    write_text(folder / "report.html", page.render_runs(runs))


def write_gate(gate: "Gate", folder: Path) -> None:
    """Write gate.json, gate.md and gate.html."""
    write_json(folder / "gate.json", gate.document())
    write_text(folder / "gate.md", markdown.render_gate(gate))
    write_text(folder / "gate.html", page.render_gate(gate))


def flat(scenarios: Mapping[str, Routes]) -> str:
    """The same as one row per scenario, route and metric: `summary.csv`."""
    statistics = ("mean", "min", "max", *(f"p{percent}" for percent in PERCENTILES))
    names = [f"{name}{end}" for name in statistics for end in ENDS]
    head = ["scenario", "route", "metric", *COLUMNS, "n", *names]
    text = io.StringIO()
    table = csv.DictWriter(text, head, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for scenario, routes in scenarios.items():
        for route, entry in routes.items():
            numbers = entry.numbers()
            for metric, measured in entry.latencies.items():
                of = {
                    "scenario": harmless(scenario, Place.CSV),
                    "route": harmless(route, Place.CSV),
                    "metric": metric,
                }
                table.writerow({**numbers, **measured.document(), **of})
    return text.getvalue()
