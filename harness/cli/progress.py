"""The live view of a contract run on standard error: a line that moves, or one now and then."""

import time
from collections.abc import Callable
from typing import Any, Self

import click
from rich.console import Console

from harness.contract.run.progress import RunProgress
from harness.load.moving import MovingLine

LINE_EVERY_S = 30.0
NAMED = 3
"""So many broken clauses are named."""
WORTH_SAYING_S = 1.0
"""A shorter wait is not told."""


class VerifyDisplay:
    """Shows how far a run is while it is open; call it with each new `RunProgress`.

    `now` is a clock in seconds. `quiet` leaves only the word that a run is being stopped.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        console: Console | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quiet = quiet
        self._now = now
        self._printed_s = now()
        self._moving = MovingLine(console or Console(stderr=True), "verify", wanted=not quiet)

    def __enter__(self) -> Self:
        self._moving.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._moving.__exit__(*error)

    def __call__(self, progress: RunProgress) -> None:
        if progress.stopping:
            self._say("stopping; again to quit now")
        elif self._moving:
            self._moving.show(line(progress), done=progress.requests, total=progress.budget)
        elif not self._quiet and self._now() - self._printed_s >= LINE_EVERY_S:
            self._printed_s = self._now()
            self._say(f"verify: {line(progress)}")

    def _say(self, text: str) -> None:
        if self._moving:
            self._moving.say(text)
        else:
            click.echo(text, err=True)


def line(progress: RunProgress) -> str:
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
