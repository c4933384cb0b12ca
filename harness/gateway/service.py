"""The model and the record of what it was asked: what all connections of one server share."""

from harness.gateway import pages
from harness.gateway.handler import Handler
from harness.gateway.ledger import Ledger, Seen
from harness.wire import Request, Response


class Service:
    """Gives the answer to a request and notes it; the model's time is 0 at `started_ns`."""

    def __init__(self, gateway: Handler, *, started_ns: int) -> None:
        self.gateway = gateway
        self.ledger = Ledger()
        self._started_ns = started_ns

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

    def left(self) -> None:
        """Tell the model that a client left before its answer had ended, where it listens."""
        leave = getattr(self.gateway, "left", None)
        if leave is not None:
            leave()

    def refuse(self, status: int, reason: str) -> Response:
        """The answer to bytes that are no request."""
        self.ledger.refused += 1
        return pages.refusal(status, reason)
