"""`report.md`: the report for a pull request or a CI step summary, in GitHub's Markdown.

Text that came from a server is cut, put on one line and stripped of its power to be markup. It has
at most `MOST_LINES` lines: long tables and lists lose their last rows, and say so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.foreign import Place, harmless
from harness.report import arms, figures, groups, sentences, totals
from harness.report.capacity import words
from harness.report.comparison import Comparison, Effect
from harness.report.runs import CAVEAT, Runs
from harness.report.sentences import (
    STATISTICS,
    causes,
    client,
    client_error,
    judged,
    measured,
    pacing,
    result,
    shown,
    survivors,
    target,
    violations,
    withheld,
)
from harness.report.workload import workload

if TYPE_CHECKING:
    from harness.report.build import Report
    from harness.report.gate.judge import Gate

SIGNS = {"pass": "✅", "fail": "❌", "unknown": "⚠️"}
RESULTS = {"pass": "✅ met", "fail": "❌ missed", "unknown": "⚠️ unknown", "warn": "⚠️ close"}
MOST_LINES = 60
IN_SHORT = ("ttft_ms", "inter_chunk_ms", "e2e_ms", "tpot_ms")
"""The metrics of the table, the dispensable ones last."""


def render(report: "Report") -> str:
    """The whole document; the verdict and its reasons come first."""
    parts = (
        *(
            _head,
            _capacity,
            _contract,
            _objectives,
            _groups,
            _routes,
            _latency,
            _violations,
            _errors,
        ),
        *(_comparison, _method),
    )
    return fitted(block for part in parts for block in part(report))


def fitted(blocks: Iterable[str], *, page: str = "report.html") -> str:
    """The blocks as one text; the longest table or list is folded until it is short enough.

    What was folded is in `page`.
    """
    kept = [block.split("\n") for block in blocks]
    lost = [0] * len(kept)
    while sum(len(block) + 1 for block in kept) - 1 > MOST_LINES:
        place = max(range(len(kept)), key=lambda n: len(kept[n]))
        block, is_table = kept[place], kept[place][-1].startswith("|")
        if len(block) < 6:
            break
        del block[-2:]
        lost[place] += 1 if lost[place] else 2
        more = f"{lost[place]} more in {page}"
        block.append(f"| {more} |" if is_table else f"- {more}")
    return "\n\n".join("\n".join(block) for block in kept) + "\n"


def cell(value: Any, *, most: int = 160) -> str:
    """Any text as one harmless line."""
    return harmless(str(value), Place.MARKDOWN, most=most)


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1, title: str | None = None
) -> str:
    """A table whose cells are Markdown already; all but the first `texts` columns are numbers."""
    rule = ["---" if place < texts else "---:" for place in range(len(head))]
    lines = [f"| {' | '.join(line)} |" for line in [head, rule, *rows]]
    return "\n".join(lines if title is None else [f"### {title}", *lines])


def _head(report: "Report") -> Iterator[str]:
    run = report.manifest
    yield f"## {SIGNS[report.verdict]} {report.verdict}: gateway-harness {cell(run.command)}"
    told = [*report.reasons, *(f"note: {remark}" for remark in report.decision.remarks)]
    if told:
        yield _bullets(told)
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
    heading, counts = f"### Contract: {cell(contract.verdict)}", []
    for route in contract.routes:
        found = contract.counts(route)
        named = [each for each in contract.results if found[each]]
        told = (f"{found[each]} {each.replace('_', ' ')}" for each in named)
        counts.append(f"{cell(route)}: {cell(', '.join(told))}")
    yield "\n".join([heading, *([f"{'; '.join(counts)}."] if counts else [])])
    failures = contract.with_result("fail")
    if failures:
        yield table(
            ["clause", "level", "route", "evidence"],
            [[cell(c.id), cell(c.level), cell(c.route), cell(c.evidence)] for c in failures],
            texts=4,
        )


def _objectives(report: "Report") -> Iterator[str]:
    """One row per objective, with the routes of each result."""
    results: dict[str, dict[str, list[str]]] = {}
    values: dict[str, list[str]] = {}
    for objective, routes, found, told in judged(report.checked):
        results.setdefault(objective, {}).setdefault(found, []).extend(routes)
        values.setdefault(objective, []).append(
            f"{cell(', '.join(routes))}: {cell(told, most=300)}"
        )
    rows = []
    for objective, alike in results.items():
        found_on = (f"{RESULTS[each]}: {cell(', '.join(on))}" for each, on in alike.items())
        rows.append([cell(objective), "<br>".join(found_on), "<br>".join(values[objective])])
    if rows:
        yield table(["objective", "result", "measured"], rows, texts=3, title="Objectives")


def _groups(report: "Report") -> Iterator[str]:
    for found in groups.tables(report.summary):
        rows = [
            [
                *map(cell, told),
                *(_percentile(each.measured, each.percentile) for each in percentiles),
            ]
            for told, percentiles in found.lines
        ]
        yield table(found.head, rows, texts=2, title=f"{found.title}, with 95 % intervals")
        yield found.lead


def _routes(report: "Report") -> Iterator[str]:
    routes = report.summary["routes"]
    if not routes:
        return
    head = ["route", "requests", "failed", "by client", "goodput", "answers", "tokens/s"]
    head += ["bursts", "cache hits"]
    rows = [[cell(name), *_totals(route)] for name, route in routes.items()]
    yield table(head, rows, title="Load")
    paced = pacing(report.summary["pacing"])
    asked = workload(report.manifest.plan)
    if asked:
        yield f"Workload: {cell(asked, most=600)}"
    if paced:
        yield f"Pacing: {cell(paced, most=400)}"


def _totals(route: dict[str, Any]) -> list[str]:
    rates = ("goodput", "throughput", "output_tokens_per_second", "burst_share", "cache_hit_share")
    return [
        figures.count(route["requests"]),
        totals.failed(route),
        figures.count(sum(route["own"].values())),
        *(totals.told(route, name) for name in rates),
    ]


def _latency(report: "Report") -> Iterator[str]:
    routes = report.summary["routes"]
    rows = [
        [
            *(figures.metric(name), cell(route), measured(entry, name)),
            *(_percentile(entry[name], percentile) for percentile in STATISTICS),
            cell(client_error(report.summary["client"], name)),
        ]
        for name in _in_short(routes)
        for route, entry in routes.items()
        if entry[name]["n"]
    ]
    if rows:
        head = ["metric", "route", "n", *STATISTICS, "client error"]
        yield table(head, rows, texts=2, title="Latency, with 95 % intervals")
        lost = list(withheld(routes))
        if lost:
            yield _bullets(lost)


def _in_short(routes: Mapping[str, Any]) -> list[str]:
    """The metrics of the table: from schedule where there was one, each once."""
    due = [name for name in shown(routes) if name.endswith("_scheduled")]
    named = {name.removesuffix("_scheduled"): name for name in due}
    return [named.get(name, name) for name in IN_SHORT]


def _percentile(measured: dict[str, Any], name: str) -> str:
    value, between = figures.told(measured, name)
    if not between:
        return value
    return f"{value} ({between if value == '?' else figures.around(measured, name)})"


def _violations(report: "Report") -> Iterator[str]:
    rows = [[cell(each) for each in told] for told in violations(report.summary["routes"])]
    if rows:
        head = ["violations", "route", "answers", "rate", "of"]
        yield table(head, rows, texts=2, title="Violations under load")


def _errors(report: "Report") -> Iterator[str]:
    routes = report.summary["routes"]
    rows = []
    for cause, by_route, said in causes(routes):
        counts = (figures.count(by_route.get(name, 0)) for name in routes)
        rows.append([cell(cause), *counts, cell(said or "nothing")])
    if rows:
        head = ["class", *(cell(name) for name in routes), "what it said"]
        yield table(head, rows, title="Errors")


def render_runs(runs: Runs) -> str:
    """Two runs against each other."""
    a, b = cell(runs.a.name), cell(runs.b.name)
    blocks = [f"## {b} against {a}", f"Read with care: {CAVEAT}.", *_compared(runs.comparison)]
    if runs.differences:
        changed = [
            [cell(name), *(cell(figures.setting(each)) for each in values)]
            for name, values in runs.differences.items()
        ]
        blocks.append(table(["setting", a, b], changed, texts=3, title="Not set up alike"))
    return fitted(blocks)


def render_gate(gate: "Gate") -> str:
    """The verdict on a launch."""
    blocks = [f"## {SIGNS[gate.verdict]} {gate.verdict}: gateway-harness gate"]
    told = [*gate.reasons, *(f"note: {note}" for note in gate.notes)]
    rows = [
        [
            *(cell(row.checked.told), cell(row.checked.route), RESULTS[row.checked.result]),
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
    return fitted(blocks, page="gate.html")


def _comparison(report: "Report") -> Iterator[str]:
    if report.comparison.pairs:
        found = result(report.comparison)
        sentence = [f"{cell(found, most=600)}."] if found else []
        yield "\n".join(["### Routes against each other", *sentence])
        yield from _compared(report.comparison)


def _compared(comparison: Comparison) -> Iterator[str]:
    if comparison.reason:
        yield f"Inconclusive: {cell(comparison.reason, most=400)}."
    with_ttft = {pair.names for pair, _ in comparison.measured if pair.metric == "ttft_ms"}
    rows = [
        [cell(pair.names), figures.metric(pair.metric), cell(pair.verdict), *_effect(effect)]
        for pair, effect in comparison.measured
        if pair.metric != "ttfb_ms" or pair.names not in with_ttft
    ]
    if rows:
        yield table(["compared", "metric", "verdict", "ratio", "difference"], rows, texts=3)
    if comparison.on_the_way:
        ways = [[cell(each) for each in line] for line in arms.lines(comparison.on_the_way)]
        yield table(arms.HEAD, ways, texts=2)


def _effect(found: Effect) -> list[str]:
    ratio, low, high = (figures.ratio(each) for each in (found.ratio, found.low, found.high))
    between = figures.span(found.difference_low_ms, found.difference_high_ms)
    return [f"{ratio} ({low} to {high})", f"{figures.duration(found.difference_ms)} ({between})"]


def _method(report: "Report") -> Iterator[str]:
    measured_by = cell(client(report.summary["client"]), most=600)
    whose = survivors(report.summary["routes"])
    yield (
        f"<sub>{measured_by} {f'{cell(whose, most=400)} ' if whose else ''}"
        "Warm-up excluded; failed requests count in rates, in "
        "comparisons as longer than all others, never in latencies; "
        '"needs 368" and "too few" stand where the sample cannot bound a percentile (p50 needs 6 '
        "independent values, p90 36, p95 72, p99 368), "
        "a question mark where the client could not see it exactly enough. "
        "Definitions and charts: report.html.</sub>"
    )
