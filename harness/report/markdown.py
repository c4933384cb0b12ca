"""`report.md`: the report for a pull request or a CI step summary, in GitHub's Markdown.

Text that came from a server is cut, put on one line and stripped of its power to be markup. It has
at most `MOST_LINES` lines: long tables and lists lose their last rows, and say so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.foreign import Place, harmless
from harness.measure.metrics import SCHEDULED
from harness.report import arms, contents, figures, groups, sentences
from harness.report.capacity import words
from harness.report.comparison import Comparison
from harness.report.gate import contents as launch
from harness.report.plan import workload
from harness.report.quantile import Estimate
from harness.report.report import Routes, key
from harness.report.runs import CAVEAT, Runs
from harness.report.sentences import (
    client,
    pacing,
    result,
    shown,
    survivors,
    target,
    withheld,
)
from harness.report.tables import (
    Cell,
    Column,
    ColumnKind,
    Count,
    Mark,
    Medium,
    NameList,
    Ranged,
    Table,
    columns,
)
from harness.report.thresholds import CheckResult

if TYPE_CHECKING:
    from harness.report.gate.judge import Gate
    from harness.report.report import Report

SIGNS = {"pass": "✅", "fail": "❌", "unknown": "⚠️"}
RESULTS: Mapping[str, str] = {
    each: f"{SIGNS.get(each, SIGNS[CheckResult.UNKNOWN])} {each.word}" for each in CheckResult
}
MOST_LINES = 60
MOST_IN_A_CELL = 300
IN_SHORT = ("ttft", "inter_chunk", "e2e", "tpot")
"""The metrics of the table, the dispensable ones last."""


def render(report: "Report") -> str:
    """The whole document; the verdict and its reasons come first."""
    parts = (
        *(_head, _capacity, _contract, _objectives, _groups, _routes, _latency, _faults),
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


def written(found: Table, *, title: str | None = None) -> str:
    """The table under its title; numbers stand to the right."""
    found = found.for_medium(Medium.MARKDOWN)
    return _lines(found.head, ([_cell(each) for each in row] for row in found.rows), title)


def _lines(head: Iterable[Column], rows: Iterable[Sequence[str]], title: str | None) -> str:
    """The lines of a table whose cells are Markdown already."""
    names = [cell(column.name) for column in head]
    rule = ["---:" if column.kind is ColumnKind.NUMBER else "---" for column in head]
    lines = [f"| {' | '.join(line)} |" for line in [names, rule, *rows]]
    return "\n".join(lines if title is None else [f"### {title}", *lines])


def _cell(found: Cell) -> str:
    if isinstance(found, Estimate):
        return _bounded(found)
    if isinstance(found, Mark):
        return RESULTS.get(found.word) or cell(found.word)
    if isinstance(found, Count):
        whole = f", {figures.count(found.spoiled)} in one piece" if found.spoiled else ""
        return f"{figures.count(found.n)}{whole}"
    if isinstance(found, Ranged):
        return cell(f"{found.value} ({found.between})" if found.between else found.value)
    if isinstance(found, NameList):
        return cell(", ".join(found.names))
    return cell(found, most=MOST_IN_A_CELL)


def _bounded(found: Estimate) -> str:
    value, between = figures.told(found)
    if not between:
        return value
    return f"{value} ({between if value == '?' else figures.around(found)})"


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
    yield written(words.table(capacity))
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
    broken = contents.broken(contract)
    if broken.rows:
        yield written(broken)
    if contract.rates:
        yield written(contents.rates(contract), title="Requests asked many times")


def _objectives(report: "Report") -> Iterator[str]:
    """One row per objective, with the routes of each result: there is no room for one of each."""
    results: dict[str, dict[str, list[str]]] = {}
    values: dict[str, list[str]] = {}
    for objective, mark, on, measured in contents.objectives(report.checked).rows:
        of = str(objective)
        results.setdefault(of, {}).setdefault(_cell(mark), []).append(_cell(on))
        values.setdefault(of, []).append(f"{_cell(on)}: {_cell(measured)}")
    rows = [
        (
            cell(objective),
            "<br>".join(f"{found}: {', '.join(on)}" for found, on in alike.items()),
            "<br>".join(values[objective]),
        )
        for objective, alike in results.items()
    ]
    if rows:
        head = columns(ColumnKind.NAME, "objective", "result", "measured")
        yield _lines(head, rows, "Objectives")


def _groups(report: "Report") -> Iterator[str]:
    for found in groups.tables(report.summary.parts):
        yield written(found, title=f"{found.title}, with 95 % intervals")
        yield found.lead


def _routes(report: "Report") -> Iterator[str]:
    routes = report.summary.routes
    if not routes:
        return
    yield written(contents.load(routes), title="Load")
    paced = pacing(report.summary.pacing)
    asked = workload(report.manifest.asked)
    if asked:
        yield f"Workload: {cell(asked, most=600)}"
    if paced:
        yield f"Pacing: {cell(paced, most=400)}"


def _latency(report: "Report") -> Iterator[str]:
    routes = report.summary.routes
    found = contents.latencies(routes, report.summary.client, _in_short(routes))
    if found.rows:
        yield written(found, title="Latency, with 95 % intervals")
        lost = list(withheld(routes))
        if lost:
            yield _bullets(lost)


def _in_short(routes: Routes) -> list[str]:
    """The metrics of the table: from schedule where there was one, each once."""
    due = set(shown(routes))
    return [twin if (twin := key(f"{name}{SCHEDULED}")) in due else key(name) for name in IN_SHORT]


def _faults(report: "Report") -> Iterator[str]:
    routes = report.summary.routes
    for found in (contents.violations(routes), contents.errors(routes)):
        if found.rows:
            yield written(found, title=found.title)


def render_runs(runs: Runs) -> str:
    """Two runs against each other."""
    a, b = cell(runs.a.name), cell(runs.b.name)
    blocks = [f"## {b} against {a}", f"Read with care: {CAVEAT}.", *_compared(runs.comparison)]
    if runs.differences:
        setup = contents.setup(runs)
        blocks.append(written(setup, title=setup.title))
    return fitted(blocks)


def render_gate(gate: "Gate") -> str:
    """The verdict on a launch."""
    blocks = [f"## {SIGNS[gate.verdict]} {gate.verdict}: gateway-harness gate"]
    told = [*gate.reasons, *(f"note: {note}" for note in gate.notes)]
    blocks += [_bullets(told)] if told else []
    blocks.append(written(launch.objectives(gate)))
    if gate.evidence:
        blocks.append(written(launch.evidence(gate)))
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
    found = contents.compared(
        pair
        for pair, _ in comparison.measured
        if pair.metric != "ttfb_ms" or pair.names not in with_ttft
    )
    if found.rows:
        yield written(found)
    if comparison.on_the_way:
        yield written(arms.table(comparison.on_the_way))


def _method(report: "Report") -> Iterator[str]:
    measured_by = cell(client(report.summary.client), most=600)
    whose = survivors(report.summary.routes)
    yield (
        f"<sub>{measured_by} {f'{cell(whose, most=400)} ' if whose else ''}"
        "Warm-up excluded; failed requests count in rates, in "
        "comparisons as longer than all others, never in latencies; "
        '"needs 368" and "too few" stand where the sample cannot bound a percentile (p50 needs 6 '
        "independent values, p90 36, p95 72, p99 368), "
        "a question mark where the client could not see it exactly enough. "
        "Definitions and charts: report.html.</sub>"
    )
