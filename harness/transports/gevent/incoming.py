"""One HTTP/1.1 response being put together from the bytes of a connection; does no I/O."""

import re
from typing import Any, Protocol

import httptools

from harness.errors import TransportError, TransportKind
from harness.transports.coding import ContentDecoder
from harness.transports.exchange import MAX_FIELDS, MAX_HEAD_BYTES
from harness.wire import Chunk, End, Headers, Response

MAX_BODY_BYTES = 16 * 1024 * 1024
"""More than this is refused, decoded size counted: no answer may eat the client's memory."""
MAX_HELD_BYTES = 128 * 1024 * 1024
"""What all unfinished answers of a process may hold together."""

_BODILESS = frozenset({204, 304})
_LENGTHS = re.compile(rb"(?im)^content-length:[ \t]*([0-9, \t]+)\r?\n")


class Listener(Protocol):
    """Is told of the answer while it is read; times count from the sending, in nanoseconds."""

    def head(self, status: int, headers: Headers, at_ns: int) -> None:
        """The head has arrived."""

    def take(self, data: bytes, at_ns: int, since_ns: int, end_since_ns: int) -> int:
        """Body bytes have arrived, at most one HTTP chunk of them, at `at_ns` at the latest.

        The last of them came at `end_since_ns` at the earliest, the others at `since_ns`. Returns
        how many bytes of the answer are held now.
        """


class Held:
    """How many body bytes the unfinished answers of a process hold together."""

    def __init__(self, most: int = MAX_HELD_BYTES) -> None:
        self.most = most
        self.bytes = 0


