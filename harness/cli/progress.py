"""The live view of a contract run on standard error: a line that moves, or one now and then."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from harness.contract.progress import Progress

LINE_EVERY_S = 30.0
NAMED = 3
"""So many broken clauses are named."""
WORTH_SAYING_S = 1.0
"""A shorter wait is not told."""


class Display:
    """Shows how far a run is while it is open; call it with each new `Progress`.

    `now` is a clock in seconds. `quiet` leaves only the word that a run is being stopped.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        console: Console | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console or Console(stderr=True)
        self._quiet = quiet
        self._now = now
        self._printed_s = now()
        self._bar: Bar | None = None
        if self._console.is_terminal and not quiet:
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TimeElapsedColumn(),
                TextColumn("{task.fields[line]}", markup=False),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task("verify", total=None, line="starting")

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

    def __call__(self, progress: Progress) -> None:
        if progress.stopping:
            self._say("stopping; again to quit now")
        elif self._bar is not None:
            done, most = progress.requests, progress.budget
            self._bar.update(self._task, completed=done, total=most, line=line(progress))
        elif not self._quiet and self._now() - self._printed_s >= LINE_EVERY_S:
            self._printed_s = self._now()
            self._say(f"verify: {line(progress)}")

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._console.print(text, highlight=False, soft_wrap=True, markup=False)
        else:
            click.echo(text, err=True)


def line(progress: Progress) -> str:
    """Requests of the budget, what is broken so far, what is waited for, the time that is left."""
    of = "" if progress.budget is None else f" of at most {progress.budget}"
    parts = [f"{progress.requests}{of} requests", _broken(progress.broken)]
    if progress.waiting and progress.waiting_s >= WORTH_SAYING_S:
        parts.append(f"waiting {progress.waiting_s:.0f} s for {progress.waiting}")
    if progress.seconds_left is not None:
        parts.append(f"at most {progress.seconds_left:.0f} s left")
    return " · ".join(parts)


def _broken(clauses: tuple[str, ...]) -> str:
    if not clauses:
        return "nothing broken so far"
    more = f" and {len(clauses) - NAMED} more" if len(clauses) > NAMED else ""
    return f"broken so far: {', '.join(clauses[:NAMED])}{more}"
