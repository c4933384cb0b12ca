"""What the two faces need of the thing behind them."""

from typing import Protocol

from harness.wire import Request, Response


class Handler(Protocol):
    """Answers one request, as `harness.gateway.model.Gateway` does.

    `at_ns` never decreases between calls. The response's times count from the request's arrival. A
    `log` attribute, where there is one, is a list whose last item describes the request just seen;
    a `left` method, where there is one, is called with that item and the time when a client leaves
    before its answer has ended, and says by how many nanoseconds the answers to others, by the
    `seq` of their items, come earlier.
    """

    def handle(self, request: Request, at_ns: int) -> Response:
        """The whole answer, as data."""
        ...
