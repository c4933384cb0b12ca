"""Sends requests over kept connections and brings back exchanges with kernel receive times."""

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import gevent

from harness.errors import TransportError, TransportKind
from harness.transports.exchange import Exchange, Timeouts
from harness.transports.gevent.connection import Connection
from harness.transports.gevent.dial import dial
from harness.transports.gevent.incoming import Incoming, Listener
from harness.transports.gevent.outgoing import Origin, connect_request, origin_of, serialize
from harness.transports.gevent.proxy import Proxy, environment_proxies, proxy_for
from harness.transports.gevent.reader import Reader
from harness.transports.gevent.stamps import Clock
from harness.transports.gevent.tls import client_context
from harness.wire import End, Request

KEEP_ALIVE_NS = 30_000_000_000
"""A connection that was idle for longer is not used again: its end may be on the way."""

_ENDS = {
    TransportKind.CUT: End.CUT,
    TransportKind.RESET: End.RESET,
    TransportKind.PROTOCOL: End.CUT,
}


@dataclass(slots=True)
class TransportCounts:
    """What transports did so far; `unstamped` reads had no time stamp of the kernel."""

    connections: int = 0
    reused: int = 0
    reads: int = 0
    unstamped: int = 0
    connect_ns: int = 0


class GeventTransport:
    """Keeps connections per origin for the greenlets of one hub; nothing is ever sent twice.

    A request on a kept connection that the peer closes before it answers ends with an error,
    because the peer may have acted on it (RFC 9110, section 9.2.2). TLS is always verified. Several
    transports may share a `reader`, a TLS `context` and their `counts`. `proxies` are those of the
    environment unless given.
    """

    def __init__(
        self,
        *,
        reader: Reader | None = None,
        context: ssl.SSLContext | None = None,
        counts: TransportCounts | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> None:
        self.counts = TransportCounts() if counts is None else counts
        self._reader = Reader() if reader is None else reader
        self._owns_reader = reader is None
        self._context = context
        self._clock = Clock()
        self._proxies = environment_proxies() if proxies is None else proxies
        self._idle: dict[Origin, list[Connection]] = {}

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
        listen: Callable[[int], Listener] | None = None,
        store: bool = True,
    ) -> Exchange:
        """The exchange, also a failed one: `error` says why and `response` holds what came.

        `listen` is called with `sent_ns` and gives the listener. With `store` false the body goes
        to the listener only. A failure before the sending has the time of the attempt as `sent_ns`.
        """
        bounds = timeouts or Timeouts()
        started_ns = time.monotonic_ns()
        origin = origin_of(request.url)
        try:
            connection = self._take_idle(origin) or self._open(origin, bounds)
        except TransportError as error:
            return Exchange(request, started_ns, None, error)
        attempt = _Attempt(connection, bounds, started_ns, self.counts)
        try:
            proxy = self._proxy(origin) if origin.scheme == "http" else None
            return attempt.run(request, _on_wire(request, origin, proxy), listen, store=store)
        finally:
            self._put_back(origin, connection, reusable=attempt.reusable)

    def _take_idle(self, origin: Origin) -> Connection | None:
        idle = self._idle.get(origin, [])
        while idle:
            connection = idle.pop()
            if connection.unpark(KEEP_ALIVE_NS):
                self.counts.reused += 1
                return connection
            connection.close()
        return None

    def _put_back(self, origin: Origin, connection: Connection, *, reusable: bool) -> None:
        if not reusable:
            connection.close()
            return
        connection.park()
        self._idle.setdefault(origin, []).append(connection)

    def _proxy(self, origin: Origin) -> Proxy | None:
        return proxy_for(origin.scheme, origin.host, origin.port, self._proxies)

    def _open(self, origin: Origin, bounds: Timeouts) -> Connection:
        """A new connection, through a tunnel where a proxy asks for one, with TLS where due."""
        started_ns = time.monotonic_ns()
        expiry = gevent.Timeout.start_new(bounds.connect)
        try:
            connection = self._connect(origin)
        except gevent.Timeout as expired:
            if expired is not expiry:
                raise
            raise TransportError(
                TransportKind.CONNECT_TIMEOUT,
                f"{origin.authority} gave no connection within {bounds.connect:g} s",
            ) from expired
        finally:
            expiry.close()
        self.counts.connections += 1
        self.counts.connect_ns += time.monotonic_ns() - started_ns
        return connection

    def _connect(self, origin: Origin) -> Connection:
        proxy = self._proxy(origin)
        host, port = (origin.host, origin.port) if proxy is None else (proxy.host, proxy.port)
        connection = Connection(dial(host, port), reader=self._reader, clock=self._clock)
        ready = False
        try:
            if origin.scheme == "https":
                if proxy is not None:
                    _tunnel(connection, origin, proxy)
                if self._context is None:
                    self._context = client_context()
                connection.start_tls(self._context, origin.host)
            ready = True
        except OSError as error:
            kind = TransportKind.TLS if origin.scheme == "https" else TransportKind.RESET
            raise TransportError(kind, f"{origin.authority} broke off: {error}") from error
        finally:
            if not ready:
                connection.close()
        return connection


