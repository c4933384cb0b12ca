"""Workflow commands of GitHub Actions: a broken clause as an annotation of the job.

The form: docs.github.com/actions/reference/workflows-and-actions/workflow-commands; how a value is
escaped in it: actions/toolkit, packages/core/src/command.ts.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from harness.foreign import visible
from harness.routes.route import ROUTES

if TYPE_CHECKING:
    from harness.contract.output.rows import ClauseRow

MOST = 10
"""GitHub shows so many errors, and as many warnings, of one step."""
LONGEST = 4000
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def annotations(failing: Iterable["ClauseRow"], *, strict: bool) -> Iterator[str]:
    """A line for each broken clause, its routes together: an error where it fails the run."""
    from harness.contract.clause import Level, Result

    by_clause: dict[str, list[ClauseRow]] = {}
    for row in failing:
        if row.result == Result.FAIL:
            by_clause.setdefault(row.id, []).append(row)
    shown = {"error": 0, "warning": 0}
    for name, rows in by_clause.items():
        kind = "error" if strict or rows[0].level == Level.MUST else "warning"
        shown[kind] += 1
        if shown[kind] <= MOST:
            on = {row.route for row in rows}
            routes = ", ".join(route for route in ROUTES if route in on)
            title = f"{rows[0].level} {name} on {routes}"
            yield command(kind, title, f"{rows[0].statement} {rows[0].evidence}")


def command(kind: str, title: str, message: str) -> str:
    """One workflow command, in which nothing of a target is a command of its own."""
    data = _escaped(visible(" ".join(message.split()))[:LONGEST], _DATA)
    return f"::{kind} title={_escaped(visible(title), _PROPERTY)}::{data}"


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(char, char) for char in text)
