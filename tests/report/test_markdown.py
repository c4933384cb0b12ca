from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from harness.report.build import build_report
from harness.report.markdown import MOST_LINES, fitted, written
from harness.report.tables import ColumnKind, Table, columns
from tests.report.folders import clause, contract, write_run


def of_size(size: int) -> str:
    """A table with so many rows."""
    head = columns(ColumnKind.NAME, "a", "b")
    return written(Table("t", head, (("x", "1"),) * size), title="t")


@given(st.lists(st.integers(0, 90), min_size=1, max_size=8))
def test_any_tables_fold_to_the_most_lines_and_say_how_many_rows_are_missing(
    sizes: list[int],
) -> None:
    blocks = [of_size(size) for size in sizes]

    text = fitted(blocks)

    lines = text.splitlines()
    assert len(lines) <= MOST_LINES
    missing = sum(int(line.split()[1]) for line in lines if line.endswith("more in report.html |"))
    assert lines.count("| x | 1 |") + missing == sum(sizes)


def test_what_is_short_enough_stays_as_it_is() -> None:
    blocks = ["# head", of_size(9), "end"]

    assert fitted(blocks) == "\n\n".join(blocks) + "\n"


def test_a_contract_that_is_broken_everywhere_fits(tmp_path: Path) -> None:
    clauses = (clause("fail", id=f"area-{n}", evidence="no") for n in range(200))
    conformance = contract(*clauses, verdict="incompatible")

    build_report(write_run(tmp_path, [], command="verify", conformance=conformance))

    text = (tmp_path / "report.md").read_text("utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert "area-0" in text
    assert "more in report.html" in text
