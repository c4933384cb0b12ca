"""The contract's transport: one request at a time over httpx, every chunk with its time.

What is sent is the `Request` and nothing else: Host and Content-Length where HTTP needs them, and a
User-Agent when it has none; no Accept, no Accept-Encoding, no cookies, no netrc, no retry, no
redirect. TLS is verified; proxies and certificates are those of a `Network`. A body coded with gzip
or deflate is decoded, its header fields stay as they came.
"""

import os
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, NoReturn, Self

import httpx

from harness.errors import TransportError, TransportKind, UsageError
from harness.routes.body import USER_AGENT
from harness.transports.certificates import trusting
from harness.transports.coding import ContentDecoder
from harness.transports.diagnosis import diagnose
from harness.transports.exchange import MAX_FIELDS, MAX_HEAD_BYTES, Exchange, Timeouts
from harness.transports.httpx_client import client_for
from harness.transports.network import Network
from harness.transports.watch import Connections, Watch
from harness.wire import Chunk, End, Headers, Request, Response

_PIECE = 1 << 16
LONGEST = 16 << 20
"""Bytes of a body that are taken, decoded; each check reads them all, and so does redaction."""


class HttpxTransport:
    """Sends requests over kept-alive HTTP/1.1 connections; each thread has its own.

    `now_ns` stamps everything: CLOCK_MONOTONIC, or a virtual clock behind respx. `network` is that
    of the environment unless given; `tls` replaces the context made from it. UsageError when its
    certificates cannot be used.
    """

    def __init__(
        self,
        *,
        now_ns: Callable[[], int] = time.monotonic_ns,
        tls: ssl.SSLContext | None = None,
        network: Network | None = None,
    ) -> None:
        self._now_ns = now_ns
        self._network = Network.of(os.environ) if network is None else network
        named = tls is None and self._network.certificates
        self._tls = trusting(self._network) if named else tls
        self._lanes: list[_Lane] = []
        self._mine = threading.local()
        self._lane()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        for lane in self._lanes:
            lane.client.close()

    def abort(self) -> None:
        """End every exchange under way, in whichever thread: what waits for bytes gets an error."""
        for lane in tuple(self._lanes):
            lane.connections.shut()

    def send(
        self,
        request: Request,
        *,
        timeouts: Timeouts | None = None,
        on_chunk: Callable[[Chunk], None] | None = None,
    ) -> Exchange:
        """The whole exchange; what went wrong is in it, with all that arrived before.

        `on_chunk` sees each chunk as it arrives. UsageError when the request cannot be sent at all.
        """
        incoming = self._incoming(request, timeouts)
        try:
            incoming.start()
            for chunk in incoming:
                if on_chunk is not None:
                    on_chunk(chunk)
        except TransportError:
            return incoming.exchange()  # which keeps the error
        finally:
            incoming.close()
        return incoming.exchange()

    @contextmanager
    def open(self, request: Request, *, timeouts: Timeouts | None = None) -> Iterator["Incoming"]:
        """A response whose head has arrived, to be read chunk by chunk; `TransportError` if none.

        The connection is closed at the end of the block when the body was not read to its end.
        """
        incoming = self._incoming(request, timeouts)
        try:
            incoming.start()
            yield incoming
        finally:
            incoming.close()

    def _incoming(self, request: Request, timeouts: Timeouts | None) -> "Incoming":
        bounds = Timeouts() if timeouts is None else timeouts
        lane = self._lane()
        return Incoming(
            lane.client, request, bounds, now_ns=self._now_ns, connections=lane.connections
        )

    def _lane(self) -> "_Lane":
        """The connections of this thread: one that expires must not end another's exchange."""
        lane: _Lane | None = getattr(self._mine, "lane", None)
        if lane is None:
            self._mine.lane = lane = _Lane(client_for(self._network, self._tls), Connections())
            self._lanes.append(lane)
        return lane


class _Lane(NamedTuple):
    client: httpx.Client
    connections: Connections


