"""A second reading of the same bytes: whole bodies, by regular expression, after the fact.

The parsers in `harness.routes` read incrementally. This one shares no code with them, so that an
error in either shows as a difference, and it keeps what a decoder is told to ignore (WHATWG HTML,
section 9.2.6): stray lines, an unterminated end, a byte-order mark, malformed UTF-8.
"""

import json
import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from harness.wire import Response

_LINE = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")
_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"data", b"event", b"id", b"retry")


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()
"""Stands for "no JSON value", because null is one."""


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON (RFC 8259, section 6)")


class _TwiceError(ValueError):
    """An object of a JSON text that has a name twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return made


_JSON = json.JSONDecoder(parse_constant=_refuse)
_ONCE = json.JSONDecoder(parse_constant=_refuse, object_pairs_hook=_object)


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """One event as its bytes say it; `document` is its JSON value, or `ABSENT`.

    `at_ns` is the arrival of the chunk that completed it, `offset` its first byte in the body.
    """

    number: int
    offset: int
    at_ns: int
    name: str | None
    data: str | None
    document: Any
    doubled: str | None = None
    """A name that an object of the document has twice."""

    @property
    def done(self) -> bool:
        """Whether this is the terminator, exactly as OpenAI writes it."""
        return self.data == "[DONE]"


@dataclass(frozen=True)
class Reading:
    """What the bytes of one response say, with nothing repaired.

    `events` is filled for an event stream, `document` for anything that is one JSON text; a body
    that is neither has `document` ABSENT and the parser's complaint in `json_error`. `malformed`
    are offsets and bytes that are not UTF-8; `stray` are lines that a decoder ignores; `doubled`
    is a name that an object of the document has twice.
    """

    streamed: bool
    body: bytes
    document: Any = ABSENT
    json_error: str | None = None
    events: tuple[ReadEvent, ...] = ()
    malformed: tuple[tuple[int, bytes], ...] = ()
    stray: tuple[tuple[int, bytes], ...] = ()
    unterminated: bytes = b""
    comments: int = 0
    mark: bool = False
    doubled: str | None = None

    @cached_property
    def chunks(self) -> tuple[tuple[ReadEvent, dict[str, Any]], ...]:
        """The events whose data is a JSON object."""
        return tuple((e, e.document) for e in self.events if isinstance(e.document, dict))

    @cached_property
    def usages(self) -> tuple[tuple[int, dict[str, Any]], ...]:
        """Every usage object with the number of its event, in order; a plain body is event 0."""
        documents = [(event.number, document) for event, document in self.chunks]
        if not self.streamed and isinstance(self.document, dict):
            documents = [(0, self.document)]
        found = ((number, document.get("usage")) for number, document in documents)
        return tuple((number, usage) for number, usage in found if isinstance(usage, dict))

    @cached_property
    def failed_inside(self) -> bool:
        """Whether a stream reports an error, which one clause of its own judges."""
        if any(event.name == "error" for event in self.events):
            return True
        return any(document.get("error") is not None for _, document in self.chunks)


def read(response: Response) -> Reading:
    """Read a body as an event stream if its type or its first bytes say so, else as JSON."""
    body = response.body
    malformed = malformed_utf8(body)
    if not looks_streamed(response):
        document, complaint, doubled = _parse(body.decode("utf-8", "surrogateescape"))
        return Reading(False, body, document, complaint, malformed=malformed, doubled=doubled)
    return _read_events(response, body, malformed)


def looks_streamed(response: Response) -> bool:
    """Whether the body is an event stream: by its label, or by how it begins."""
    start = response.body[:64].removeprefix(_BOM).lstrip()
    if start[:1] in (b"{", b"["):
        return False
    by_start = start[:5].lower() == b"data:" or start[:6] == b"event:" or start[:1] == b":"
    return by_start or response.media_type == "text/event-stream"


def parse_json(text: str) -> tuple[Any, str | None]:
    """The JSON value of `text` and None, or ABSENT and what is wrong with it."""
    value, complaint, _ = _parse(text)
    return value, complaint


def _parse(text: str) -> tuple[Any, str | None, str | None]:
    """`parse_json`, and the first name that an object has twice; its last value counts."""
    try:
        return _ONCE.decode(text), None, None
    except _TwiceError as error:
        return (*_parse_anyhow(text), str(error))
    except (ValueError, RecursionError) as error:
        return ABSENT, str(error) or type(error).__name__, None


def _parse_anyhow(text: str) -> tuple[Any, str | None]:
    try:
        return _JSON.decode(text), None
    except (ValueError, RecursionError) as error:
        return ABSENT, str(error) or type(error).__name__


def malformed_utf8(body: bytes) -> tuple[tuple[int, bytes], ...]:
    """Offset and bytes of everything in `body` that is not UTF-8, the first eight."""
    found: list[tuple[int, bytes]] = []
    start = 0
    while len(found) < 8:
        try:
            body[start:].decode("utf-8")
        except UnicodeDecodeError as error:
            first, last = start + error.start, start + error.end
            found.append((first, body[first:last]))
            start = last
        else:
            break
    return tuple(found)


def _read_events(
    response: Response, body: bytes, malformed: tuple[tuple[int, bytes], ...]
) -> Reading:
    ends = list(accumulate(len(chunk.data) for chunk in response.chunks))
    times = [chunk.at_ns for chunk in response.chunks]
    mark = body.startswith(_BOM)
    events: list[ReadEvent] = []
    stray: list[tuple[int, bytes]] = []
    block: list[tuple[int, bytes]] = []
    comments = 0
    for match in _LINE.finditer(body, len(_BOM) if mark else 0):
        line, ending = match.group(1), match.group(2)
        if not line:
            if block and ending:
                at_ns = times[bisect_left(ends, match.end())]
                events.append(_event(len(events), block, at_ns))
                block = []
            continue
        if line.startswith(b":"):
            comments += 1
        elif line.partition(b":")[0] in _FIELDS:
            block.append((match.start(), line))
        else:
            stray.append((match.start(), line))
    rest = b"\n".join(line for _, line in block)
    return Reading(
        True, body, ABSENT, None, tuple(events), malformed, tuple(stray), rest, comments, mark
    )


def _event(number: int, block: list[tuple[int, bytes]], at_ns: int) -> ReadEvent:
    fields = [_field(item) for item in block]
    data = [value for name, value in fields if name == b"data"]
    names = [value for name, value in fields if name == b"event"]
    text = b"\n".join(data).decode("utf-8", "surrogateescape") if data else None
    silent = text is None or text == "[DONE]"
    document, _, doubled = (ABSENT, None, None) if silent else _parse(text or "")
    name = names[-1].decode("utf-8", "surrogateescape") if names else None
    return ReadEvent(number, block[0][0], at_ns, name, text, document, doubled)


def _field(item: tuple[int, bytes]) -> tuple[bytes, bytes]:
    name, _, value = item[1].partition(b":")
    return name, value.removeprefix(b" ")
