"""The report as tables for a terminal; texts of servers are shown as they are, never as markup."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.report import arms, contents, figures, groups, sentences, tables
from harness.report.capacity import words
from harness.report.comparison import Comparison, PairVerdict
from harness.report.gate import contents as launch
from harness.report.plan import workload
from harness.report.quantile import Estimate
from harness.report.tables import Cell, ColumnKind, Count, Mark, Medium, NameList, Ranged
from harness.report.thresholds import CheckResult

if TYPE_CHECKING:
    from harness.report.gate.judge import Gate, ObjectiveResult
    from harness.report.presets import Figure, Preset
    from harness.report.report import Report

STAR = "*"
MOST_IN_A_CELL = 300
STYLES: Mapping[str, str] = {
    CheckResult.MET: "green",
    CheckResult.MISSED: "red",
    CheckResult.UNKNOWN: "yellow",
    CheckResult.CLOSE: "yellow",
    PairVerdict.SLOWER: "red",
    PairVerdict.FASTER: "cyan",
    PairVerdict.EQUIVALENT: "green",
    PairVerdict.INCONCLUSIVE: "dim",
}
WORDS: Mapping[str, str] = {each: each.word for each in CheckResult}


def show(report: "Report", console: Console) -> None:
    """Print the whole report."""
    console.print(render(report))


def render(report: "Report") -> Group:
    """Latencies, rates, comparison and objectives as far as there are any."""
    parts = (
        *(_contract, _capacity, _groups, _latency, _rates, _faults),
        *(_client, _remarks, _objectives),
    )
    tables = [table for part in parts for table in part(report)]
    return Group(*(Padding(each, (0, 0, 1, 0)) for each in (*tables, *compared(report.comparison))))


def compared(comparison: Comparison) -> Iterator[RenderableType]:
    """Two things against each other: one row per pair and metric."""
    if not comparison.pairs:
        return
    measured = contents.compared(pair for pair, _ in comparison.measured)
    if measured.rows:
        yield written(measured, corner="Comparison")
    if comparison.on_the_way:
        yield written(arms.table(comparison.on_the_way))
    if comparison.reason:
        yield Text(f"inconclusive: {comparison.reason}", style="yellow")


def preset(by: "Preset", found: "list[Figure]") -> Group:
    """Latencies by the definitions of another tool, and the formula of each."""
    formulas = "\n".join(f"{each.name}: {each.formula}" for each in by.metrics)
    return Group(written(contents.preset(by, found)), Text(), Text(formulas))


def _capacity(report: "Report") -> Iterator[RenderableType]:
    capacity = report.capacity
    if capacity is None:
        return
    yield written(words.table(capacity))
    yield Text(f"times: {words.metric(capacity)}")
    yield Text("\n".join(words.told(capacity)))


def _groups(report: "Report") -> Iterator[Table]:
    for found in groups.tables(report.summary.parts):
        yield written(found)


def _contract(report: "Report") -> Iterator[Table]:
    if report.contract is not None and report.contract.clauses:
        yield written(contents.clauses_by_route(report.contract))


def _latency(report: "Report") -> Iterator[RenderableType]:
    routes, client = report.summary.routes, report.summary.client
    found = contents.latencies(routes, client, sentences.shown(routes))
    error_of = None if client.noise_floor is None else {row[0]: row[-1] for row in found.rows}
    shown = found.for_medium(Medium.TERMINAL)
    if error_of is not None:
        named = (Ranged(str(row[0]), f"error {error_of[row[0]]}") for row in shown.rows)
        rows = zip(named, shown.rows, strict=True)
        shown = replace(shown, rows=tuple((name, *row[1:]) for name, row in rows))
    if shown.rows:
        yield written(shown, corner="Latency")
        yield from _footnotes(report)


def _footnotes(report: "Report") -> Iterator[Text]:
    """Below the latencies: what error, star and question mark mean, where there are any."""
    routes = report.summary.routes
    notes = []
    if report.summary.client.noise_floor:
        notes.append("error: the client's own at p99, against a known schedule before the load")
    if any(sentences.spoiled(entry, "ttft_ms") for entry in routes.values()):
        notes.append(f"{STAR} with answers that came in one piece")
    if whose := sentences.survivors(routes):
        notes.append(whose)
    notes += sentences.withheld(routes)
    if notes:
        yield Text("\n".join(notes), style="dim")


def _rates(report: "Report") -> Iterator[RenderableType]:
    routes = report.summary.routes
    if routes:
        found = contents.load(routes)
        yield written(found, corner="Load")
    told = [text for text in (sentences.own(routes), sentences.bursts(routes)) if text]
    if told:
        yield Text("\n".join(told))


def _remarks(report: "Report") -> Iterator[RenderableType]:
    """What changed nothing and is to be known: odd answers, pauses of the client."""
    if report.decision.remarks:
        yield Text("\n".join(f"note: {remark}" for remark in report.decision.remarks))


def _faults(report: "Report") -> Iterator[Table]:
    routes = report.summary.routes
    for found in (contents.violations(routes), contents.errors(routes)):
        if found.rows:
            yield written(found, corner=found.title)


def _client(report: "Report") -> Iterator[RenderableType]:
    """How the load was sent, and how exact the sender was."""
    if report.summary.requests:
        yield Text(sentences.client(report.summary.client), style="dim")
    asked = workload(report.manifest.asked)
    if asked:
        yield Text(f"workload: {asked}", style="dim")
    paced = sentences.pacing(report.summary.pacing)
    if paced:
        yield Text(f"pacing: {paced}", style="dim")


def _objectives(report: "Report") -> Iterator[Table]:
    found = contents.objectives(report.checked)
    if found.rows:
        yield written(found, corner="Objectives")


def gate(found: "Gate") -> Group:
    """A launch: every objective with the run that it was judged by, and these runs."""
    judged = launch.objectives(found)
    rows = (
        (Ranged(each.checked.told, _judged_by(each)), result, measured)
        for each, (_, _, result, measured, _) in zip(found.rows, judged.rows, strict=True)
    )
    objectives = replace(judged.without("route", "by"), rows=tuple(rows))
    shown = [written(objectives, corner="Launch"), written(launch.evidence(found))]
    return Group(*(Padding(each, (0, 0, 1, 0)) for each in shown if each.row_count))


def _judged_by(row: "ObjectiveResult") -> str:
    by = "by no run" if row.evidence is None else f"by {row.asked.kind}"
    return f"{row.checked.route}, {by}"


def written(found: tables.Table, *, corner: str | None = None) -> Table:
    """A table without a frame; `corner` is what it is called in the head of its first column."""
    found = found.for_medium(Medium.TERMINAL)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for place, column in enumerate(found.head):
        name = column.name if place or corner is None else corner.lower()
        right = column.kind is ColumnKind.NUMBER
        long = column.kind is ColumnKind.TEXT
        table.add_column(name, justify="right" if right else "left", no_wrap=not long)
    for row in found.rows:
        table.add_row(*map(_cell, row))
    return table


def _cell(found: Cell) -> Text:
    if isinstance(found, Estimate):
        return _bounded(found)
    if isinstance(found, Mark):
        return Text(WORDS.get(found.word, found.word), style=STYLES[found.word])
    if isinstance(found, Count):
        return Text(f"{figures.count(found.n)}{STAR if found.spoiled else ''}")
    if isinstance(found, Ranged):
        return Text(found.value, no_wrap=True).append(f"\n{found.between}", style="dim")
    if isinstance(found, NameList):
        return Text("\n".join(found.names))
    return Text(sentences.one_line(found, most=MOST_IN_A_CELL))


def _bounded(found: Estimate) -> Text:
    if between := figures.bounds(found):
        numbers, _, unit = between.rpartition(" ")
        return Text(f"? {unit}\n{numbers}", style="yellow", no_wrap=True)
    if found.value is None:
        return Text(figures.lacking(found), style="dim")
    shown = Text(figures.duration(found.value), no_wrap=True)
    return shown.append(f"\n{figures.around(found)}", style="dim")
