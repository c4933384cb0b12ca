"""`report.md`: the report for a pull request or a CI step summary, in GitHub's Markdown.

Text that came from a server is cut, put on one line and stripped of its power to be markup.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from harness.report import figures, sentences
from harness.report.capacity import words
from harness.report.comparison import Comparison, Effect
from harness.report.runs import CAVEAT, Runs
from harness.report.sentences import (
    STATISTICS,
    client,
    client_error,
    failures,
    judged,
    measured,
    one_line,
    pacing,
    result,
    shown,
    survivors,
    target,
    violations,
    withheld,
)

if TYPE_CHECKING:
    from harness.report.build import Report
    from harness.report.gate.judge import Gate

SIGNS = {"pass": "✅", "fail": "❌", "unknown": "⚠️"}
RESULTS = {"pass": "✅ met", "fail": "❌ missed", "unknown": "⚠️ unknown", "warn": "⚠️ close"}
MOST_FAILURES = 20
ACTIVE = re.compile(r"([\\`*_\[\]<>|#~!&@])")


def render(report: "Report") -> str:
    """The whole document; the verdict and its reasons come first."""
    parts = (
        *(_head, _capacity, _contract, _objectives, _routes, _latency, _violations, _errors),
        *(_comparison, _method),
    )
    return "\n\n".join(block for part in parts for block in part(report)) + "\n"


def cell(value: Any, *, most: int = 160) -> str:
    """Any text as one harmless line."""
    return ACTIVE.sub(r"\\\1", one_line(str(value), most=most))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1) -> str:
    """A table whose cells are Markdown already; all but the first `texts` columns are numbers."""
    rule = ["---" if place < texts else "---:" for place in range(len(head))]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, rule, *rows])


def _head(report: "Report") -> Iterator[str]:
    run = report.manifest
    yield f"## {SIGNS[report.verdict]} {report.verdict}: gateway-harness {cell(run.command)}"
    if report.reasons:
        yield _bullets(report.reasons)
    if report.decision.remarks:
        yield _bullets(f"note: {remark}" for remark in report.decision.remarks)
    started = cell(run.clock.get("started", ""))
    yield f"Target {cell(target(run.target))}, run {cell(run.run_id)}, started {started}."


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {cell(line, most=400)}" for line in lines)


def _capacity(report: "Report") -> Iterator[str]:
    capacity = report.capacity
    if capacity is None:
        return
    yield f"### {cell(sentences.lead(report), most=400)}"
    lines = [[cell(each) for each in cells] for _, cells in words.rows(capacity)]
    yield table([cell(name) for name in words.head(capacity)], lines, texts=3)
    yield _bullets([*words.told(capacity), f"times: {words.metric(capacity)}"])


def _contract(report: "Report") -> Iterator[str]:
    contract = report.contract
    if contract is None:
        return
    yield f"### Contract: {cell(contract.verdict)}"
    if contract.clauses:
        counts = ((route, contract.counts(route)) for route in contract.routes)
        yield table(
            ["route", *(result.replace("_", " ") for result in contract.results)],
            [
                [cell(route), *(figures.count(found[name]) for name in contract.results)]
                for route, found in counts
            ],
        )
    failures = contract.with_result("fail")
    if failures:
        shown = failures[:MOST_FAILURES]
        yield table(
            ["clause", "level", "route", "evidence"],
            [[cell(c.id), cell(c.level), cell(c.route), cell(c.evidence)] for c in shown],
            texts=4,
        )
    if len(failures) > MOST_FAILURES:
        yield f"{len(failures) - MOST_FAILURES} more in `conformance.json`."


def _objectives(report: "Report") -> Iterator[str]:
    if report.checked:
        yield "### Objectives"
        rows = [
            [cell(objective), cell(", ".join(routes)), RESULTS[result], cell(measured, most=300)]
            for objective, routes, result, measured in judged(report.checked)
        ]
        yield table(["objective", "route", "result", "measured"], rows, texts=4)


def _routes(report: "Report") -> Iterator[str]:
    routes = report.summary["routes"]
    if not routes:
        return
    yield "### Load"
    head = ["route", "requests", "failed", "by client", "goodput", "answers", "tokens/s"]
    head += ["bursts", "cache hits"]
    yield table(head, [[cell(name), *_totals(route)] for name, route in routes.items()])
    paced = pacing(report.summary["pacing"])
    if paced:
        yield f"Pacing: {cell(paced, most=400)}"


def _totals(route: dict[str, Any]) -> list[str]:
    failed = f"{figures.count(route['errors'])} ({figures.share(route['error_rate'])})"
    rates = (route[name] for name in ("goodput", "throughput"))
    return [
        figures.count(route["requests"]),
        failed,
        figures.count(sum(route["own"].values())),
        *(f"{figures.digits(rate)}/s" for rate in rates),
        figures.digits(route["output_tokens_per_second"]),
        figures.share(route["burst_share"]),
        figures.share(route["cache_hit_share"]),
    ]


def _latency(report: "Report") -> Iterator[str]:
    routes = report.summary["routes"]
    rows = [
        [
            *(figures.metric(name), cell(route), measured(entry, name)),
            *(_percentile(entry[name], percentile) for percentile in STATISTICS),
            cell(client_error(report.summary["client"], name)),
        ]
        for name in shown(routes)
        for route, entry in routes.items()
        if entry[name]["n"]
    ]
    if rows:
        yield "### Latency, with 95 % intervals"
        yield table(["metric", "route", "n", *STATISTICS, "client error"], rows, texts=2)
        if whose := survivors(routes):
            yield whose
        lost = list(withheld(routes))
        if lost:
            yield _bullets(lost)


def _percentile(measured: dict[str, Any], name: str) -> str:
    if between := figures.bounds(measured, name):
        return f"? ({between})"
    if measured[name] is None:
        return figures.NOTHING
    return f"{figures.percentile(measured, name)} ({figures.around(measured, name)})"


def _violations(report: "Report") -> Iterator[str]:
    rows = [[cell(each) for each in told] for told in violations(report.summary["routes"])]
    if rows:
        yield "### Violations under load"
        yield table(["violations", "route", "answers", "rate", "of"], rows, texts=2)


def _errors(report: "Report") -> Iterator[str]:
    rows = [
        [cell(name), cell(route), figures.count(count), cell(said)]
        for name, route, count, said in failures(report.summary["routes"])
    ]
    if rows:
        yield "### Errors"
        yield table(["class", "route", "requests", "what it said"], rows, texts=2)


def render_runs(runs: Runs) -> str:
    """Two runs against each other."""
    a, b = cell(runs.a.name), cell(runs.b.name)
    blocks = [f"## {b} against {a}", f"Read with care: {CAVEAT}.", *_compared(runs.comparison)]
    if runs.differences:
        blocks.append("### Not set up alike")
        changed = [
            [cell(name), *(cell(figures.setting(each)) for each in values)]
            for name, values in runs.differences.items()
        ]
        blocks.append(table(["setting", a, b], changed, texts=3))
    return "\n\n".join(blocks) + "\n"


def render_gate(gate: "Gate") -> str:
    """The verdict on a launch."""
    blocks = [f"## {SIGNS[gate.verdict]} {gate.verdict}: gateway-harness gate"]
    told = [*gate.reasons, *(f"note: {note}" for note in gate.notes)]
    rows = [
        [
            *(cell(row.checked.objective), cell(row.checked.route), RESULTS[row.checked.result]),
            *(cell(row.checked.measured, most=300), row.asked.kind),
        ]
        for row in gate.rows
    ]
    runs = [
        [cell(each) for each in (run.kind, run.name, run.age, run.target, run.machine)]
        for run in gate.evidence
    ]
    blocks += [_bullets(told)] if told else []
    blocks.append(table(["objective", "route", "result", "measured", "by"], rows, texts=5))
    if runs:
        blocks.append(table(["evidence", "run", "age", "target", "machine"], runs, texts=5))
    of = f"runs of {cell(gate.wanted.target or 'one target')}, at most {gate.wanted.max_age} old"
    blocks.append(f"<sub>Judged {figures.date(gate.judged)}; {of}.</sub>")
    return "\n\n".join(blocks) + "\n"


def _comparison(report: "Report") -> Iterator[str]:
    if report.comparison.pairs:
        yield "### Routes against each other"
        if found := result(report.comparison):
            yield f"{cell(found, most=600)}."
        yield from _compared(report.comparison)


def _compared(comparison: Comparison) -> Iterator[str]:
    if comparison.reason:
        yield f"Inconclusive: {cell(comparison.reason, most=400)}."
    rows = [
        [cell(pair.names), figures.metric(pair.metric), cell(pair.verdict), *_effect(effect)]
        for pair, effect in comparison.measured
    ]
    if rows:
        yield table(["compared", "metric", "verdict", "ratio", "difference"], rows, texts=3)


def _effect(found: Effect) -> list[str]:
    ratio, low, high = (figures.ratio(each) for each in (found.ratio, found.low, found.high))
    between = figures.span(found.difference_low_ms, found.difference_high_ms)
    return [f"{ratio} ({low} to {high})", f"{figures.duration(found.difference_ms)} ({between})"]


def _method(report: "Report") -> Iterator[str]:
    measured_by = cell(client(report.summary["client"]), most=600)
    yield (
        f"<sub>{measured_by} Warm-up excluded; failed requests count in rates, in "
        "comparisons as longer than all others, never in latencies; "
        "a dash stands where too few samples bound a percentile (p50 6, p90 36, p95 72, p99 368), "
        "a question mark where the client could not see it exactly enough. "
        "Definitions and charts: report.html.</sub>"
    )
