"""One HTTP/1.1 response being put together from the bytes of a connection; does no I/O."""

import zlib
from typing import Any, Protocol

import httptools

from harness.errors import TransportError, TransportKind
from harness.wire import Chunk, End, Headers, Response

MAX_BODY_BYTES = 256 * 1024 * 1024
"""More than this is refused, decoded size counted: no answer may eat the client's memory."""

_BODILESS = frozenset({204, 304})
_GZIP_OR_ZLIB = 47
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})


class Listener(Protocol):
    """Is told of the answer while it comes; times count from the sending."""

    def head(self, status: int, headers: Headers, at_ns: int) -> None:
        """The head has arrived."""

    def feed(self, chunk: Chunk) -> object:
        """Body bytes have arrived, at most one HTTP chunk of them."""


class Incoming:
    """Feeds bytes to the parser and reports head and chunks, with times relative to `sent_ns`.

    `complete` says that the framing has ended (RFC 9112, section 6.3), `surplus` that more came
    after it. A body that only the end of the connection ends is complete when `end_of_stream` says
    so.
    """

    def __init__(
        self, *, sent_ns: int, listener: Listener | None = None, store: bool = True
    ) -> None:
        self.complete = False
        self.surplus = False
        self._sent_ns = sent_ns
        self._listener = listener
        self._store = store
        self._message = _Message()
        self._parser: Any = httptools.HttpResponseParser(self._message)
        self._message.parser = self._parser
        self._head: tuple[int, Headers, int] | None = None
        self._chunks: list[Chunk] = []
        self._inflate: Any | None = None
        self._body_bytes = 0
        self._at_ns = 0

    @property
    def started(self) -> bool:
        """Whether the head of a final (not 1xx) response has arrived."""
        return self._head is not None

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request after this answer."""
        return self.complete and not self.surplus and self._message.keep_alive

    def feed(self, data: bytes, at_ns: int) -> None:
        """Take in bytes that arrived at `at_ns` on the monotonic clock."""
        if self.complete:
            self.surplus = True
            return
        self._at_ns = max(self._at_ns, at_ns - self._sent_ns)
        error = self._parse(data)
        self._deliver()
        self.complete, self.surplus = self._message.complete, self._message.surplus
        if error is not None and not self.complete:
            raise TransportError(
                TransportKind.PROTOCOL,
                f"expected an HTTP/1.1 response, got {data[:200]!r} ({error})",
            ) from error

    def end_of_stream(self, at_ns: int) -> None:
        """The peer closed its side, which ends a body that nothing else frames."""
        self._at_ns = max(self._at_ns, at_ns - self._sent_ns)
        if self._head is not None and not self._framed(self._head[0], self._head[1]):
            self.complete = True

    def response(self, end: End, ended_ns: int = 0) -> Response | None:
        """What has arrived, or None when no head has; `ended_ns` (monotonic) if that was later."""
        if self._head is None:
            return None
        status, headers, head_at_ns = self._head
        end_at_ns = max(self._at_ns, ended_ns - self._sent_ns)
        return Response(status, headers, tuple(self._chunks), head_at_ns, end, end_at_ns)

    def _parse(self, data: bytes) -> Exception | None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # llhttp refuses what follows a `Connection: close` answer: surplus, not a broken
            # answer.
            self._message.surplus = self._message.complete
            return error
        return None

    def _deliver(self) -> None:
        message = self._message
        if self._head is None and message.status:
            headers = Headers(message.fields)
            self._head = (message.status, headers, self._at_ns)
            if (headers.get("content-encoding") or "").strip().lower() in _COMPRESSED:
                self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
            if self._listener is not None:
                self._listener.head(message.status, headers, self._at_ns)
        for piece in message.take():
            self._deliver_body(piece if self._inflate is None else _inflated(self._inflate, piece))

    def _deliver_body(self, data: bytes) -> None:
        self._body_bytes += len(data)
        if self._body_bytes > MAX_BODY_BYTES:
            raise TransportError(
                TransportKind.PROTOCOL, f"the body is longer than {MAX_BODY_BYTES} bytes"
            )
        if not data:
            return
        chunk = Chunk(data, self._at_ns)
        if self._store:
            self._chunks.append(chunk)
        if self._listener is not None:
            self._listener.feed(chunk)

    @staticmethod
    def _framed(status: int, headers: Headers) -> bool:
        chunked = "chunked" in (headers.get("transfer-encoding") or "").lower()
        return chunked or "content-length" in headers or status in _BODILESS


def _inflated(inflate: Any, data: bytes) -> bytes:
    try:
        return bytes(inflate.decompress(data, MAX_BODY_BYTES + 1))
    except zlib.error as error:
        raise TransportError(
            TransportKind.PROTOCOL,
            f"expected the announced gzip or deflate body, got {data[:200]!r} ({error})",
        ) from error


class _Message:
    """What httptools calls; it only notes, so that no error of ours passes through the parser."""

    def __init__(self) -> None:
        self.parser: Any = None
        self.status = 0
        self.fields: list[tuple[str, str]] = []
        self.keep_alive = False
        self.complete = False
        self.surplus = False
        self._pieces: list[bytes] = []

    def take(self) -> list[bytes]:
        """The body pieces since the last call, at most one HTTP chunk each."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def on_message_begin(self) -> None:
        """A status line begins."""
        self.surplus = self.complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field of the head; trailers are dropped."""
        if not self.status:
            self.fields.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """A head has ended; those with an interim status (1xx) are forgotten at their end."""
        status = self.parser.get_status_code()
        if not self.status and status >= 200:
            self.status, self.keep_alive = status, self.parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        """Body bytes without their chunked framing."""
        if not self.complete:
            self._pieces.append(data)

    def on_message_complete(self) -> None:
        """The framing has ended."""
        if self.status:
            self.complete = True
            self.parser = None  # or parser and message keep each other alive until a collection
        else:
            self.fields.clear()