class Incoming:
    """A response that is still arriving; iterate over it once for its chunks.

    Chunk times count from `sent_ns`, just before the request's last byte was handed on.
    """

    def __init__(
        self,
        client: httpx.Client,
        request: Request,
        timeouts: Timeouts,
        *,
        now_ns: Callable[[], int],
        connections: Connections,
    ) -> None:
        self.request = request
        self.headers = Headers()
        self.status = 0
        self.head_at_ns = 0
        self.error: TransportError | None = None
        self._client = client
        self._timeouts = timeouts
        self._now_ns = now_ns
        self._began_ns = self.sent_ns = now_ns()
        self._chunks: list[Chunk] = []
        self._response: httpx.Response | None = None
        self._bounds: dict[str, float | None] = {}
        self._total_is_next = False
        self._whole = False
        self.end_at_ns = 0
        self._watch = Watch(timeouts.total, connections)

    def start(self) -> None:
        """Send the request and wait for the head of the response."""
        self._bounds = {
            "connect": self._bound(self._timeouts.connect),
            "write": self._bound(self._timeouts.first_byte),
            "read": self._bound(self._timeouts.first_byte),
        }
        try:
            outgoing = _outgoing(self.request, self._stamp)
            outgoing.extensions = {"timeout": self._bounds, "trace": self._watch.trace}
            self._response = self._client.send(outgoing, stream=True, auth=None)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as exc:
            raise UsageError(f"{self.request.url}: {exc}") from exc
        except httpx.LocalProtocolError:
            message = f"{self.request.url}: a header field or the method is not legal HTTP"
            raise UsageError(message) from None  # the cause shows the field, maybe a secret
        except httpx.TransportError as exc:
            self._fail(exc)
        self._take_head(self._response)

    def __iter__(self) -> Iterator[Chunk]:
        response = self._response
        if response is None or response.is_stream_consumed:
            return
        decoder = ContentDecoder(self.headers, longest=LONGEST)
        try:
            self._bounds["read"] = self._bound(self._timeouts.idle)
            for data in response.iter_raw():
                decoded = decoder.feed(data)
                self._check_total()
                if decoded:
                    chunk = Chunk(decoded, self._elapsed_ns())
                    self._chunks.append(chunk)
                    yield chunk
                self._bounds["read"] = self._bound(self._timeouts.idle)
            decoder.finish()
            self._whole = True
        except httpx.TransportError as exc:
            self._fail(exc)
        except TransportError as exc:
            self.error = exc
            raise
        finally:
            self.end_at_ns = self._elapsed_ns()

    def exchange(self) -> Exchange:
        """All that has arrived, after the rest has been read; it is cut when iteration was left."""
        if self.error is None:
            with suppress(TransportError):  # which is kept
                deque(self, maxlen=0)
        if self.error is None and not self._whole:
            self.error = self._error(TransportKind.CUT, "the rest of the answer was not read")
        response = None
        if self._response is not None:
            response = Response(
                status=self.status,
                headers=self.headers,
                chunks=tuple(self._chunks),
                head_at_ns=self.head_at_ns,
                end=_end(self.error),
                end_at_ns=self.end_at_ns,
            )
        return Exchange(self.request, self.sent_ns, response, self.error)

    def close(self) -> None:
        """Give the connection back, or close it when the body was not read to its end."""
        self._watch.stop()
        if self._response is not None:
            self._response.close()

    def _take_head(self, response: httpx.Response) -> None:
        self.head_at_ns = self._elapsed_ns()
        self.status = response.status_code
        self.headers = Headers(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in response.extensions["fields"]
        )
        problem = _problem(self.headers)
        if problem is not None:
            response.close()
            self._response, self.error = None, self._error(TransportKind.PROTOCOL, problem)
            raise self.error
        stream = response.extensions.get("network_stream")
        self._watch.claim(None if stream is None else stream.get_extra_info("socket"))

    def _stamp(self) -> None:
        self.sent_ns = self._now_ns()

    def _elapsed_ns(self) -> int:
        return self._now_ns() - self.sent_ns

    def _left(self) -> float | None:
        """Seconds until the total bound."""
        total = self._timeouts.total
        return None if total is None else total - (self._now_ns() - self._began_ns) / 1e9

    def _bound(self, seconds: float | None) -> float | None:
        """The nearer of a bound and the total one, never quite nothing: 0 would not wait at all."""
        left = self._left()
        self._total_is_next = left is not None and (seconds is None or left < seconds)
        bound = left if self._total_is_next else seconds
        return None if bound is None else max(bound, 0.001)

    def _check_total(self) -> None:
        left = self._left()
        if left is not None and left < 0:
            raise self._error(TransportKind.TOTAL_TIMEOUT)

    def _fail(self, exc: httpx.TransportError) -> NoReturn:
        kind, reason = _diagnose(exc)
        waited = isinstance(exc, httpx.TimeoutException)
        if self._watch.expired or (waited and self._total_is_next):
            kind = TransportKind.TOTAL_TIMEOUT
        elif kind is TransportKind.FIRST_BYTE_TIMEOUT and self._response is not None:
            kind = TransportKind.IDLE_TIMEOUT
        self.error = self._error(kind, reason)
        raise self.error from exc

    def _error(self, kind: TransportKind, reason: str = "") -> TransportError:
        timeouts = self._timeouts
        seconds = {
            TransportKind.CONNECT_TIMEOUT: f"no connection within {timeouts.connect} s",
            TransportKind.FIRST_BYTE_TIMEOUT: f"no response within {timeouts.first_byte} s",
            TransportKind.IDLE_TIMEOUT: f"no data for {timeouts.idle} s",
            TransportKind.TOTAL_TIMEOUT: f"not finished within {timeouts.total} s",
        }
        where = httpx.URL(self.request.url).netloc.decode("ascii", "replace")
        so_far = ""
        if self._response is not None:
            size = sum(len(chunk.data) for chunk in self._chunks)
            so_far = f", after {size} bytes of the body"
        return TransportError(kind, f"{where}: {seconds.get(kind, reason)}{so_far}")


