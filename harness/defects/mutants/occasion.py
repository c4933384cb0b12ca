"""When a generated defect shows: on which route, and under which condition."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.gateway.call import Arrival
from harness.wire import Response

ROUTES = ("all", "native", "compat", "model")
LARGE_REQUEST, LARGE_ANSWER = 1024, 2048
"""Bytes above which a body counts as large."""


def asked(arrival: Arrival) -> Mapping[str, Any]:
    """The request's body as an object; empty when it is none."""
    try:
        document = json.loads(arrival.request.body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def route_of(arrival: Arrival) -> str:
    """The route that the path addresses; native when it addresses none of the other two."""
    path = arrival.request.path
    return "compat" if "/compat/" in path else "model" if "/model/" in path else "native"


def _streams(arrival: Arrival) -> bool:
    return asked(arrival).get("stream") is True


REQUESTS: Mapping[str, Callable[[Arrival], bool]] = {
    "always": lambda _: True,
    "streams": _streams,
    "plain": lambda arrival: not _streams(arrival),
    "large-request": lambda arrival: len(arrival.request.body) > LARGE_REQUEST,
    "with-tools": lambda arrival: "tools" in asked(arrival),
    "non-ascii": lambda arrival: not json.dumps(asked(arrival), ensure_ascii=False).isascii(),
    "every-3": lambda _: True,
    "every-5": lambda _: True,
}
"""Conditions that a request alone decides, besides how many there were before it."""
ANSWERS = (*REQUESTS, "large-answer", "after-error", "in-company")
"""Conditions of a defect of the answer."""


@dataclass(slots=True)
class Occasion:
    """Says for each request of one gateway whether the defect shows on it."""

    route: str
    condition: str
    _failed: bool = False
    _busy_until_ns: int = -1
    _count: int = 0
    _turns: dict[int, bool] = field(default_factory=dict)

    def holds(self, arrival: Arrival, response: Response | None = None) -> bool:
        """Whether route and condition fit, however often they did before."""
        if self.route not in ("all", route_of(arrival)):
            return False
        if self.condition == "after-error":
            return self._failed
        if self.condition == "in-company":
            return arrival.at_ns < self._busy_until_ns
        if self.condition == "large-answer":
            return response is not None and len(response.body) > LARGE_ANSWER
        return REQUESTS[self.condition](arrival)

    def turn(self, arrival: Arrival) -> bool:
        """Whether it is the turn of a request on which the defect could show; asked once each."""
        if arrival.serial not in self._turns:
            self._count += 1
            every = int(self.condition.partition("every-")[2] or 1)
            self._turns[arrival.serial] = self._count % every == 0
        return self._turns[arrival.serial]

    def shows(self, arrival: Arrival) -> bool:
        """Whether a defect of a decision shows on a request."""
        return self.holds(arrival) and self.turn(arrival)

    def note(self, arrival: Arrival, response: Response) -> None:
        """Remember an answer for the requests after it."""
        self._failed = response.status >= 400
        self._busy_until_ns = max(self._busy_until_ns, arrival.at_ns + response.end_at_ns)