class ResponseParser:
    """Feeds bytes to the parser and reports head and chunks, with times relative to `sent_ns`.

    `complete` says that the framing has ended (RFC 9112, section 6.3), `surplus` that more came
    after it. A body that only the end of the connection ends is complete when `end_of_stream` says
    so. `end_since_ns` is the earliest time at which the last byte can have come. What is held of
    all unfinished answers of a process is counted in `held`, until `release`.
    """

    def __init__(
        self,
        *,
        sent_ns: int,
        listener: Listener | None = None,
        store: bool = True,
        held: Held | None = None,
    ) -> None:
        self.complete = False
        self.surplus = False
        self.at_ns = 0
        self.end_since_ns = 0
        self._sent_ns = sent_ns
        self._listener = listener
        self._store = store
        self._held = Held() if held is None else held
        self._message = _Message()
        self._parser = _parser(self._message)
        self._started = b""
        self._head: tuple[int, Headers, int] | None = None
        self._chunks: list[Chunk] = []
        self._decoder: ContentDecoder | None = None
        self._chunked = False
        self._head_bytes = 0
        self._body_bytes = 0
        self._holding = 0

    @property
    def started(self) -> bool:
        """Whether the head of a final (not 1xx) response has arrived."""
        return self._head is not None

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request after this answer."""
        return self.complete and not self.surplus and self._message.keep_alive

    @property
    def status(self) -> int | None:
        """The status of the head, once it has arrived."""
        return None if self._head is None else self._head[0]

    @property
    def headers(self) -> Headers | None:
        """The fields of the head, once it has arrived."""
        return None if self._head is None else self._head[1]

    def feed(
        self,
        data: bytes,
        at_ns: int,
        since_ns: int | None = None,
        end_since_ns: int | None = None,
    ) -> None:
        """Take in bytes that arrived by `at_ns` on the monotonic clock.

        The last of them came at `end_since_ns` at the earliest, the others at `since_ns`; None:
        exactly then.
        """
        if self.complete:
            self.surplus = True
            return
        at_ns = max(self.at_ns, at_ns - self._sent_ns)
        inner_ns = at_ns if since_ns is None else min(max(since_ns - self._sent_ns, 0), at_ns)
        last_ns = (
            at_ns if end_since_ns is None else min(max(end_since_ns - self._sent_ns, 0), at_ns)
        )
        self.at_ns, self.end_since_ns = at_ns, last_ns
        error = self._parse(data)
        if self._head is None:
            self._begin(len(data))
        self._deliver(at_ns, inner_ns, last_ns)
        self.complete, self.surplus = self._message.complete, self._message.surplus
        if error is not None and not self.complete:
            raise TransportError(
                TransportKind.PROTOCOL,
                f"expected an HTTP/1.1 response, got {data[:200]!r} ({error})",
            ) from error
        if self.complete and self._decoder is not None:
            self._decoder.finish()

    def end_of_stream(self) -> None:
        """The peer closed its side as it should, which ends a body that nothing else frames."""
        if self._head is not None and not self._framed(self._head[0], self._head[1]):
            self.complete = True
            if self._decoder is not None:
                self._decoder.finish()

    def response(self, end: End, ended_ns: int = 0) -> Response | None:
        """What has arrived, or None when no head has; `ended_ns` (monotonic) if that was later."""
        if self._head is None:
            return None
        status, headers, head_at_ns = self._head
        end_at_ns = max(self.at_ns, ended_ns - self._sent_ns)
        return Response(status, headers, tuple(self._chunks), head_at_ns, end, end_at_ns)

    def release(self) -> None:
        """Hold nothing more: the answer has been read to its end, or given up."""
        self._hold(0)

    def _parse(self, data: bytes) -> Exception | None:
        if not self._message.status:
            self._started += data
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # llhttp refuses what follows a `Connection: close` answer: surplus, not a broken
            # answer.
            self._message.surplus = self._message.complete
            return self._again(error)
        return None

    def _again(self, error: Exception) -> Exception | None:
        """Parse a head that says its length more than once, each time the same, with one of them.

        RFC 9112, section 6.3, allows that, and h11 does it for the contract.
        """
        once = None if self._message.status else _with_one_length(self._started)
        if once is None:
            return error
        self._message = _Message()
        self._parser, self._started = _parser(self._message), b""
        return self._parse(once)

    def _begin(self, length: int) -> None:
        """Report the head once it is there; bounds what is read of it before."""
        message = self._message
        if not message.status:
            self._head_bytes += length
            if self._head_bytes > MAX_HEAD_BYTES or len(message.fields) > MAX_FIELDS:
                raise TransportError(
                    TransportKind.PROTOCOL,
                    f"expected a head of at most {MAX_HEAD_BYTES} bytes and {MAX_FIELDS} fields, "
                    f"got {self._head_bytes} bytes and {len(message.fields)} fields of one",
                )
            return
        headers = Headers(message.fields)
        self._head = (message.status, headers, self.at_ns)
        if self._listener is not None:
            self._listener.head(message.status, headers, self.at_ns)
        self._chunked = "transfer-encoding" in headers
        if "content-encoding" in headers:
            self._decoder = ContentDecoder(headers, longest=MAX_BODY_BYTES)
            if not self._decoder.known:
                raise TransportError(
                    TransportKind.PROTOCOL,
                    f"the content coding {headers.get('content-encoding')!r} cannot be undone, "
                    "and none was asked for",
                )

    def _deliver(self, at_ns: int, since_ns: int, last_ns: int) -> None:
        pieces = self._message.pieces
        if not pieces:
            return
        self._message.pieces = []
        if self._chunked and self._message.complete:
            last_ns = since_ns  # the last bytes were those of the last chunk, which is empty
        last = pieces.pop()
        for piece in pieces:
            self._deliver_body(piece, at_ns, since_ns, since_ns)
        self._deliver_body(last, at_ns, since_ns, last_ns)

    def _deliver_body(self, data: bytes, at_ns: int, since_ns: int, last_ns: int) -> None:
        if self._decoder is not None:
            data = self._decoder.feed(data)
        if not data:
            return
        self._body_bytes += len(data)
        if self._body_bytes > MAX_BODY_BYTES:
            raise TransportError(
                TransportKind.PROTOCOL, f"the body is longer than {MAX_BODY_BYTES} bytes"
            )
        holding = 0
        if self._store:
            self._chunks.append(Chunk(data, at_ns))
            holding = self._body_bytes
        if self._listener is not None:
            holding += self._listener.take(data, at_ns, since_ns, last_ns)
        if holding != self._holding:
            self._hold(holding)

    def _hold(self, size: int) -> None:
        self._held.bytes += size - self._holding
        self._holding = size
        if size and self._held.bytes > self._held.most:
            raise TransportError(
                TransportKind.CLIENT_LIMIT,
                f"the answers under way hold more than {self._held.most} bytes in this process",
            )

    @staticmethod
    def _framed(status: int, headers: Headers) -> bool:
        chunked = "chunked" in (headers.get("transfer-encoding") or "").lower()
        return chunked or "content-length" in headers or status in _BODILESS


def _parser(message: "_Message") -> Any:
    """A parser as lenient as h11 is: a folded field is one line, a line may end at a bare LF."""
    parser = httptools.HttpResponseParser(message)
    parser.set_dangerous_leniencies(lenient_headers=True, lenient_optional_cr_before_lf=True)
    message.parser = parser
    return parser


def _with_one_length(data: bytes) -> bytes | None:
    """An answer with one Content-Length in place of several equal ones; None of any other."""
    head, blank, body = data.partition(b"\r\n\r\n")
    head += blank
    lines = list(_LENGTHS.finditer(head))
    values = [each.strip() for line in lines for each in line[1].split(b",")]
    if len(values) < 2 or len(set(values)) > 1:
        return None
    first = lines[0].start()
    kept = b"content-length: %s\r\n" % values[0]
    return head[:first] + kept + _LENGTHS.sub(b"", head[first:]) + body


class _Message:
    """What httptools calls; it only notes, so that no error of ours passes through the parser."""

    def __init__(self) -> None:
        self.parser: Any = None
        self.status = 0
        self.fields: list[tuple[str, str]] = []
        self.keep_alive = False
        self.complete = False
        self.surplus = False
        self.pieces: list[bytes] = []

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
            self.pieces.append(data)

    def on_message_complete(self) -> None:
        """The framing has ended."""
        if self.status:
            self.complete = True
            self.parser = None  # or parser and message keep each other alive until a collection
        else:
            self.fields.clear()
