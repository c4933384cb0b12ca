"""The table of the bars: one row each, printed as soon as it is known."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

HEAD = ("what", "ours", "peers", "ratio", "bar", "met")
WIDTHS = (44, 12, 40, 22, 28, 6)


@dataclass(frozen=True, slots=True)
class Row:
    """One bar; `met` is None where nothing could be judged, and a note says why."""

    what: str
    ours: str = "-"
    peers: str = "-"
    ratio: str = "-"
    bar: str = "-"
    met: bool | None = None
    notes: tuple[str, ...] = ()


def under(
    what: str, values: Sequence[float], limit: float, *, unit: str = "ms", peers: str = "-"
) -> Row:
    """A row whose bar is an upper limit on the median of the rounds."""
    value = median(values)
    ratio = f"{value / limit:.2f} of the bar"
    return Row(what, f"{value:.3g} {unit}", peers, ratio, f"< {limit:g} {unit}", value < limit)


def unknown(what: str, reason: str) -> Row:
    """A row that could not be measured."""
    return Row(what, notes=(reason,))


def show_head() -> None:
    """Print the names of the columns."""
    _line(HEAD)
    _line(tuple("-" * width for width in WIDTHS))


def show(row: Row) -> None:
    """Print one row, and under it what else is worth to know."""
    met = {True: "yes", False: "NO", None: "?"}[row.met]
    _line((row.what, row.ours, row.peers, row.ratio, row.bar, met))
    for note in row.notes:
        sys.stdout.write(f"    {note}\n")
    sys.stdout.flush()


def exit_code(rows: Iterable[Row]) -> int:
    """0 when every bar is met; a bar that could not be measured is not met."""
    return 0 if all(row.met for row in rows) else 1


def spread(values: Sequence[float], form: str = ".3g") -> str:
    """The figures of all rounds, for a note."""
    return " ".join(f"{value:{form}}" for value in values)


def _line(cells: Sequence[str]) -> None:
    padded = (cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True))
    sys.stdout.write(" ".join(padded).rstrip() + "\n")
    sys.stdout.flush()
