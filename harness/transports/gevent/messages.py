"""One message on one connection: written, and its answer read, within the time that is given."""

import contextlib
import math
import time
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import gevent

from harness.errors import TransportError, TransportKind
from harness.transports.exchange import Timeouts
from harness.transports.gevent.connection import Connection
from harness.transports.gevent.outgoing import Origin
from harness.transports.gevent.stamps import StampedRead
from harness.wire import End

_ENDS = {
    TransportKind.CUT: End.CUT,
    TransportKind.RESET: End.RESET,
    TransportKind.PROTOCOL: End.CUT,
}


class Message(NamedTuple):
    """A request as the bytes that go on the wire, and where to."""

    origin: Origin
    data: bytes


@dataclass(slots=True)
class Conversation:
    """One message under way, and in the end what became of it; times are CLOCK_MONOTONIC.

    The message left between `sent_ns` and `left_ns`. `ended_ns` is when an error was met, else 0.
    `dns_ns`, `connect_ns` and `tls_ns` are durations, None on a reused connection.
    """

    sent_ns: int = 0
    left_ns: int = 0
    error: TransportError | None = None
    ended_ns: int = 0
    reused: bool = False
    dns_ns: int | None = None
    connect_ns: int | None = None
    tls_ns: int | None = None
    rtt_ns: int | None = None
    retransmits: int | None = None

    @property
    def end(self) -> End:
        """How the answer ended."""
        return End.COMPLETE if self.error is None else _ENDS.get(self.error.kind, End.OPEN)


class ResponseReader(Protocol):
    """Whoever reads an answer: told when the message has left, then of what arrives.

    Any method may raise a TransportError, which ends the conversation.
    """

    @property
    def complete(self) -> bool:
        """Whether the answer has ended."""

    @property
    def started(self) -> bool:
        """Whether the head of a final response has arrived."""

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request after this answer."""

    @property
    def status(self) -> int | None:
        """The status of an answer that was parsed, as every error is."""

    def begin(self, sent_ns: int) -> None:
        """The message has left."""

    def feed(self, arrivals: list[StampedRead], *, plain: bool = False) -> None:
        """Bytes have arrived; `plain`: with them a usual answer that is framed by its length."""

    def end_of_stream(self) -> None:
        """The peer has closed its side as it should."""

    def keep_alive(self) -> str | None:
        """The value of the field Keep-Alive."""

    def release(self) -> None:
        """The conversation is over."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The timeouts that were given, in nanoseconds; infinite where there is none."""

    given: Timeouts
    first_byte: float
    idle: float
    total: float

    @classmethod
    def of(cls, given: Timeouts) -> "Deadlines":
        """The bounds of these timeouts."""
        each = (given.first_byte, given.idle, given.total)
        return cls(given, *(math.inf if one is None else int(one * 1e9) for one in each))


class MessageExchange:
    """One message on one connection; afterwards `reusable` tells whether it may carry another."""

    __slots__ = ("_bounds", "_connection", "_reading", "_talk", "_unsent", "reusable")

    def __init__(
        self, connection: Connection, bounds: Deadlines, talk: Conversation, reading: ResponseReader
    ) -> None:
        self.reusable = False
        self._connection = connection
        self._bounds = bounds
        self._talk = talk
        self._reading = reading
        self._unsent: OSError | None = None

    def run(self, data: bytes) -> None:
        """Write the message and have its answer read; how it ended is noted in the conversation."""
        talk, connection = self._talk, self._connection
        try:
            talk.sent_ns, talk.left_ns = connection.write(data, self._bounds.given.idle)
        except OSError as error:
            # The peer may have answered, such as 413, and closed before it took the whole body.
            self._unsent = error
            talk.sent_ns = talk.left_ns = time.monotonic_ns()
        self._reading.begin(talk.sent_ns)
        try:
            self._receive()
        except TransportError as error:
            talk.error = error
            talk.ended_ns = time.monotonic_ns()
            return
        except gevent.GreenletExit:
            with contextlib.suppress(TransportError):
                self._reading.feed(connection.rest())
            raise
        connection.requests += 1
        self.reusable = self._unsent is None and self._reading.reusable
        if self.reusable:
            connection.longest_idle_ns = _idle_bound(self._reading.keep_alive())

    def _receive(self) -> None:
        connection, reading = self._connection, self._reading
        connection.last_read_ns = None
        while not reading.complete:
            arrivals = connection.receive(self._deadline()[0])
            if arrivals:
                reading.feed(arrivals, plain=connection.plain)
            elif not self._ended():
                self._check_deadline()

    def _ended(self) -> bool:
        """Whether the peer's end has come and completes the answer; raises when it cuts it."""
        end = self._connection.end
        if end is None:
            return False
        if end is End.COMPLETE:
            self._reading.end_of_stream()
        if not self._reading.complete:
            raise self._broken(TransportKind.RESET if end is End.RESET else TransportKind.CUT)
        return True

    def _check_deadline(self) -> None:
        """Raise when the deadline has passed; reads since it was set have moved it."""
        deadline_ns, kind = self._deadline()
        if time.monotonic_ns() >= deadline_ns:
            raise TransportError(kind, _SILENT[kind].format(self._bounds.given))

    def _deadline(self) -> tuple[float, TransportKind]:
        """When silence has lasted too long, or the answer altogether."""
        last_read_ns, bounds = self._connection.last_read_ns, self._bounds
        total_ns = self._talk.sent_ns + bounds.total
        if last_read_ns is None:
            silent_ns, kind = self._talk.sent_ns + bounds.first_byte, FIRST_BYTE
        else:
            silent_ns, kind = last_read_ns + bounds.idle, IDLE
        return (silent_ns, kind) if silent_ns <= total_ns else (total_ns, TOTAL)

    def _broken(self, kind: TransportKind) -> TransportError:
        how = "reset" if kind is TransportKind.RESET else "closed"
        if self._reading.started:
            return TransportError(kind, f"the connection was {how} in the middle of the answer")
        if self._unsent is not None:
            return TransportError(
                TransportKind.SEND, f"the request could not be sent: {self._unsent}"
            )
        kept = "kept " if self._connection.requests else ""
        return TransportError(kind, f"the {kept}connection was {how} before an answer came")


FIRST_BYTE = TransportKind.FIRST_BYTE_TIMEOUT
IDLE = TransportKind.IDLE_TIMEOUT
TOTAL = TransportKind.TOTAL_TIMEOUT
_SILENT = {
    TransportKind.FIRST_BYTE_TIMEOUT: "no byte of an answer within {0.first_byte:g} s",
    TransportKind.IDLE_TIMEOUT: "the answer stopped: nothing for {0.idle:g} s",
    TransportKind.TOTAL_TIMEOUT: "the answer was not complete within {0.total:g} s",
}


def _idle_bound(keep_alive: str | None) -> int | None:
    """Half of what the server says it keeps an idle connection (`Keep-Alive: timeout=5`)."""
    if keep_alive is None:
        return None
    for part in keep_alive.split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "timeout" and value.isdigit() and len(value) < 10:
            return int(value) * 500_000_000
    return None
