"""For how long a run waits, and so which clauses it can judge on a target."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contract.clause import Clause
from harness.contract.run.results import Results

if TYPE_CHECKING:
    from harness.settings import Target

SHORT_WINDOW_S = 2
WINDOWS = 12
"""So many windows of a declared limit pass, at most, while it is judged."""
LONGEST_WAIT_S = 5
"""The longest cache TTL, in seconds, that a run waits for on a real clock."""
LONGEST_WINDOW_S = 60
"""The longest rate-limit window, in seconds, that a run waits for on a real clock."""
MOST_IN_A_WINDOW = 30
"""The largest rate limit, in requests, that a run uses up to judge it: it takes twice as many."""


@dataclass(frozen=True, slots=True)
class RunClock:
    """A clock and how to wait on it; `free` is whether waiting costs nothing (a virtual clock)."""

    now_ns: Callable[[], int]
    sleep: Callable[[float], None]
    free: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """How long may be waited on a real clock beyond what every run waits, in seconds.

    `most` is the largest rate limit, in requests, that is used up to judge it.
    """

    wait_s: float = 0.0
    most: int = MOST_IN_A_WINDOW

    def bears(self, clause: Clause, target: "Target") -> bool:
        """Whether the wait that a clause needs on a real clock is bearable."""
        if clause.probe in ("rate", "hits"):
            limit = target.expectations.rate_limit
            longest_s = max(LONGEST_WINDOW_S, self.wait_s / WINDOWS)
            return limit is None or (limit.requests <= self.most and limit.seconds <= longest_s)
        return (target.expectations.cache_ttl or 0) <= max(LONGEST_WAIT_S, self.wait_s)


HASTY = Patience()
"""No longer than every run waits."""


def has_long_windows(target: "Target", clock: RunClock) -> bool:
    """Whether real time would pass in long windows of the rate limit."""
    limit = target.expectations.rate_limit
    return not clock.free and limit is not None and limit.seconds > SHORT_WINDOW_S


def lacks(
    clause: Clause,
    route: str,
    target: "Target",
    *,
    clock: RunClock,
    patience: Patience = Patience(),
) -> str | None:
    """Why a clause is not applicable to a route, in a word that names the setting."""
    if route not in target.routes:
        return "model"
    declared = target.expectations
    present = {
        "auth": bool(declared.auth and target.credentials.gateway_token),
        "cache": bool(declared.cache_ttl),
        "rate": declared.rate_limit is not None,
        "provider_key": target.credentials.provider_key is not None,
        "gateway_path": not target.address.custom_domain,
        "clock": clock.free or patience.bears(clause, target),
    }
    return next((need for need in clause.needs if not present[need]), None)


def note_lacking(
    ledger: Results,
    target: "Target",
    *,
    clock: RunClock,
    limited: "Target | None" = None,
    patience: Patience = HASTY,
) -> None:
    """Say of each entry what its clause lacks; one on the rate limit is judged on `limited`."""
    for entry in ledger.entries.values():
        judged = limited if limited is not None and "rate" in entry.clause.needs else target
        entry.lacks = lacks(entry.clause, entry.route, judged, clock=clock, patience=patience)
