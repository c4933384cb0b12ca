"""Sends requests over kept connections and brings back exchanges with kernel receive times."""

import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import TransportError
from harness.transports.exchange import Exchange, Timeouts
from harness.transports.gevent.connection import Connection
from harness.transports.gevent.incoming import Held, Listener, ResponseParser
from harness.transports.gevent.messages import (
    Conversation,
    Deadlines,
    Message,
    MessageExchange,
    ResponseReader,
)
from harness.transports.gevent.opening import Opener
from harness.transports.gevent.outgoing import Origin, origin_of, serialize
from harness.transports.gevent.reader import Reader
from harness.transports.gevent.stamps import StampedRead
from harness.transports.network import Network
from harness.wire import Request, Response

KEEP_ALIVE_NS = 3_000_000_000
"""A connection that was idle for longer is not used again: its end may be on the way. Servers give
up idle ones after 5 s and more (node.js 5 s, uvicorn 5 s, nginx 75 s)."""

Listen = Callable[[int], Listener]
"""Is called with `sent_ns` and gives the listener."""


@dataclass(slots=True)
class TransportCounts:
    """What transports did so far; `unstamped` reads had no time stamp of the kernel."""

    connections: int = 0
    reused: int = 0
    reads: int = 0
    unstamped: int = 0


class _Whole:
    """Reads an answer into a response."""

    def __init__(self, listen: Listen | None, held: Held, *, store: bool) -> None:
        self.incoming: ResponseParser | None = None
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
        self.incoming = ResponseParser(
            sent_ns=sent_ns, listener=listener, store=self._store, held=self._held
        )

    def feed(self, arrivals: list[StampedRead], *, plain: bool = False) -> None:
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
        self._held = Held() if held is None else held
        network = Network.of(os.environ) if network is None else network
        self._opener = Opener(self._reader, network, context)
        self._idle: dict[Origin, list[Connection]] = {}
        self._bounds = Deadlines.of(Timeouts())

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
        proxy = self._opener.proxy(origin) if origin.scheme == "http" else None
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
        reading: ResponseReader,
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
            self._bounds = Deadlines.of(timeouts)
        attempt = MessageExchange(connection, self._bounds, talk, reading)
        try:
            attempt.run(message.data)
            if reading.status == 407 and message.origin.scheme == "http":
                proxy = self._opener.proxy(message.origin)
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
        connection = self._opener.open(origin, bounds, talk)
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
