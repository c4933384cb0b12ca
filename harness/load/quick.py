"""Reads the usual answers of the chat routes in as few steps as possible; does no I/O.

Usual is: status 200, a plain head, and either a body with a length that is a JSON completion, or a
chunked event stream in which every event is one line of data with a chunk of one choice. With
anything else the reading gives up before it has said anything, and the parsers of `transports` and
`routes` read the same bytes from their beginning; what both make of a usual answer is equal.
"""

import re
from typing import Annotated, Any

import msgspec

from harness.load.facts import Facts
from harness.measure.outcome import Outcome
from harness.routes.answer import DONE
from harness.routes.completion import ANSWER, OUTPUT, REASONING, ROLE, USAGE
from harness.routes.moments import Moments
from harness.routes.usage import LARGEST, NOTHING, Usage
from harness.transports.gevent.stamps import StampedRead

MOST_KEPT = 262_144
"""Bytes of an answer that are kept in case it turns out to be unusual; a longer one is read by the
parsers from here on."""

_START = re.compile(rb"HTTP/1\.1 200 [\t -~]*\r\n")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([!-~](?:[\t -~]*[!-~])?)\r\n")
_SIZES = {
    form: size
    for size in range(1, 4096)
    for form in (b"%x" % size, b"%X" % size, b"%03x" % size, b"%04x" % size)
}
_PREFIX = b"data: "
_DONE_LINE = f"data: {DONE}".encode()
_LAST = b"0\r\n\r\n"
_LONGEST_LENGTH = 12
_UNUSUAL = (b"content-encoding", b"trailer", b"upgrade")

_Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]


class _Delta(msgspec.Struct, gc=False):
    role: str | None = None
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[Any] | None = None
    function_call: None = None


class _QuickChoice(msgspec.Struct, gc=False):
    index: int = 0
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _Reasoning(msgspec.Struct):
    reasoning_tokens: _Count | None = None


class _Cached(msgspec.Struct):
    cached_tokens: _Count | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: _Count | None = None
    completion_tokens: _Count | None = None
    total_tokens: _Count | None = None
    completion_tokens_details: _Reasoning | None = None
    prompt_tokens_details: _Cached | None = None


class _Document(msgspec.Struct):
    choices: list[_QuickChoice]
    usage: _Usage | None = None
    error: None = None
    errors: None = None
    id: str | None = None
    model: str | None = None
    object: str | None = None
    created: int | None = None


_decode = msgspec.json.Decoder(_Document).decode


