"""One answer on its way out: what an edit from outside is given."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.gateway.call import Arrival, Call
from harness.wire import Response

LEFT = "a client has left"
"""What a gateway's memory holds when a client left before the end of its answer."""


@dataclass(frozen=True, slots=True)
class Served:
    """One request and the answer that it was about to get.

    `call` is None when the gateway refused before it knew what the path addresses. `memory` belongs
    to one gateway and lives as long: where an edit keeps what it saw earlier.
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


Edit = Callable[[Served], Response]
"""An answer in place of the one that was about to be given."""
Before = Callable[[Arrival], Response | None]
"""An answer in place of the gateway, which then never sees the request; None lets it in."""


def unchanged(served: Served) -> Response:
    """The edit that changes nothing."""
    return served.response


def let_in(_: Arrival) -> Response | None:
    """Every request reaches the gateway."""
    return None