class _Body(httpx.SyncByteStream):
    """The request's bytes, telling when the last of them are about to leave."""

    def __init__(self, data: bytes, on_last: Callable[[], None]) -> None:
        self._data = data
        self._on_last = on_last

    def __iter__(self) -> Iterator[bytes]:
        last = max(len(self._data) - 1, 0) // _PIECE * _PIECE
        for start in range(0, last, _PIECE):
            yield self._data[start : start + _PIECE]
        self._on_last()
        if self._data:
            yield self._data[last:]


def _problem(headers: Headers) -> str | None:
    """Why a head is refused that httpx took; the load's transport refuses the same."""
    if "content-length" in headers and "transfer-encoding" in headers:
        return "Content-Length and Transfer-Encoding together (RFC 9112, section 6.3)"
    size = sum(len(name) + len(value) + 4 for name, value in headers)
    if size > MAX_HEAD_BYTES or len(headers.fields) > MAX_FIELDS:
        return (
            f"expected a head of at most {MAX_HEAD_BYTES} bytes and {MAX_FIELDS} fields, "
            f"got {size} bytes and {len(headers.fields)} fields"
        )
    return None


def _outgoing(request: Request, on_last: Callable[[], None]) -> httpx.Request:
    """The request for httpx, which adds nothing to one that brings its own stream."""
    url = httpx.URL(request.url)
    if not url.host:
        raise httpx.InvalidURL("expected a URL with a host")
    headers = request.headers
    extra: list[tuple[str, str]] = []
    if "host" not in headers:
        extra.append(("Host", url.netloc.decode("ascii")))
    if "user-agent" not in headers:
        extra.append(("User-Agent", USER_AGENT))
    if "transfer-encoding" not in headers:
        extra += _content_length(request)
    fields = [(_encoded(name), _encoded(value)) for name, value in (*extra, *headers)]
    return httpx.Request(
        request.method, url, headers=fields, stream=_Body(request.body, on_last), extensions={}
    )


def _content_length(request: Request) -> list[tuple[str, str]]:
    size = str(len(request.body))
    given = request.headers.get("content-length")
    if given is not None and given.strip() != size:
        raise UsageError(f"Content-Length says {given} bytes, the body has {size}")
    needed = request.body or request.method.upper() in ("POST", "PUT", "PATCH")
    return [("Content-Length", size)] if given is None and needed else []


def _encoded(text: str) -> bytes:
    """Header text as bytes: Latin-1 as HTTP has it, UTF-8 for what that cannot say."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8")


def _diagnose(exc: httpx.TransportError) -> tuple[TransportKind, str]:
    """The kind of what httpx raised: its own class where that is precise, else the cause below."""
    reason = str(exc) or type(exc).__name__
    for family, kind in _FAMILIES:
        if isinstance(exc, family):
            return kind, reason
    found = diagnose(exc)
    if found is not None:
        return found
    if isinstance(exc, httpx.RemoteProtocolError):
        early = "disconnected" in reason or "peer closed" in reason
        return (TransportKind.CUT if early else TransportKind.PROTOCOL), reason
    connecting = isinstance(exc, httpx.ConnectError)
    return (TransportKind.UNREACHABLE if connecting else TransportKind.RESET), reason


_FAMILIES: tuple[tuple[type[httpx.TransportError], TransportKind], ...] = (
    (httpx.ConnectTimeout, TransportKind.CONNECT_TIMEOUT),
    (httpx.ReadTimeout, TransportKind.FIRST_BYTE_TIMEOUT),
    (httpx.WriteTimeout, TransportKind.SEND),
    (httpx.WriteError, TransportKind.SEND),
    (httpx.ProxyError, TransportKind.PROXY),
)

_ENDS = {
    TransportKind.RESET: End.RESET,
    TransportKind.IDLE_TIMEOUT: End.OPEN,
    TransportKind.TOTAL_TIMEOUT: End.OPEN,
}


def _end(error: TransportError | None) -> End:
    return End.COMPLETE if error is None else _ENDS.get(error.kind, End.CUT)
