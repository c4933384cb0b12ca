"""`report.html`: one page that needs nothing but itself, opens offline and prints.

A policy in the page forbids every script but our own, by its hash, and every connection; what came
from a server is escaped by the template, and has no control characters.
"""

import base64
import functools
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from harness.contract.clause import Result
from harness.foreign import visible
from harness.measure.metrics import METRICS, definitions
from harness.report import answers, arms, contents, drawings, figures, groups, sentences
from harness.report.capacity import words
from harness.report.capacity.result import Capacity
from harness.report.charts import curve, forest, plot
from harness.report.charts.svg import Svg, tag
from harness.report.gate import contents as launch
from harness.report.plan import workload
from harness.report.quantile import PERCENTILES, Estimate, needed
from harness.report.report import Routes, key, ordered_routes
from harness.report.runs import CAVEAT, Runs
from harness.report.tables import Count, Mark, NameList, Ranged, Table

if TYPE_CHECKING:
    from harness.report.gate.judge import Gate
    from harness.report.report import Report

TEMPLATES = Path(__file__).with_name("templates")
NOT_KEPT = {Result.FAIL, Result.ERROR, Result.WAIVED, Result.NOT_EXERCISED}
SIGNS = {
    Result.PASS: "\N{CHECK MARK}",
    Result.FAIL: "\N{BALLOT X}",
    Result.WAIVED: "!",
    Result.RECORDED: "\N{BULLET}",
}
CAPSULE = re.compile(r"failures/[\w-]+")


def render(report: "Report") -> str:
    """The page of one run."""
    return _render(
        "report.html.j2",
        report=report,
        run=report.manifest,
        target=sentences.target(report.manifest.target),
        client=sentences.client(report.summary.client),
        word=report.verdict.capitalize(),
        charts=drawings.charts(report),
        bin=drawings.bin_of(report),
        lead=sentences.lead(report),
        capacity=_capacity(report.capacity),
        answers=answers.of_run(report),
        compared=sentences.compared(report.comparison),
        objectives=contents.objectives(report.checked),
        latencies=list(_latencies(report)),
        load=contents.load(report.summary.routes),
        **_clauses(report),
        needed={f"p{percent}": needed(percent) for percent in PERCENTILES},
        definitions=definitions(),
        workload=workload(report.manifest.asked),
        pacing=sentences.pacing(report.summary.pacing),
        odd=[
            told
            for name, route in report.summary.routes.items()
            for _, told in sentences.odd(name, route)
        ],
        failures=contents.errors(report.summary.routes),
        violations=contents.violations(report.summary.routes),
        survivors=sentences.survivors(report.summary.routes),
        withheld=list(sentences.withheld(report.summary.routes)),
        groups=list(groups.tables(report.summary.parts)),
    )


def render_runs(runs: Runs) -> str:
    """The page of two runs against each other."""
    comparison = runs.comparison
    described = list(runs.described.values())
    return _render(
        "runs.html.j2",
        runs=runs,
        caveat=CAVEAT,
        lead=sentences.result(comparison),
        answers=answers.of_runs(runs),
        described=described,
        shown=ordered_routes({route for run in described for route in run.routes}),
        forest=forest.forest("Run against run", comparison),
        compared=sentences.compared(comparison),
        setup=contents.setup(runs),
    )


def render_gate(gate: "Gate") -> str:
    """The page of a launch."""
    return _render(
        "gate.html.j2",
        gate=gate,
        word=gate.verdict.capitalize(),
        objectives=launch.objectives(gate),
        evidence=launch.evidence(gate),
    )


def _latencies(report: "Report") -> Iterator[tuple[list[str], Table]]:
    """The table of each metric, with the names of all that are the same."""
    summary = report.summary
    for names in _folded(summary.routes):
        found = contents.latencies(summary.routes, summary.client, [names[-1]])
        yield [figures.metric(name) for name in names], found.without("metric")


def _folded(routes: Routes) -> list[list[str]]:
    """The metrics that anything was measured of; those with the same figures stand together."""
    groups: dict[str, list[str]] = {}
    for name in (key(each) for each in METRICS if each not in drawings.ALIKE):
        figures_of = {
            route: found.latencies[name]
            for route, found in routes.items()
            if found.latencies[name].n
        }
        if figures_of:
            groups.setdefault(repr(figures_of), []).append(name)
    return list(groups.values())


def _capacity(capacity: Capacity | None) -> dict[str, Any] | None:
    """What the section of a search shows."""
    if capacity is None:
        return None
    return {
        "capacity": capacity,
        "drawing": curve.load_latency("Load and latency", capacity),
        "table": words.table(capacity),
        "metric": words.metric(capacity),
        "told": [capacity.sentence, *words.told(capacity)],
        "used": sentences.used(capacity),
    }


def _clauses(report: "Report") -> dict[str, Any]:
    """The contract clause by clause: all of them, those not kept, and how each failure is repeated.

    `curls` has the commands by their folder, which is linked only where it is one of `failures/`.
    """
    clauses = report.contract.by_id if report.contract else []
    broken = [
        (clause, [each for each in on.values() if each.result == Result.FAIL])
        for clause, on in clauses
    ]
    capsules = {each.capsule for _, on in broken for each in on}
    return {
        "clauses": clauses,
        "not_kept": [
            entry for entry in clauses if {each.result for each in entry[1].values()} & NOT_KEPT
        ],
        "broken": [(on[0], on) for _, on in broken if on],
        "waived": [
            (one, [route for route, each in on.items() if each.result == Result.WAIVED])
            for clause, on in clauses
            if (one := next((each for each in on.values() if each.waived), None)) is not None
        ],
        "curls": {
            capsule: text
            for capsule in sorted(filter(None, capsules))
            if (text := _curl(report.folder, capsule)) is not None
        },
        "clause_signs": SIGNS,
        "levels": contents.clauses_by_level(report.contract) if report.contract else None,
        "rates": contents.rates(report.contract) if report.contract else None,
    }


def _curl(folder: Path, capsule: str) -> str | None:
    """The command that repeats a failure; None where its folder has none."""
    path = folder / capsule / "curl.sh"
    if not CAPSULE.fullmatch(capsule) or not path.is_file():
        return None
    return path.read_text(encoding="utf-8", errors="replace").removeprefix("#!/bin/sh\n").strip()


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


def _visible(value: Any) -> Any:
    """A foreign text without the control characters that a terminal would obey."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return visible(value)
    return value


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "arms": arms.table,
        "compared": contents.compared,
        "count": figures.count,
        "date": figures.date,
        "digits": figures.digits,
        "duration": figures.duration,
        "metric": figures.metric,
        "ratio": figures.ratio,
        "share": figures.share,
        "target": sentences.target,
        "when": figures.when,
    }
    environment.filters["zip"] = zip
    environment.globals |= {
        "figure": contents.told,
        "legend": _legend,
        "span": figures.span,
        "statistic": figures.told,
        "style_of": plot.style,
    }
    environment.tests |= {
        "statistic": lambda cell: isinstance(cell, Estimate),
        "names": lambda cell: isinstance(cell, NameList),
        "mark": lambda cell: isinstance(cell, Mark),
        "number_of": lambda cell: isinstance(cell, Count),
        "ranged": lambda cell: isinstance(cell, Ranged),
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
