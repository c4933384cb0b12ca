"""Tables before they are written: one content for the page, the Markdown and the terminal."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.report.quantile import Estimate

Cell = str | Estimate
"""A text, or a statistic, which each writer shows with its interval in its own way."""
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under the names of their columns, of which the first `texts` are no numbers.

    A row may end early, where there is nothing more to say. `lead` explains the table.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    texts: int = 1
    lead: str = ""

    def only(self, kept: Callable[[str], bool]) -> "Table":
        """The table with those of its columns whose name is kept."""
        places = [place for place, name in enumerate(self.head) if kept(name)]
        return replace(
            self,
            head=tuple(self.head[place] for place in places),
            rows=tuple(tuple(row[n] for n in places if n < len(row)) for row in self.rows),
            texts=sum(place < self.texts for place in places),
        )
