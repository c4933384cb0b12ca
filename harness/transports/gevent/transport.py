"""Sends requests over kept connections and brings back exchanges with kernel receive times."""

import contextlib
import math
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import gevent

from harness.errors import TransportError, TransportKind
from harness.transports.exchange import Exchange, Timeouts
from harness.transports.gevent.connection import Connection
from harness.transports.gevent.dial import Dialled, dial
from harness.transports.gevent.incoming import Held, Incoming, Listener
from harness.transports.gevent.outgoing import Origin, connect_request, origin_of, serialize
from harness.transports.gevent.reader import Reader
from harness.transports.gevent.stamps import Arrival
from harness.transports.gevent.tls import client_context
from harness.transports.network import Network, Proxy
from harness.wire import End, Request, Response

KEEP_ALIVE_NS = 3_000_000_000
"""A connection that was idle for longer is not used again: its end may be on the way. Servers give
up idle ones after 5 s and more (node.js 5 s, uvicorn 5 s, nginx 75 s)."""

_ENDS = {
    TransportKind.CUT: End.CUT,
    TransportKind.RESET: End.RESET,
    TransportKind.PROTOCOL: End.CUT,
}

Listen = Callable[[int], Listener]
"""Is called with `sent_ns` and gives the listener."""


@dataclass(slots=True)
class TransportCounts:
    """What transports did so far; `unstamped` reads had no time stamp of the kernel."""

    connections: int = 0
    reused: int = 0
    reads: int = 0
    unstamped: int = 0


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


class Reading(Protocol):
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

    def feed(self, arrivals: list[Arrival], *, plain: bool = False) -> None:
        """Bytes have arrived; `plain`: with them a usual answer that is framed by its length."""

    def end_of_stream(self) -> None:
        """The peer has closed its side as it should."""

    def keep_alive(self) -> str | None:
        """The value of the field Keep-Alive."""

    def release(self) -> None:
        """The conversation is over."""


class _Whole:
    """Reads an answer into a response."""

    def __init__(self, listen: Listen | None, held: Held, *, store: bool) -> None:
        self.incoming: Incoming | None = None
        self._listen = listen
        self._held = held
        self._store = store

    @property
    def complete(self) -> bool:
        return self.incoming is not None and self.incoming.complete

    @property
    def started(self) -> bool:
        return self.incoming is not None and self.incoming.started

    @property
    def reusable(self) -> bool:
        return self.incoming is not None and self.incoming.reusable

    @property
    def status(self) -> int | None:
        return None if self.incoming is None else self.incoming.status

    def begin(self, sent_ns: int) -> None:
        listener = None if self._listen is None else self._listen(sent_ns)
        self.incoming = Incoming(
            sent_ns=sent_ns, listener=listener, store=self._store, held=self._held
        )

    def feed(self, arrivals: list[Arrival], *, plain: bool = False) -> None:
        del plain
        if self.incoming is not None:
            for arrival in arrivals:
                self.incoming.feed(*arrival)

    def end_of_stream(self) -> None:
        if self.incoming is not None:
            self.incoming.end_of_stream()

    def keep_alive(self) -> str | None:
        headers = None if self.incoming is None else self.incoming.headers
        return None if headers is None else headers.get("keep-alive")

    def release(self) -> None:
        if self.incoming is not None:
            self.incoming.release()

    def response(self, talk: Conversation) -> Response | None:
        return None if self.incoming is None else self.incoming.response(talk.end, talk.ended_ns)


