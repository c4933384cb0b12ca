"""The answer of a chat completion, plain or streamed, native or compat."""

from harness.routes.answer import Answer, TimedEvent
from harness.routes.document import ProblemKind, excerpt
from harness.routes.failure import failure_of, is_error
from harness.routes.record import Record
from harness.routes.stream import Stream
from harness.sse import BYTE_ORDER_MARK
from harness.wire import Chunk, End, Headers

_BLANK = b" \t\r\n"
_FIELD_STARTS = b"deir:"
"""First bytes of `data`, `event`, `id`, `retry` and a comment; no JSON object starts so."""
_DOCUMENT_STARTS = b'{["<'


class ChatParser:
    """An incremental parser of one chat answer; nothing a server sends makes it raise.

    Whether the answer is a stream is decided by its first byte that is not blank and, if that says
    nothing, by its Content-Type: servers label streams as JSON and errors as streams. Call `head`,
    then `feed` or `take` per chunk, then `finish` or `close` once. `keep_events=False` drops events
    and comments after they were counted, and `keep_text=False` the text of a stream, for loads that
    need no transcript.
    """

    def __init__(
        self,
        *,
        sent_ns: int,
        scheduled_ns: int | None = None,
        asked_stream: bool = True,
        route: str = "native",
        keep_events: bool = True,
        keep_text: bool = True,
    ) -> None:
        self._record = Record(
            route,
            sent_ns=sent_ns,
            scheduled_ns=scheduled_ns,
            asked_stream=asked_stream,
            keep_text=keep_text,
        )
        self._keep_events = keep_events
        self._stream: Stream | None = None
        self._undecided = True
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._body_at = 0
        self._body_since = 0
        self._start = b""

    def head(self, status: int, headers: Headers, at_ns: int) -> None:
        """Take the head of the response, `at_ns` nanoseconds after sending."""
        self._record.head(status, headers, at_ns)
        self._undecided = self._record.successful

    def feed(self, chunk: Chunk) -> list[TimedEvent]:
        """Take body bytes; returns the events they complete, none for a plain answer."""
        if self._stream is not None:
            return self._stream.feed(chunk.data, chunk.at_ns)
        if chunk.data and self._gather(chunk.data, chunk.at_ns, chunk.at_ns, chunk.at_ns):
            return self._begin_stream().feed(self._gathered(), chunk.at_ns)
        return []

    def take(self, data: bytes, at_ns: int, since_ns: int, end_since_ns: int) -> int:
        """Take body bytes that came by `at_ns`; returns how many of the answer are held.

        The last of them came at `end_since_ns` at the earliest, the others at `since_ns`.
        """
        if self._stream is not None:
            return self._stream.take(data, at_ns, since_ns, end_since_ns)
        if self._gather(data, at_ns, since_ns, end_since_ns):
            return self._begin_stream().take(self._gathered(), at_ns, since_ns, end_since_ns)
        return self._body_bytes

    def finish(self, end: End, at_ns: int) -> Answer:
        """The answer, ended `at_ns` nanoseconds after sending."""
        return self.close().answer(end, at_ns)

    def close(self) -> Record:
        """What was noted of the answer, which has ended."""
        record = self._record
        if self._stream is not None:
            self._stream.finish()
        elif not record.successful:
            record.read_failure(b"".join(self._body))
        elif self._body:
            self._read_plain(b"".join(self._body))
        return record

    def _gather(self, data: bytes, at_ns: int, since_ns: int, end_since_ns: int) -> bool:
        """Keep body bytes; whether they show by now that the body is a stream."""
        if self._record.moments.first_byte is None:
            self._record.moments.note_byte(at_ns, since_ns)
        self._body.append(data)
        self._body_bytes += len(data)
        self._body_at, self._body_since = at_ns, end_since_ns
        return self._undecided and self._decide(data)

    def _gathered(self) -> bytes:
        body, self._body = b"".join(self._body), []
        return body

    def _decide(self, data: bytes) -> bool:
        """Whether the body so far is a stream; clears `_undecided` once it can tell.

        Only what may still be a byte order mark is kept of the white space before a body.
        """
        self._start = (self._start + data).removeprefix(BYTE_ORDER_MARK).lstrip(_BLANK)[:3]
        start = self._start[:1]
        if not start or (start == BYTE_ORDER_MARK[:1] and len(self._start) < 3):
            return False
        self._undecided = False
        if start in _FIELD_STARTS:
            return True
        return self._record.content_type == "text/event-stream" and start not in _DOCUMENT_STARTS

    def _begin_stream(self) -> Stream:
        self._stream = Stream(self._record, chat=True, keep_events=self._keep_events)
        return self._stream

    def _read_plain(self, body: bytes) -> None:
        record = self._record
        if not record.read_json(body):
            return
        document = record.document
        if is_error(document):
            record.failure = failure_of(document, record.status, record.headers)
        elif not isinstance(document, dict):
            record.report(ProblemKind.NOT_OBJECT, f"expected an object, got {excerpt(body)}")
        else:
            carried = record.completion.add(document)
            record.moments.note(carried, self._body_at, self._body_since)
            if not record.completion.choices():
                record.report(ProblemKind.NO_CHOICES, f"expected choices, got {excerpt(body)}")