class _Attempt:
    """One request on one connection."""

    def __init__(
        self, connection: Connection, bounds: Timeouts, started_ns: int, counts: TransportCounts
    ) -> None:
        self.reusable = False
        self._connection = connection
        self._bounds = bounds
        self._total_ns = _after(started_ns, bounds.total)
        self._counts = counts
        self._unsent: OSError | None = None

    def run(
        self,
        request: Request,
        data: bytes,
        listen: Callable[[int], Listener] | None,
        *,
        store: bool,
    ) -> Exchange:
        sent_ns = self._write(data)
        incoming = Incoming(sent_ns=sent_ns, listener=listen and listen(sent_ns), store=store)
        try:
            self._receive(incoming, sent_ns)
        except TransportError as error:
            end = _ENDS.get(error.kind, End.OPEN)
            response = incoming.response(end, time.monotonic_ns())
            return Exchange(request, sent_ns, response, error)
        self._connection.requests += 1
        self.reusable = incoming.reusable and self._unsent is None
        return Exchange(request, sent_ns, incoming.response(End.COMPLETE))

    def _write(self, data: bytes) -> int:
        try:
            return self._connection.write(data, self._bounds.idle)
        except OSError as error:
            # The peer may have answered, such as 413, and closed before it took the whole body.
            self._unsent = error
            return time.monotonic_ns()

    def _receive(self, incoming: Incoming, sent_ns: int) -> None:
        deadline_ns, kind = self._first_deadline(sent_ns)
        while not incoming.complete:
            try:
                arrival = self._connection.receive(deadline_ns)
            except ConnectionError as error:
                raise self._broken(TransportKind.RESET, incoming) from error
            if arrival is None:
                raise TransportError(kind, _SILENT[kind].format(self._bounds))
            self._counts.reads += 1
            self._counts.unstamped += not arrival.kernel
            if not arrival.data:
                incoming.end_of_stream(arrival.at_ns)
                if not incoming.complete:
                    raise self._broken(TransportKind.CUT, incoming)
                return
            incoming.feed(arrival.data, arrival.at_ns)
            deadline_ns, kind = self._next_deadline(arrival.at_ns)

    def _first_deadline(self, sent_ns: int) -> tuple[int | None, TransportKind]:
        return self._sooner(
            _after(sent_ns, self._bounds.first_byte), TransportKind.FIRST_BYTE_TIMEOUT
        )

    def _next_deadline(self, at_ns: int) -> tuple[int | None, TransportKind]:
        return self._sooner(_after(at_ns, self._bounds.idle), TransportKind.IDLE_TIMEOUT)

    def _sooner(
        self, deadline_ns: int | None, kind: TransportKind
    ) -> tuple[int | None, TransportKind]:
        if self._total_ns is None or (deadline_ns is not None and deadline_ns <= self._total_ns):
            return deadline_ns, kind
        return self._total_ns, TransportKind.TOTAL_TIMEOUT

    def _broken(self, kind: TransportKind, incoming: Incoming) -> TransportError:
        how = "reset" if kind is TransportKind.RESET else "closed"
        if incoming.started:
            return TransportError(kind, f"the connection was {how} in the middle of the answer")
        if self._unsent is not None:
            return TransportError(
                TransportKind.SEND, f"the request could not be sent: {self._unsent}"
            )
        kept = "kept " if self._connection.requests else ""
        return TransportError(kind, f"the {kept}connection was {how} before an answer came")


_SILENT = {
    TransportKind.FIRST_BYTE_TIMEOUT: "no byte of an answer within {0.first_byte:g} s",
    TransportKind.IDLE_TIMEOUT: "the answer stopped: nothing for {0.idle:g} s",
    TransportKind.TOTAL_TIMEOUT: "the answer was not complete within {0.total:g} s",
}


def _after(moment_ns: int, seconds: float | None) -> int | None:
    return None if seconds is None else moment_ns + int(seconds * 1e9)


def _on_wire(request: Request, origin: Origin, proxy: Proxy | None) -> bytes:
    if proxy is None:
        return serialize(request, origin)
    return serialize(request, origin, through_proxy=True, proxy_authorization=proxy.authorization)


def _tunnel(connection: Connection, origin: Origin, proxy: Proxy) -> None:
    """Have the proxy pass everything on to `origin`."""
    connection.write(connect_request(origin, proxy.authorization), None)
    answer = b""
    while b"\r\n\r\n" not in answer:
        arrival = connection.receive(None)
        if arrival is None or not arrival.data or len(answer) > 65_536:
            raise TransportError(
                TransportKind.PROXY, f"the proxy {proxy.host}:{proxy.port} hung up on CONNECT"
            )
        answer += arrival.data
    status_line = answer.partition(b"\r\n")[0].decode("latin-1")
    if status_line.split(" ")[1:2] != ["200"]:
        raise TransportError(
            TransportKind.PROXY,
            f"the proxy {proxy.host}:{proxy.port} refused a tunnel: {status_line[:200]!r}",
        )
