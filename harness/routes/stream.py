"""An answer that is an event stream: events into the record, one by one as they arrive."""

from harness.routes.answer import DONE, TimedComment, TimedEvent
from harness.routes.completion import ANSWER
from harness.routes.document import (
    NotJson,
    ProblemKind,
    decode_quickly,
    decode_text,
    excerpt,
    not_utf8,
)
from harness.routes.failure import failure_of, is_error
from harness.routes.record import Record
from harness.sse import Comment, Decoder, Event, Malformed

_ERRORS = frozenset({"error", "errors"})


class Stream:
    """Reads an event stream into `record`.

    On a chat route every document is a chunk, and one that is no object is a problem. On the model
    route (`chat=False`) an event may hold anything, and every event with data is output.
    """

    __slots__ = ("_chat", "_count", "_decoder", "_keep", "_note", "_record", "_text")

    def __init__(self, record: Record, *, chat: bool, keep_events: bool) -> None:
        record.streamed = True
        self._record = record
        self._decoder = Decoder()
        self._chat = chat
        self._keep = keep_events
        self._count = 0
        self._note = ""
        self._text: list[str] = []

    def feed(
        self,
        data: bytes,
        at_ns: int,
        since_ns: int | None = None,
        end_since_ns: int | None = None,
    ) -> list[TimedEvent]:
        """The events that `data` completes, `at_ns` nanoseconds after sending at the latest.

        One that ends with `data` came at `end_since_ns` at the earliest, the others at `since_ns`;
        None: exactly then.
        """
        items = self._decoder.feed(data)
        since_ns = at_ns if since_ns is None else since_ns
        whole = len(items) - 1 if self._decoder.idle else len(items)
        last_ns = at_ns if end_since_ns is None else end_since_ns
        found = []
        for place, item in enumerate(items):
            if isinstance(item, Event):
                found.append(self._take(item, at_ns, last_ns if place == whole else since_ns))
            else:
                self._comment(item, at_ns)
        if self._keep:
            self._record.events += found
        return found

    def take(self, data: bytes, at_ns: int, since_ns: int, end_since_ns: int) -> int:
        """Take bytes as `feed` does, quickly where they are one usual chunk; the bytes held."""
        if not (self._chat and self._take_chunk(data, at_ns, end_since_ns)):
            self.feed(data, at_ns, since_ns, end_since_ns)
            return self._decoder.held + sum(map(len, self._text))
        return 0

    def _take_chunk(self, data: bytes, at_ns: int, since_ns: int) -> bool:
        """Take one event with a chunk of a completion and nothing else; False: it is something
        else, and nothing was taken.
        """
        record, payload = self._record, self._decoder.plain_event(data)
        if payload is None or record.done or self._keep:
            return False
        document = decode_quickly(payload)
        if type(document) is not dict or "choices" not in document or _ERRORS & document.keys():
            return False
        self._decoder.passed(len(data))
        record.position = self._count
        self._count += 1
        if record.moments.first_event is None:
            record.moments.first_event = at_ns
        carried = record.completion.add(document)
        if carried:
            record.moments.note(carried, at_ns, since_ns)
        return True

    def finish(self) -> None:
        """Note what the end of the body cut off."""
        record = self._record
        record.position = None
        record.unterminated = self._decoder.finish()
        if record.unterminated is not None:
            data = record.unterminated.event.data or ""
            record.report(
                ProblemKind.UNTERMINATED_EVENT,
                f"expected a blank line after the last event, got the end: {excerpt(data)}",
            )
        if not self._chat and not record.completion.choices():
            record.raw_text = "\n".join(self._text)

    def _take(self, event: Event, at_ns: int, since_ns: int) -> TimedEvent:
        record = self._record
        record.position = self._count
        self._count += 1
        if record.moments.first_event is None:
            record.moments.first_event = at_ns
        if event.malformed or event.ignored:
            self._complain(event)
        data = event.data
        if not data or data == DONE or record.done:
            return self._bare(event, at_ns)
        document = decode_text(data)
        is_json = not isinstance(document, NotJson)
        if event.event == "error" or self._is_error(document):
            self._fail(document if is_json else None, data)
        elif isinstance(document, dict):
            self._add(document, data, at_ns, since_ns)
        else:
            self._odd(document, data, at_ns, since_ns)
        return TimedEvent(event, at_ns, document if is_json else None, is_json)

    def _is_error(self, document: object) -> bool:
        """Whether a document is an error; a model's own may have any field but `error`."""
        if self._chat:
            return is_error(document)
        return isinstance(document, dict) and bool(document.get("error"))

    def _add(self, document: dict[str, object], data: str, at_ns: int, since_ns: int) -> None:
        moments = self._record.moments
        carried = self._record.completion.add(document)
        if not self._chat:
            self._text.append(data)
            carried |= ANSWER
        if carried:
            moments.note(carried, at_ns, since_ns)

    def _odd(self, document: object, data: str, at_ns: int, since_ns: int) -> None:
        """Take data that is no JSON object: any text on the model route, a break on the others."""
        if not self._chat:
            self._text.append(data)
            self._record.moments.note(ANSWER, at_ns, since_ns)
        elif isinstance(document, NotJson):
            self._record.report(ProblemKind.INVALID_JSON, document.detail)
        else:
            self._record.report(
                ProblemKind.NOT_OBJECT, f"expected a JSON object, got {excerpt(data)}"
            )

    def _bare(self, event: Event, at_ns: int) -> TimedEvent:
        """Take an event without a document for the answer: no data, `[DONE]`, or after that."""
        record = self._record
        if record.done:
            record.report(
                ProblemKind.DATA_AFTER_DONE,
                f"expected the end after {DONE}, got {excerpt(event.data or '')}",
            )
            document = decode_text(event.data or "")
            if not isinstance(document, NotJson):
                return TimedEvent(event, at_ns, document, is_json=True)
        elif event.data == DONE:
            record.done = True
        elif event.event == "error":
            self._fail(None, event.data or self._note)
        return TimedEvent(event, at_ns)

    def _comment(self, comment: Comment, at_ns: int) -> None:
        self._note = comment.text
        self._record.position = self._count
        self._report_bytes(comment.malformed)
        if self._keep:
            self._record.comments.append(TimedComment(comment, at_ns))

    def _fail(self, document: object, message: str) -> None:
        record = self._record
        if record.failure is None:
            record.failure = failure_of(document, record.status, record.headers, message=message)

    def _complain(self, event: Event) -> None:
        self._report_bytes(event.malformed)
        if event.ignored:
            self._record.report(
                ProblemKind.IGNORED_LINES,
                f"expected `field: value` lines, got {excerpt(event.ignored[0])}",
            )

    def _report_bytes(self, malformed: tuple[Malformed, ...]) -> None:
        for run in malformed:
            self._record.report(ProblemKind.INVALID_UTF8, not_utf8(run))
