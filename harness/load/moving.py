"""A line on standard error that moves while something goes on, on a terminal; nothing elsewhere."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class MovingLine(AbstractContextManager["MovingLine"]):
    """What is going on, how far it is of `total`, for how long, and a line about it.

    False where the console is no terminal, or nothing is wanted: then nothing moves.
    """

    def __init__(
        self, console: Console, title: str, *, total: float | None = None, wanted: bool = True
    ) -> None:
        self._console = console
        self._bar: Progress | None = None
        if console.is_terminal and wanted:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TimeElapsedColumn(),
                TextColumn("{task.fields[line]}", markup=False),
                console=console,
                transient=True,
            )
            self._task = self._bar.add_task(title, total=total, line="starting")

    def __bool__(self) -> bool:
        return self._bar is not None

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, line: str, *, done: float, total: float | None) -> None:
        """Show how far it is."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, line=line)

    def say(self, text: str) -> None:
        """A line that stays, above the one that moves."""
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)