class QuickReading:
    """One answer; `feed` takes what has come, `facts` says what was read when it is `complete`.

    `usual` turns false when the answer is not of the usual kind: then nothing of it has been read,
    and `kept` holds every arrival.
    """

    __slots__ = (
        "_carry",
        "_chunked",
        "_finish",
        "_kept_bytes",
        "_left",
        "_started",
        "_text",
        "at_ns",
        "complete",
        "done",
        "end_since_ns",
        "fields",
        "kept",
        "moments",
        "sent_ns",
        "usage",
        "usual",
    )

    def __init__(self, sent_ns: int) -> None:
        self.usual = True
        self.complete = False
        self.kept: list[StampedRead] = []
        self.fields: dict[bytes, bytes] = {}
        self.moments = Moments()
        self.done = False
        self.at_ns = self.end_since_ns = 0
        self.sent_ns = sent_ns
        self._kept_bytes = 0
        self._started = self._chunked = False
        self._left = 0
        self._carry = b""
        self._finish: str | None = None
        self.usage: Usage | None = None
        self._text = 0

    def feed(self, arrivals: list[StampedRead]) -> bool:
        """Take what has come; whether it is still of the usual kind."""
        self.kept += arrivals
        for arrival in arrivals:
            if self.complete or not self._take(arrival):
                self.usual = False
                return False
        return True

    def facts(self, *, asked_stream: bool) -> Facts:
        """What was read of the whole answer."""
        fields = self.fields
        return Facts(
            chat=True,
            status=200,
            moments=self.moments,
            streamed=self._chunked,
            asked_stream=asked_stream,
            done=self.done,
            finish_reason=self._finish,
            usage=self.usage,
            cache_status=_text(fields.get(b"cf-aig-cache-status")),
            log_id=_text(fields.get(b"cf-aig-log-id")),
            cf_ray=_text(fields.get(b"cf-ray")),
            at_ns=self.at_ns,
            end_since_ns=self.end_since_ns,
            text_length=self._text,
        )

    @property
    def outcome(self) -> Outcome:
        """How the whole answer ended."""
        unfinished = self._chunked and not self._finish
        return Outcome.INCOMPLETE_STREAM if unfinished else Outcome.OK

    def _take(self, arrival: StampedRead) -> bool:
        data, at_ns, since_ns, end_since_ns = arrival
        at_ns -= self.sent_ns
        since_ns -= self.sent_ns
        end_since_ns -= self.sent_ns
        if at_ns < self.at_ns:
            at_ns = self.at_ns
        if not 0 <= since_ns <= at_ns:
            since_ns = 0 if since_ns < 0 else at_ns
        if not 0 <= end_since_ns <= at_ns:
            end_since_ns = 0 if end_since_ns < 0 else at_ns
        self.at_ns, self.end_since_ns = at_ns, end_since_ns
        if not self._started:
            place = self._head(data)
            if place < 0:
                return False
            self.moments.headers = at_ns
            data = data[place:]
            if not data:
                return bool(self._chunked or self._left)
        self._kept_bytes += len(data)
        if self._kept_bytes > MOST_KEPT:
            return False
        if self._chunked:
            return self._frames(data, at_ns, since_ns, end_since_ns)
        if self.moments.first_byte is None:
            self.moments.note_byte(at_ns, since_ns)
        return self._plain(data, at_ns, end_since_ns)

    def _head(self, data: bytes) -> int:
        """Read the head; where the body begins, -1 for an unusual one."""
        start = _START.match(data)
        if start is None:
            return -1
        place, fields, count = start.end(), self.fields, 0
        end = data.find(b"\r\n\r\n", place - 2)
        for field in _FIELD.finditer(data, place, end + 2):
            if field.start() != place:
                return -1
            place, count = field.end(), count + 1
            fields[field[1].lower()] = field[2]
        if place != end + 2 or len(fields) != count or not self._framed(fields):
            return -1
        self._started = True
        return end + 4

    def _framed(self, fields: dict[bytes, bytes]) -> bool:
        """Take note of how the body is framed; whether that and what it holds is usual."""
        if any(name in fields for name in _UNUSUAL):
            return False
        if fields.get(b"connection", b"keep-alive").lower() != b"keep-alive":
            return False
        kind = fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
        length = fields.get(b"content-length")
        if length is None:
            self._chunked = True
            return kind == b"text/event-stream" and fields.get(b"transfer-encoding") == b"chunked"
        if not length.isdigit() or len(length) > _LONGEST_LENGTH:
            return False
        self._left = int(length)
        return kind == b"application/json" and b"transfer-encoding" not in fields

    def _plain(self, data: bytes, at_ns: int, end_since_ns: int) -> bool:
        self._left -= len(data)
        if self._left > 0:
            self._carry += data
            return True
        if self._left < 0:
            return False
        document = _document(self._carry + data)
        if document is None or not document.choices:
            return False
        carried = 0
        for place, choice in enumerate(document.choices):
            delta = choice.message
            if choice.index != place or choice.delta is not None:
                return False
            if delta is None or delta.tool_calls:
                return False
            carried |= self._carried(delta)
        self._finish = document.choices[0].finish_reason or None
        if document.usage is not None:
            if not self._counted(document.usage):
                return False
            carried |= USAGE
        self.moments.note(carried, at_ns, end_since_ns)
        self.complete = True
        return True

    def _frames(self, data: bytes, at_ns: int, since_ns: int, end_since_ns: int) -> bool:
        """Take the HTTP chunks of a stream, each of which holds whole events."""
        if self._carry:
            data, self._carry = self._carry + data, b""
        place, length = 0, len(data)
        while place < length:
            begin = data.find(b"\r\n", place, place + 6) + 2
            size = _SIZES.get(data[place : begin - 2]) if begin > 1 else None
            if size is None:
                return self._last_frame(data[place:])
            end = begin + size
            if end + 2 > length:
                if begin < length and self.moments.first_byte is None:
                    self.moments.note_byte(at_ns, since_ns)
                break
            last_ns = end_since_ns if end + 2 == length else since_ns
            if data[end - 2 : end + 2] != b"\n\n\r\n" or data.find(b"\r", begin, end) >= 0:
                return False
            if self.moments.first_byte is None:
                self.moments.note_byte(at_ns, since_ns)
            if data.find(b"\n", begin, end) == end - 2:
                usual = self._event(data[begin : end - 2], at_ns, last_ns)
            else:
                usual = self._events(data[begin : end - 2], at_ns, since_ns, last_ns)
            if not usual:
                return False
            place = end + 2
        self._carry = data[place:]
        return True

    def _last_frame(self, data: bytes) -> bool:
        """Take what begins like no chunk with a body: the last one, or the start of any."""
        if data == _LAST:
            self.complete = self.moments.first_byte is not None
            return self.complete
        self._carry = data
        return len(data) < len(_LAST)

    def _events(self, lines: bytes, at_ns: int, since_ns: int, last_ns: int) -> bool:
        """Take several events of one HTTP chunk."""
        *inner, last = lines.split(b"\n\n")
        return (
            all(b"\n" not in line and self._event(line, at_ns, since_ns) for line in inner)
            and b"\n" not in last
            and self._event(last, at_ns, last_ns)
        )

    def _event(self, line: bytes, at_ns: int, since_ns: int) -> bool:
        moments = self.moments
        if moments.first_event is None:
            moments.first_event = at_ns
        if self.done or line[:6] != _PREFIX:
            return False
        try:
            document = _decode(line[6:])
        except (ValueError, RecursionError):
            self.done = line == _DONE_LINE
            return self.done
        choices, carried = document.choices, 0
        if choices:
            choice = choices[0]
            delta = choice.delta
            if delta is None or choice.index or choice.message is not None or len(choices) > 1:
                return False
            if delta.tool_calls:
                return False
            carried = self._carried(delta)
            if self._finish is not None and carried & OUTPUT:
                return False
            if choice.finish_reason and self._finish is None:
                self._finish = choice.finish_reason
        if document.usage is not None:
            if not self._counted(document.usage):
                return False
            carried |= USAGE
        if carried:
            moments.note(carried, at_ns, since_ns)
        return True

    def _counted(self, given: _Usage) -> bool:
        """Take a report of usage; whether it names a count at all."""
        reasoning, cached = given.completion_tokens_details, given.prompt_tokens_details
        usage = Usage(
            given.prompt_tokens,
            given.completion_tokens,
            given.total_tokens,
            None if reasoning is None else reasoning.reasoning_tokens,
            None if cached is None else cached.cached_tokens,
        )
        if usage == NOTHING:
            return False
        self.usage = usage if self.usage is None else self.usage.maximum(usage)
        return True

    def _carried(self, delta: _Delta) -> int:
        """What a message or a part of one carries, in the bits of `routes.completion`."""
        carried = 0
        if delta.content:
            carried = ANSWER
            self._text += len(delta.content)
        if delta.role:
            carried |= ROLE
        reasoning = delta.reasoning_content or delta.reasoning
        if reasoning:
            carried |= REASONING
            self._text += len(reasoning)
        if delta.refusal:
            carried |= ANSWER
            self._text += len(delta.refusal)
        return carried


def _document(data: bytes) -> _Document | None:
    try:
        return _decode(data)
    except (ValueError, RecursionError):
        return None


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("ascii")
