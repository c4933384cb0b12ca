"""A table is made once; the page, the Markdown and the terminal write the same rows."""

import io
import re
from collections.abc import Callable

import pytest
from rich.console import Console

from harness.report import contents, markdown, terminal
from harness.report.build import build_report
from harness.report.capacity import words
from harness.report.quantile import Estimate
from harness.report.report import Report
from harness.report.tables import (
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
from tests.report.folders import FLOOR, blocks, failed, hurried, write_run, write_worker
from tests.report.queueing import Target, searched

HEAD = (
    *columns(ColumnKind.NAME, "route", "result"),
    Column("time"),
    Column("why", ColumnKind.TEXT),
)
TABLE = Table(
    "Routes",
    HEAD,
    (
        (NameList(("native", "model")), Mark("pass"), Ranged("12 ms", "11 to 13"), "[red]a | b"),
        (
            "compat",
            Mark("slower"),
            Estimate(None, reason="5 samples: p50 needs 6", count=5, needs=6),
        ),
        ("direct", Mark("fail"), Count(1200, spoiled=7)),
    ),
)


def printed(table: Table) -> str:
    text = io.StringIO()
    Console(file=text, width=100, color_system=None).print(terminal.written(table))
    return text.getvalue()


def test_each_writer_shows_the_cells_in_its_own_way() -> None:
    assert markdown.written(TABLE, title="Routes").splitlines() == [
        "### Routes",
        "| route | result | time | why |",
        "| --- | --- | ---: | --- |",
        "| native, model | ✅ met | 12 ms (11 to 13) | \\[red\\]a \\| b |",
        "| compat | slower | needs 6 |",
        "| direct | ❌ missed | 1,200, 7 in one piece |",
    ]
    assert [line.split() for line in printed(TABLE).splitlines()] == [
        ["route", "result", "time", "why"],
        ["native", "met", "12", "ms", "[red]a", "|", "b"],
        ["model", "11", "to", "13"],
        ["compat", "slower", "needs", "6"],
        ["direct", "missed", "1,200*"],
    ]


def test_a_table_of_some_columns_keeps_what_they_hold() -> None:
    found = TABLE.without("result", "time")

    assert found.head == (HEAD[0], HEAD[3])
    assert found.rows == ((NameList(("native", "model")), "[red]a | b"), ("compat",), ("direct",))


def test_a_writer_shows_the_columns_that_it_has_room_for() -> None:
    head = (Column("a"), Column("b", least=Medium.MARKDOWN), Column("c", least=Medium.PAGE))
    table = Table("Three", head, (("1", "2", "3"), ("4", "5")))

    assert table.for_medium(Medium.PAGE) == table
    assert markdown.written(table).splitlines()[2:] == ["| 1 | 2 |", "| 4 | 5 |"]
    assert printed(table).split() == ["a", "1", "4"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("run")
    rows = [*hurried(), *blocks(40), *(failed(900 + n, message="no") for n in range(9))]
    write_run(folder, rows, thresholds=["p95(ttft) < 130ms"], rate=50)
    write_worker(folder, records=len(rows), noise_floor=FLOOR)
    return build_report(folder)


MADE: dict[str, Callable[[Report], Table]] = {
    "load": lambda report: contents.load(report.summary.routes),
    "violations": lambda report: contents.violations(report.summary.routes),
    "errors": lambda report: contents.errors(report.summary.routes),
    "objectives": lambda report: contents.objectives(report.checked),
    "compared": lambda report: contents.compared(report.comparison.pairs),
}


@pytest.mark.parametrize("name", MADE)
def test_the_page_has_every_row_and_column_of_a_table(name: str, report: Report) -> None:
    table = MADE[name](report)
    page = (report.folder / "report.html").read_text("utf-8")

    parts = re.findall(r"<thead>(.*?)</thead>\s*<tbody>(.*?)</tbody>", page, flags=re.DOTALL)
    bodies = {tuple(re.findall(r"<th[^>]*>([^<]*)<", head)): body for head, body in parts}

    assert table.rows
    assert bodies[tuple(column.name for column in table.head)].count("<tr>") == len(table.rows)


def test_the_levels_of_a_search_stand_under_their_own_heads_in_a_terminal() -> None:
    found = searched(Target(), "p95(e2e) < 200ms", least=16.0)

    head, first, *_ = printed(words.table(found)).splitlines()

    assert head.split()[:2] == ["asked/s", "result"]
    assert first[head.index("result") :].startswith(tuple(words.WORDS.values()))
