"""The model and the record of what it was asked: what all connections of one server share."""

from collections.abc import Callable
from dataclasses import replace

from harness.gateway import pages
from harness.gateway.handler import Handler
from harness.gateway.ledger import RequestLog, Seen
from harness.gateway.log import LogEntry
from harness.wire import Request, Response


class Service:
    """Gives the answer to a request and notes it; the model's time is 0 at `started_ns`."""

    def __init__(self, gateway: Handler, *, started_ns: int) -> None:
        self.gateway = gateway
        self.ledger = RequestLog()
        self._started_ns = started_ns
        self._followed: dict[int, tuple[Seen, Callable[[int], None]]] = {}

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

    def follow(self, seen: Seen | None, hasten: Callable[[int], None]) -> None:
        """Have `hasten` told how much earlier an answer comes when another client has left."""
        if seen is not None and isinstance(seen.entry, LogEntry):
            self._followed[seen.entry.seq] = seen, hasten

    def ended(self, seen: Seen) -> None:
        """Take note that an answer has ended, or that its client is gone."""
        if isinstance(seen.entry, LogEntry):
            self._followed.pop(seen.entry.seq, None)

    def left(self, seen: Seen, *, left_ns: int) -> None:
        """Tell the model that a client left before its answer had ended, where it listens."""
        leave = getattr(self.gateway, "left", None)
        if leave is None or seen.entry is None:
            return
        for seq, by_ns in leave(seen.entry, left_ns - self._started_ns).items():
            if seq in self._followed:
                waiting, hasten = self._followed[seq]
                entry = waiting.entry
                if isinstance(entry, LogEntry):
                    waiting.entry = replace(entry, end_ns=entry.end_ns - by_ns)
                hasten(by_ns)

    def refuse(self, status: int, reason: str) -> Response:
        """The answer to bytes that are no request."""
        self.ledger.refused += 1
        return pages.refusal(status, reason)
