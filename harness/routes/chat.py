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
    then `feed` per chunk, then `finish` once. `keep_events=False` drops events and comments after
    they were counted, for loads that need no transcript.
    """

    def __init__(
        self,
        *,
        sent_ns: int,
        scheduled_ns: int | None = None,
        asked_stream: bool = True,
        route: str = "native",
        keep_events: bool = True,
    ) -> None:
        self._record = Record(
            route, sent_ns=sent_ns, scheduled_ns=scheduled_ns, asked_stream=asked_stream
        )
        self._keep_events = keep_events
        self._stream: Stream | None = None
        self._undecided = True
        self._body: list[bytes] = []
        self._body_at = 0

    def head(self, status: int, headers: Headers, at_ns: int) -> None:
        """Take the head of the response, `at_ns` nanoseconds after sending."""
        self._record.head(status, headers, at_ns)
        self._undecided = self._record.successful

    def feed(self, chunk: Chunk) -> list[TimedEvent]:
        """Take body bytes; returns the events they complete, none for a plain answer."""
        if self._stream is not None:
            return self._stream.feed(chunk.data, chunk.at_ns)
        if not chunk.data:
            return []
        if self._record.moments.first_byte is None:
            self._record.moments.first_byte = chunk.at_ns
        self._body.append(chunk.data)
        self._body_at = chunk.at_ns
        if self._undecided and self._decide():
            return self._start_stream(chunk.at_ns)
        return []

    def finish(self, end: End, at_ns: int) -> Answer:
        """The answer, ended `at_ns` nanoseconds after sending."""
        record = self._record
        if self._stream is not None:
            self._stream.finish()
        elif not record.successful:
            record.read_failure(b"".join(self._body))
        elif self._body:
            self._read_plain(b"".join(self._body))
        return record.answer(end, at_ns)

    def _decide(self) -> bool:
        """Whether the body so far is a stream; clears `_undecided` once it can tell."""
        start = b"".join(self._body).removeprefix(BYTE_ORDER_MARK).lstrip(_BLANK)[:1]
        if not start or start == BYTE_ORDER_MARK[:1]:
            return False
        self._undecided = False
        if start in _FIELD_STARTS:
            return True
        return self._record.content_type == "text/event-stream" and start not in _DOCUMENT_STARTS

    def _start_stream(self, at_ns: int) -> list[TimedEvent]:
        body, self._body = b"".join(self._body), []
        self._stream = Stream(self._record, chat=True, keep_events=self._keep_events)
        return self._stream.feed(body, at_ns)

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
            record.moments.note(record.completion.add(document), self._body_at)
            if not record.completion.choices():
                record.report(ProblemKind.NO_CHOICES, f"expected choices, got {excerpt(body)}")
