"""What a defect is: a named way to break the contract, wrapped around the model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.gateway.call import Arrival, Call
from harness.gateway.rules import Rules
from harness.wire import Response

LEFT = "a client has left"
"""What a gateway's memory holds when a client left before the end of its answer."""


@dataclass(frozen=True, slots=True)
class Served:
    """One request and the answer that it was about to get.

    `call` is None when the gateway refused before it knew what the path addresses. `memory` belongs
    to one gateway and lives as long: where a defect keeps what it saw earlier.
    """

    arrival: Arrival
    call: Call | None
    response: Response
    memory: dict[str, Any]

    @property
    def streamed(self) -> bool:
        """Whether the answer is a successful event stream."""
        return self.response.status == 200 and self.response.media_type == "text/event-stream"

    @property
    def completed(self) -> bool:
        """Whether the answer is a successful plain chat completion."""
        chat = self.call is not None and self.call.target.route in ("native", "compat")
        plain = self.response.media_type == "application/json"
        return chat and plain and self.response.status == 200


def _as_it_is(served: Served) -> Response:
    return served.response


def _as_they_are(rules: Rules) -> Rules:
    return rules


@dataclass(frozen=True, slots=True)
class Defect:
    """One way to break the contract.

    `catalogue` is the entry it comes from (such as T04) or "own"; `group` is its class letter or
    cache, auth, rate. `needs` names what the gateway must have for it to be seen: auth, cache,
    rate_limit. `shown_by` says which requests show it. `socket_only` defects need a real
    connection. `upstream_only` ones no client can see: the stand-in's log shows them.
    """

    name: str
    catalogue: str
    group: str
    statement: str
    shown_by: str
    source: str
    respond: Callable[[Served], Response] = _as_it_is
    rules: Callable[[Rules], Rules] = _as_they_are
    needs: frozenset[str] = frozenset()
    rare: bool = False
    socket_only: bool = False
    upstream_only: bool = False


def defect(
    name: str,
    catalogue: str,
    statement: str,
    shown_by: str,
    respond: Callable[[Served], Response],
    *,
    source: str = "constructed",
    group: str = "",
    needs: tuple[str, ...] = (),
) -> Defect:
    """A defect of the answer; its class is the catalogue entry's letter unless `group` says so."""
    return Defect(
        name=name,
        catalogue=catalogue,
        group=group or catalogue[0],
        statement=statement,
        shown_by=shown_by,
        source=source,
        respond=respond,
        needs=frozenset(needs),
    )
