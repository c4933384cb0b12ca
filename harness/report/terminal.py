"""The report as tables for a terminal; texts of servers are shown as they are, never as markup."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.report import arms, figures, groups, sentences, totals
from harness.report.capacity import words
from harness.report.comparison import Comparison
from harness.report.quantile import PERCENTILES, Estimate
from harness.report.tables import Cell
from harness.report.workload import workload

if TYPE_CHECKING:
    from harness.report.build import Report
    from harness.report.gate.judge import Gate
    from harness.report.presets import Figure, Preset

RATES = ("goodput", "throughput", "output_tokens_per_second", "cache_hit_share")
UNSHOWN = ("goodput", "p99", "E2E p50")
"""Columns of the parts of a load that a terminal has no room for."""
STAR = "*"
MEASURED = "measured"
LONG = "what it said"
STYLES = {"pass": "green", "fail": "red", "unknown": "yellow", "warn": "yellow"}
WORDS = {"pass": "met", "fail": "missed", "unknown": "unknown", "warn": "close"}
VERDICTS = {"slower": "red", "faster": "cyan", "equivalent": "green", "inconclusive": "dim"}


def show(report: "Report", console: Console) -> None:
    """Print the whole report."""
    console.print(render(report))


def render(report: "Report") -> Group:
    """Latencies, rates, comparison and objectives as far as there are any."""
    parts = (
        *(_contract, _capacity, _groups, _latency, _rates, _violations, _errors),
        *(_client, _remarks, _objectives),
    )
    tables = [table for part in parts for table in part(report)]
    return Group(*(Padding(each, (0, 0, 1, 0)) for each in (*tables, *compared(report.comparison))))


def compared(comparison: Comparison) -> Iterator[RenderableType]:
    """Two things against each other: one row per pair and metric."""
    if not comparison.pairs:
        return
    table = _table("comparison", "", "verdict", "ratio", "95 % interval", "difference", texts=3)
    for pair, effect in comparison.measured:
        between = f"{figures.ratio(effect.low)} to {figures.ratio(effect.high)}"
        difference = figures.duration(effect.difference_ms)
        numbers = [figures.ratio(effect.ratio), between, difference]
        verdict = Text(pair.verdict, style=VERDICTS[pair.verdict])
        names = Text(pair.names), Text(figures.metric(pair.metric))
        table.add_row(*names, verdict, *numbers)
    if table.row_count:
        yield table
    if comparison.on_the_way:
        ways = _table("on the way", *(arms.HEAD[place] for place in arms.FEW[1:]), texts=1)
        for line in arms.lines(comparison.on_the_way):
            ways.add_row(*(Text(line[place]) for place in arms.FEW))
        yield ways
    if comparison.reason:
        yield Text(f"inconclusive: {comparison.reason}", style="yellow")


def preset(by: "Preset", found: "list[Figure]") -> Group:
    """Latencies by the definitions of another tool, and the formula of each."""
    names = [f"p{percent}" for percent in PERCENTILES]
    table = _table(by.name, "route", "n", "mean", *names, texts=2)
    for each in found:
        times = (each.mean, *each.percentiles.values())
        shown = ["no value" if time is None else figures.duration(time) for time in times]
        table.add_row(Text(each.metric), Text(each.route), figures.count(each.n), *shown)
    formulas = "\n".join(f"{each.name}: {each.formula}" for each in by.metrics)
    return Group(table, Text(), Text(formulas))


def _capacity(report: "Report") -> Iterator[RenderableType]:
    capacity = report.capacity
    if capacity is None:
        return
    names = words.head(capacity)
    kept = [place for place, name in enumerate(names) if name not in ("why", "goodput/s")]
    table = _table("capacity", *(names[place] for place in kept), texts=2)
    for _, cells in words.rows(capacity):
        table.add_row(*(Text(cells[place].partition(" (")[0]) for place in kept))
    yield table
    yield Text(f"times: {words.metric(capacity)}")
    yield Text("\n".join(words.told(capacity)))


def _groups(report: "Report") -> Iterator[Table]:
    for found in groups.tables(report.summary.parts):
        shown = found.only(lambda name: not name.endswith(UNSHOWN))
        table = _table(*shown.head, texts=shown.texts)
        for row in shown.rows:
            table.add_row(*map(_cell, row))
        yield table


def _cell(found: Cell) -> Text:
    return Text(found) if isinstance(found, str) else _bounded(found)


def _contract(report: "Report") -> Iterator[Table]:
    contract = report.contract
    if contract is None or not contract.clauses:
        return
    results = contract.results
    table = _table("contract", *(result.replace("_", " ") for result in results))
    for route in contract.routes:
        counts = contract.counts(route)
        table.add_row(Text(route), *(str(counts[result]) for result in results))
    yield table


def _latency(report: "Report") -> Iterator[RenderableType]:
    table = _table("latency", "route", "n", *(f"p{each}" for each in PERCENTILES), texts=2)
    for name in sentences.shown(report.summary.routes):
        for route, entry in report.summary.routes.items():
            measured = entry.latencies[name]
            if measured.n:
                numbers = [_bounded(each) for each in measured.percentiles.values()]
                mark = STAR if sentences.spoiled(entry, name) else ""
                count = f"{figures.count(measured.n)}{mark}"
                table.add_row(_metric(report, name), Text(route), count, *numbers)
    if table.row_count:
        yield table
        yield from _footnotes(report)


def _metric(report: "Report", name: str) -> Text:
    """A metric with the client's own error for it, where that is known."""
    client = report.summary.client
    error = f"\nerror {sentences.client_error(client, name)}" if client.noise_floor else ""
    return Text(figures.metric(name)).append(error, style="dim")


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