class GeventTransport:
    """Keeps connections per origin for the greenlets of one hub; nothing is ever sent twice.

    A request on a kept connection that the peer closes before it answers ends with an error,
    because the peer may have acted on it (RFC 9110, section 9.2.2). TLS is always verified. Several
    transports may share a `reader`, a TLS `context`, their `counts` and what their answers may
    hold. `network` is that of the environment unless given. Without `keep` every request has a
    connection of its own.
    """

    def __init__(
        self,
        *,
        reader: Reader | None = None,
        context: ssl.SSLContext | None = None,
        counts: TransportCounts | None = None,
        held: Held | None = None,
        network: Network | None = None,
        keep: bool = True,
    ) -> None:
        self._keep = keep
        self.counts = TransportCounts() if counts is None else counts
        self._reader = Reader() if reader is None else reader
        self._owns_reader = reader is None
        self._context = context
        self._held = Held() if held is None else held
        self._network = Network.of(os.environ) if network is None else network
        self._idle: dict[Origin, list[Connection]] = {}
        self._bounds = _Bounds.of(Timeouts())

    def close(self) -> None:
        """Close the idle connections, and the reader unless it was given."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()
        if self._owns_reader:
            self._reader.close()

    def send(
        self,
        request: Request,
        *,
        timeouts: Timeouts | None = None,
        listen: Listen | None = None,
        store: bool = True,
    ) -> Exchange:
        """The exchange, also a failed one: `error` says why and `response` holds what came.

        With `store` false the body goes to the listener only. A failure before the sending has the
        time of the attempt as `sent_ns`.
        """
        reading = _Whole(listen, self._held, store=store)
        talk = self.converse(self.message(request), timeouts or Timeouts(), reading)
        return Exchange(request, talk.sent_ns, reading.response(talk), talk.error)

    def message(self, request: Request) -> Message:
        """The bytes of a request; UsageError when it cannot be sent."""
        origin = origin_of(request.url)
        proxy = self._proxy(origin) if origin.scheme == "http" else None
        if proxy is None:
            return Message(origin, serialize(request, origin))
        data = serialize(
            request, origin, through_proxy=True, proxy_authorization=proxy.authorization
        )
        return Message(origin, data)

    def converse(
        self,
        message: Message,
        timeouts: Timeouts,
        reading: Reading,
        talk: Conversation | None = None,
    ) -> Conversation:
        """Send a message and have its answer read; a failure is in the result and never raised.

        A `talk` that was given is filled in while the message is under way.
        """
        talk = Conversation() if talk is None else talk
        talk.sent_ns = talk.left_ns = time.monotonic_ns()
        try:
            connection = self._take(message.origin, timeouts, talk)
        except TransportError as error:
            talk.error, talk.ended_ns = error, time.monotonic_ns()
            return talk
        if self._bounds.given is not timeouts:
            self._bounds = _Bounds.of(timeouts)
        attempt = _Attempt(connection, self._bounds, talk, reading)
        try:
            attempt.run(message.data)
            if reading.status == 407 and message.origin.scheme == "http":
                proxy = self._proxy(message.origin)
                talk.error = talk.error if proxy is None else proxy.refused("407")
        finally:
            self._end(message.origin, connection, talk, reusable=attempt.reusable)
            reading.release()
        return talk

    def _take(self, origin: Origin, bounds: Timeouts, talk: Conversation) -> Connection:
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.unpark(KEEP_ALIVE_NS):
                self.counts.reused += 1
                talk.reused = True
                return connection
            connection.close()
        connection = self._open(origin, bounds, talk)
        self.counts.connections += 1
        return connection

    def _end(
        self, origin: Origin, connection: Connection, talk: Conversation, *, reusable: bool
    ) -> None:
        counts = self.counts
        counts.reads += connection.reads
        counts.unstamped += connection.unstamped
        connection.reads = connection.unstamped = 0
        if connection.fileno() >= 0:
            talk.rtt_ns, talk.retransmits = connection.network()
        if not (reusable and self._keep):
            connection.close()
            return
        connection.park()
        self._idle.setdefault(origin, []).append(connection)

    def _proxy(self, origin: Origin) -> Proxy | None:
        return self._network.proxy_for(origin.scheme, origin.host, origin.port)

    def _open(self, origin: Origin, bounds: Timeouts, talk: Conversation) -> Connection:
        """A new connection, through a tunnel where a proxy asks for one, with TLS where due."""
        expiry = gevent.Timeout.start_new(bounds.connect)
        try:
            return self._connect(origin, talk)
        except gevent.Timeout as expired:
            if expired is not expiry:
                raise
            proxy = self._proxy(origin)
            way = "" if proxy is None else f" through {proxy}"
            raise TransportError(
                TransportKind.CONNECT_TIMEOUT,
                f"{origin.authority} gave no connection within {bounds.connect:g} s{way}",
            ) from expired
        finally:
            expiry.close()

    def _dial(self, origin: Origin, proxy: Proxy | None) -> Dialled:
        """A connection within what this process may open, for its records need some of that."""
        reader = self._reader
        if reader.open >= reader.most_open:
            raise TransportError(
                TransportKind.CLIENT_LIMIT,
                f"{reader.open} connections are all that this process may open (ulimit -n)",
            )
        reader.open += 1
        try:
            return dial(origin.host, origin.port) if proxy is None else _dial_proxy(proxy)
        except BaseException:
            reader.open -= 1
            raise

    def _connect(self, origin: Origin, talk: Conversation) -> Connection:
        proxy = self._proxy(origin)
        dialled = self._dial(origin, proxy)
        talk.dns_ns, talk.connect_ns = dialled.dns_ns, dialled.connect_ns
        connection = Connection(dialled.sock, reader=self._reader)
        ready = False
        try:
            if proxy is not None and proxy.scheme == "https":
                _secure(connection, self._trusting(), proxy)
            if origin.scheme == "https":
                if proxy is not None:
                    _tunnel(connection, origin, proxy)
                started_ns = time.monotonic_ns()
                connection.start_tls(self._trusting(), origin.host)
                talk.tls_ns = time.monotonic_ns() - started_ns
            ready = True
        except OSError as error:
            kind = TransportKind.TLS if origin.scheme == "https" else TransportKind.RESET
            raise TransportError(kind, f"{origin.authority} broke off: {error}") from error
        finally:
            if not ready:
                connection.close()
        return connection

    def _trusting(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = client_context(self._network)
        return self._context


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The timeouts that were given, in nanoseconds; infinite where there is none."""

    given: Timeouts
    first_byte: float
    idle: float
    total: float

    @classmethod
    def of(cls, given: Timeouts) -> "_Bounds":
        """The bounds of these timeouts."""
        each = (given.first_byte, given.idle, given.total)
        return cls(given, *(math.inf if one is None else int(one * 1e9) for one in each))


