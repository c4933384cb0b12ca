"""The model route: a dedicated model behind the gateway, which takes and returns any JSON.

Sources: developers.cloudflare.com/ai-gateway/usage/providers/baseten/ (the path),
basetenlabs/truss `truss_server.py` (what a model may answer).
"""

from typing import Any
from urllib.parse import quote

from harness.routes.address import (
    NO_CREDENTIALS,
    NO_OPTIONS,
    Address,
    Credentials,
    GatewayOptions,
)
from harness.routes.answer import Answer, TimedEvent
from harness.routes.body import post
from harness.routes.completion import ANSWER, Completion
from harness.routes.record import Record
from harness.routes.stream import Stream
from harness.sse import decode
from harness.wire import Chunk, End, Headers, Request

PATH = "/baseten/model/"


def build(
    address: Address,
    body: Any,
    *,
    model_id: str,
    credentials: Credentials = NO_CREDENTIALS,
    options: GatewayOptions = NO_OPTIONS,
) -> Request:
    """A call of one dedicated model; any JSON value is a legal body, and bytes are sent as such."""
    url = f"{address.base}{PATH}{quote(model_id, safe='')}"
    return post(url, body, credentials=credentials, options=options)


class ModelParser:
    """An incremental parser of one answer of the model route.

    By its Content-Type the answer is an event stream, a JSON document (also when there is no type),
    or raw chunks: a model that yields sends them as `application/octet-stream` without any framing,
    so every chunk is output and a crash looks like an end. A document is one output, at its first
    byte. A page of HTML is taken for a document, which it is not: models do not send it, edges do.
    Call `head`, then `feed` per chunk, then `finish` once.
    """

    def __init__(
        self,
        *,
        sent_ns: int,
        scheduled_ns: int | None = None,
        asked_stream: bool = False,
        route: str = "model",
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
        self._record.completion = Completion(_ignore, keep_text=keep_text)
        self._keep_events = keep_events
        self._stream: Stream | None = None
        self._body: list[bytes] = []
        self._body_bytes = 0

    def head(self, status: int, headers: Headers, at_ns: int) -> None:
        """Take the head of the response, `at_ns` nanoseconds after sending."""
        record = self._record
        record.head(status, headers, at_ns)
        if not record.successful:
            return
        if record.content_type == "text/event-stream":
            self._stream = Stream(record, chat=False, keep_events=self._keep_events)
        else:
            record.streamed = not _is_document(record.content_type)

    def feed(self, chunk: Chunk) -> list[TimedEvent]:
        """Take body bytes; returns the events they complete, none unless it is an event stream."""
        if not chunk.data:
            return []
        first = self._note_first(chunk.at_ns, chunk.at_ns)
        if self._stream is not None:
            return self._stream.feed(chunk.data, chunk.at_ns)
        self._gather(chunk.data, chunk.at_ns, chunk.at_ns, first=first)
        return []

    def take(self, data: bytes, at_ns: int, since_ns: int, end_since_ns: int) -> int:
        """Take body bytes that came by `at_ns`; returns how many of the answer are held.

        The last of them came at `end_since_ns` at the earliest, the others at `since_ns`.
        """
        first = self._note_first(at_ns, since_ns)
        if self._stream is not None:
            return self._stream.take(data, at_ns, since_ns, end_since_ns)
        self._gather(data, at_ns, since_ns if first else end_since_ns, first=first)
        return self._body_bytes

    def finish(self, end: End, at_ns: int) -> Answer:
        """The answer, ended `at_ns` nanoseconds after sending."""
        return self.close().answer(end, at_ns)

    def close(self) -> Record:
        """What was noted of the answer, which has ended."""
        record = self._record
        body = b"".join(self._body)
        if self._stream is not None:
            self._stream.finish()
        elif not record.successful:
            record.read_failure(body)
        elif record.streamed:
            record.raw_text = decode(body)[0]
        elif body and record.read_json(body):
            self._read_document()
        return record

    def _note_first(self, at_ns: int, since_ns: int) -> bool:
        """Note the first body byte, which is output; whether this was it."""
        moments = self._record.moments
        if moments.first_byte is not None:
            return False
        moments.note_byte(at_ns, since_ns)
        if self._record.successful:
            moments.first_output = moments.first_answer = at_ns
            moments.first_output_since = moments.first_answer_since = since_ns
        return True

    def _gather(self, data: bytes, at_ns: int, since_ns: int, *, first: bool) -> None:
        self._body.append(data)
        self._body_bytes += len(data)
        if self._record.streamed or (first and self._record.successful):
            self._record.moments.note(ANSWER, at_ns, since_ns)

    def _read_document(self) -> None:
        """Take text and usage from a document that has them; any other document is as legal."""
        record = self._record
        document = record.document
        if isinstance(document, str):
            record.raw_text = document
        elif isinstance(document, dict):
            record.completion.add(document)


def _is_document(media_type: str) -> bool:
    named = media_type in ("", "application/json", "text/html", "application/xhtml+xml")
    return named or media_type.endswith("+json")


def _ignore(*_: object) -> None:
    """A model owes no format, so that a field of another type is no problem."""
