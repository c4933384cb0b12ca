"""Tables before they are written: one content for the page, the Markdown and the terminal."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from harness.report.quantile import Estimate


class ColumnKind(StrEnum):
    """What a column holds, which says how it is set."""

    NAME = "name"
    CODE = "code"
    """A name that is typed: a clause, an objective."""
    TEXT = "text"
    """A sentence, which may need several lines."""
    NUMBER = "number"


class Medium(IntEnum):
    """What a table is written for, that first which has the least room for it."""

    TERMINAL = 1
    MARKDOWN = 2
    PAGE = 3


@dataclass(frozen=True, slots=True)
class Column:
    """The name of a column, what it holds, and the medium with the `least` room that shows it."""

    name: str
    kind: ColumnKind = ColumnKind.NUMBER
    least: Medium = Medium.TERMINAL


@dataclass(frozen=True, slots=True)
class Count:
    """How many values there are, and how many of these have lost their meaning."""

    n: int
    spoiled: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """A result or a verdict: `pass`, `unknown`, `slower` and so on."""

    word: str


@dataclass(frozen=True, slots=True)
class Ranged:
    """A value in words, and its interval or whatever else stands smaller below it."""

    value: str
    between: str


@dataclass(frozen=True, slots=True)
class NameList:
    """Several names, one below the other where there is no room for them in a line."""

    names: tuple[str, ...]


Cell = str | Estimate | Count | Mark | Ranged | NameList
"""A text, or what each writer shows in its own way: a statistic with its interval, for one."""
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under their columns; `lead` explains it.

    A row may end early, where there is nothing more to say.
    """

    title: str
    head: tuple[Column, ...]
    rows: tuple[Row, ...]
    lead: str = ""

    def without(self, *names: str) -> "Table":
        """The table without some of its columns."""
        return self._only(lambda column: column.name not in names)

    def for_medium(self, medium: Medium) -> "Table":
        """The table with the columns that a medium has room for."""
        return self._only(lambda column: column.least <= medium)

    def _only(self, kept: Callable[[Column], bool]) -> "Table":
        places = [place for place, column in enumerate(self.head) if kept(column)]
        return replace(
            self,
            head=tuple(self.head[place] for place in places),
            rows=tuple(tuple(row[n] for n in places if n < len(row)) for row in self.rows),
        )


def columns(kind: ColumnKind, *names: str, least: Medium = Medium.TERMINAL) -> tuple[Column, ...]:
    """Columns of one kind."""
    return tuple(Column(name, kind, least) for name in names)