class _Attempt:
    """One message on one connection."""

    __slots__ = ("_bounds", "_connection", "_reading", "_talk", "_unsent", "reusable")

    def __init__(
        self, connection: Connection, bounds: _Bounds, talk: Conversation, reading: Reading
    ) -> None:
        self.reusable = False
        self._connection = connection
        self._bounds = bounds
        self._talk = talk
        self._reading = reading
        self._unsent: OSError | None = None

    def run(self, data: bytes) -> None:
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


def _dial_proxy(proxy: Proxy) -> Dialled:
    """A connection to the proxy; a proxy that is down is no fault of the target."""
    try:
        return dial(proxy.host, proxy.port)
    except TransportError as error:
        if error.kind is TransportKind.CLIENT_LIMIT:
            raise
        raise proxy.down(error) from error


def _secure(connection: Connection, context: ssl.SSLContext, proxy: Proxy) -> None:
    """Speak TLS with the proxy itself."""
    try:
        connection.start_tls(context, proxy.host)
    except (TransportError, OSError) as error:
        raise proxy.down(error) from error


def _tunnel(connection: Connection, origin: Origin, proxy: Proxy) -> None:
    """Have the proxy pass everything on to `origin`."""
    connection.write(connect_request(origin, proxy.authorization), None)
    answer = b""
    while b"\r\n\r\n" not in answer:
        arrivals = connection.receive()
        answer += b"".join(arrival.data for arrival in arrivals)
        if not arrivals or len(answer) > 65_536:
            raise proxy.down("it hung up on CONNECT")
    status_line = answer.partition(b"\r\n")[0].decode("latin-1")
    if status_line.split(" ")[1:2] != ["200"]:
        raise proxy.refused(status_line.partition(" ")[2])
