"""The tables of a launch: its objectives and the runs that they were judged by."""

from typing import TYPE_CHECKING

from harness.report import figures, sentences
from harness.report.tables import Column, ColumnKind, Mark, Medium, Ranged, Table, columns
from harness.report.tables import Row as Cells

if TYPE_CHECKING:
    from harness.report.gate.evidence import RunEvidence
    from harness.report.gate.judge import Gate, ObjectiveResult


def objectives(gate: "Gate") -> Table:
    """Every objective with its result, what was measured, and by which run."""
    head = (
        *(Column("objective", ColumnKind.CODE), *columns(ColumnKind.NAME, "route", "result")),
        *(Column("measured", ColumnKind.TEXT), Column("by", ColumnKind.NAME)),
    )
    return Table("Objectives", head, tuple(map(_objective, gate.rows)))


def _objective(row: "ObjectiveResult") -> Cells:
    by, found = row.evidence, row.checked
    run = Ranged("no run", "") if by is None else Ranged(row.asked.kind, f"{by.name}, {by.age}")
    measured = sentences.one_line(found.measured, most=300)
    return found.told, found.route, Mark(found.result), measured, run


def evidence(gate: "Gate") -> Table:
    """Each run: what it is, its age, what it was of and made on, and its own verdict."""
    head = (
        *columns(ColumnKind.NAME, "evidence", "run"),
        Column("id", ColumnKind.CODE, Medium.PAGE),
        Column("ended", ColumnKind.NAME, Medium.PAGE),
        Column("age", ColumnKind.NAME),
        Column("target", ColumnKind.TEXT),
        Column("model", ColumnKind.NAME, Medium.PAGE),
        Column("machine", ColumnKind.NAME),
        Column("own verdict", ColumnKind.NAME, Medium.PAGE),
    )
    return Table("Evidence", head, tuple(map(_run, gate.evidence)))


def _run(found: "RunEvidence") -> Cells:
    return (
        *(found.kind.value, found.name, found.run.run_id),
        *(figures.date(found.ended), found.age, sentences.one_line(found.target)),
        *(found.model or "unknown", found.machine, found.run.verdict or "none"),
    )