def _bounded(found: Estimate) -> Text:
    if between := figures.bounds(found):
        numbers, _, unit = between.rpartition(" ")
        return Text(f"? {unit}\n{numbers}", style="yellow", no_wrap=True)
    if found.value is None:
        return Text(figures.lacking(found), style="dim")
    shown = Text(figures.duration(found.value), no_wrap=True)
    return shown.append(f"\n{figures.around(found)}", style="dim")


def _rates(report: "Report") -> Iterator[RenderableType]:
    routes = report.summary.routes
    table = _table("load", "requests", "failed", "goodput", "answers", "tokens/s", "cache hits")
    for route, entry in routes.items():
        table.add_row(
            Text(route),
            figures.count(entry.counts.requests),
            totals.failed(entry.counts),
            *(totals.told(entry, name) for name in RATES),
        )
    if table.row_count:
        yield table
    told = [text for text in (sentences.own(routes), sentences.bursts(routes)) if text]
    if told:
        yield Text("\n".join(told))


def _remarks(report: "Report") -> Iterator[RenderableType]:
    """What changed nothing and is to be known: odd answers, pauses of the client."""
    if report.decision.remarks:
        yield Text("\n".join(f"note: {remark}" for remark in report.decision.remarks))


def _violations(report: "Report") -> Iterator[Table]:
    table = _table("violations", "route", "answers", "rate", "of", texts=2)
    for told in sentences.violations(report.summary.routes):
        table.add_row(*(Text(cell) for cell in told))
    if table.row_count:
        yield table


def _client(report: "Report") -> Iterator[RenderableType]:
    """How the load was sent, and how exact the sender was."""
    if report.summary.requests:
        yield Text(sentences.client(report.summary.client), style="dim")
    asked = workload(report.manifest.plan)
    if asked:
        yield Text(f"workload: {asked}", style="dim")
    paced = sentences.pacing(report.summary.pacing)
    if paced:
        yield Text(f"pacing: {paced}", style="dim")


def _errors(report: "Report") -> Iterator[Table]:
    table = _table("errors", "route", "requests", LONG, texts=2)
    table.columns[-1].justify = "left"
    for name, route, number, said in sentences.failures(report.summary.routes):
        told = Text(sentences.one_line(said))
        table.add_row(Text(name), Text(route), figures.count(number), told)
    if table.row_count:
        yield table


def _objectives(report: "Report") -> Iterator[Table]:
    table = _table("objectives", "route", "result", MEASURED, texts=4)
    for objective, routes, found, measured in sentences.judged(report.checked):
        result = Text(WORDS[found], style=STYLES[found])
        table.add_row(Text(objective), Text("\n".join(routes)), result, Text(measured))
    if table.row_count:
        yield table


def gate(found: "Gate") -> Group:
    """A launch: every objective with the run that it was judged by, and these runs."""
    table = _table("launch", "result", MEASURED, texts=3)
    for row in found.rows:
        each, by = row.checked, "by no run" if row.evidence is None else f"by {row.asked.kind}"
        asked = Text(each.told).append(f"\n{each.route}, {by}", style="dim")
        result = Text(WORDS[each.result], style=STYLES[each.result])
        table.add_row(asked, result, Text(sentences.one_line(each.measured, most=300)))
    runs = _table("evidence", "run", "age", "target", "machine", texts=5)
    for run in found.evidence:
        cells = run.kind, run.name, run.age, sentences.one_line(run.target), run.machine
        runs.add_row(*(Text(str(cell)) for cell in cells))
    return Group(*(Padding(each, (0, 0, 1, 0)) for each in (table, runs) if each.row_count))


def _table(*names: str, texts: int = 1) -> Table:
    """A table without a frame; all but the first `texts` columns are numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for place, name in enumerate(names):
        table.add_column(
            name, justify="left" if place < texts else "right", no_wrap=name not in (LONG, MEASURED)
        )
    return table
