"""What all connections of one server share: the model, the record of requests, the limits."""

import time
from dataclasses import dataclass

from harness.gateway import pages
from harness.gateway.handler import Handler
from harness.gateway.ledger import Ledger, Seen
from harness.wire import Request, Response


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one connection: bytes of a request's head and body, and seconds.

    `idle_s` between requests, `request_s` from a request's first byte to its last, `write_s` for a
    reader that takes nothing, `open_s` for an answer that never ends, `linger_s` for a client to
    close after the server did. Deadlines are looked at every `sweep_s`.
    """

    head_bytes: int = 65_536
    body_bytes: int = 104_857_600
    idle_s: float = 75.0
    request_s: float = 60.0
    write_s: float = 60.0
    open_s: float = 600.0
    linger_s: float = 2.0
    sweep_s: float = 1.0


class Service:
    """Gives the answer to a request and notes it; the model's time starts at 0 with the server."""

    def __init__(self, gateway: Handler, limits: Limits) -> None:
        self.gateway = gateway
        self.limits = limits
        self.ledger = Ledger()
        self._started_ns = time.monotonic_ns()

    def answer(self, request: Request, *, arrived_ns: int) -> tuple[Response, Seen | None]:
        """The answer, and the record to complete when it was sent; None for the server's own."""
        if pages.is_own(request):
            return pages.page(request, self.ledger), None
        response = self.gateway.handle(request, arrived_ns - self._started_ns)
        log = getattr(self.gateway, "log", None)
        seen = self.ledger.record(
            request, response, arrived_ns=arrived_ns, entry=log[-1] if log else None
        )
        return response, seen

    def refuse(self, status: int, reason: str) -> Response:
        """The answer to bytes that are no request."""
        self.ledger.refused += 1
        return pages.refusal(status, reason)
