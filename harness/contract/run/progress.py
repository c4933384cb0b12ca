"""How far a contract run is, for whoever watches it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A moment of a run.

    `requests` of `budget` were sent (None: no cap), `broken` are the clauses that failed so far.
    `seconds_left` is the time that the run may still take, None where time is not real. `waiting`
    says what is waited for, with `waiting_s` left of it; `stopping` is set after Ctrl-C.
    """

    requests: int
    budget: int | None
    broken: tuple[str, ...] = ()
    seconds_left: float | None = None
    waiting: str = ""
    waiting_s: float = 0.0
    stopping: bool = False


Watch = Callable[[RunProgress], None]
