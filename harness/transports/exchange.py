"""What a transport brings back: the request, all that came in answer, and when."""

from dataclasses import dataclass

from harness.errors import TransportError
from harness.wire import Request, Response

MAX_HEAD_BYTES = 65_536
MAX_FIELDS = 256
"""A head beyond these is refused: common servers and proxies send at most 8 to 32 KiB."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Bounds in seconds; each ends the exchange with a `TransportError` of its own kind.

    `first_byte` runs from the request's last byte to the response's first, `idle` between two
    reads of the body, `total` over the whole exchange. None waits for ever.
    """

    connect: float | None = 10.0
    first_byte: float | None = 60.0
    idle: float | None = 30.0
    total: float | None = 300.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what became of it.

    `sent_ns` is CLOCK_MONOTONIC; the times inside `response` count from it. `response` holds all
    that arrived, also when `error` says why it is not whole; it is None when no head arrived.
    `redirected` are the requests before this one, the caller's own first; no transport follows a
    redirect by itself.
    """

    request: Request
    sent_ns: int
    response: Response | None = None
    error: TransportError | None = None
    redirected: tuple[Request, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether a complete response arrived."""
        return self.error is None and self.response is not None
