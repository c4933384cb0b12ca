"""What is under test, in the words of the contract: address, credentials, what is declared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.contract.clause import Clause
from harness.routes.address import Address, Credentials
from harness.routes.route import routes_for
from harness.transports.exchange import Exchange, Timeouts
from harness.wire import Headers, Request


class Transport(Protocol):
    """Sends one request and brings back the exchange; never raises for what the target does."""

    def send(self, request: Request, *, timeouts: Timeouts | None = None) -> Exchange:
        """The whole exchange."""
        ...


@dataclass(frozen=True, slots=True)
class RunClock:
    """A clock and how to wait on it; `free` is whether waiting costs nothing (a virtual clock)."""

    now_ns: Callable[[], int]
    sleep: Callable[[float], None]
    free: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """One gateway under test.

    `auth`, `cache_ttl` (seconds) and `rate_limit` (requests, seconds) are what is declared about
    it; None is not declared. `headers` go with every request. `model_input` are bodies that the
    dedicated model takes; without any it is asked as a text model, with a prompt and a limit.
    `wait_s` is how long may be waited on a real clock beyond what every run waits, and `most` the
    largest rate limit that is used up to judge it.
    """

    address: Address
    credentials: Credentials
    model: str
    model_id: str | None
    headers: Headers = field(default_factory=Headers)
    auth: bool | None = None
    cache_ttl: int | None = None
    rate_limit: tuple[int, int] | None = None
    model_input: tuple[Mapping[str, Any], ...] = ()
    wait_s: float = 0.0
    most: int | None = None

    @property
    def routes(self) -> tuple[str, ...]:
        """The routes that can be asked."""
        return routes_for(self.model_id)

    def has_long_windows(self, clock: RunClock) -> bool:
        """Whether real time would pass in long windows of the rate limit."""
        limit = self.rate_limit
        return not clock.free and limit is not None and limit[1] > SHORT_WINDOW_S

    def lacks(self, clause: Clause, route: str, *, clock: RunClock) -> str | None:
        """Why the clause is not applicable to the route, in a word that names the setting."""
        if route not in self.routes:
            return "model"
        present = {
            "auth": bool(self.auth and self.credentials.gateway_token),
            "cache": bool(self.cache_ttl),
            "rate": self.rate_limit is not None,
            "provider_key": self.credentials.provider_key is not None,
            "gateway_path": not self.address.custom_domain,
            "clock": clock.free or self._waits_are_short(clause),
        }
        return next((need for need in clause.needs if not present[need]), None)

    def _waits_are_short(self, clause: Clause) -> bool:
        """Whether the wait that the clause needs on a real clock is bearable."""
        if clause.probe in ("rate", "hits"):
            requests, seconds = self.rate_limit or (0, 0)
            most = MOST_IN_A_WINDOW if self.most is None else self.most
            return requests <= most and seconds <= max(LONGEST_WINDOW_S, self.wait_s / WINDOWS)
        return (self.cache_ttl or 0) <= max(LONGEST_WAIT_S, self.wait_s)


SHORT_WINDOW_S = 2
WINDOWS = 12
"""So many windows of a declared limit pass, at most, while it is judged."""
LONGEST_WAIT_S = 5
"""The longest cache TTL, in seconds, that a run waits for on a real clock."""
LONGEST_WINDOW_S = 60
"""The longest rate-limit window, in seconds, that a run waits for on a real clock."""
MOST_IN_A_WINDOW = 30
"""The largest rate limit, in requests, that a run uses up to judge it: it takes twice as many."""
