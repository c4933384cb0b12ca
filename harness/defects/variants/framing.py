"""Event streams that are written in another way and mean the same (WHATWG HTML, section 9.2)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.edits import (
    document_of,
    each_event,
    event_of,
    is_done,
    on_events,
)
from harness.defects.variants.variant import rows
from harness.gateway.served import Edit, Served
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Response

_SSE = "WHATWG HTML, section 9.2.6"
_MEASURED = "accepted by openai-python, openai-node and AI SDK as measured"
_LATER_NS = 5_000_000


def _replaced(old: bytes, new: bytes) -> Edit:
    return each_event(lambda data: data.replace(old, new))


def _line(line: bytes) -> Edit:
    """A further line at the beginning of each event."""
    return each_event(lambda data: line + data)


def _json(write: Callable[[Any], str]) -> Edit:
    """The JSON text of each event in other bytes; a line feed in it starts another data line."""

    def edit(data: bytes) -> bytes:
        text = data.removeprefix(b"data: ").strip()
        if not text.startswith(b"{"):
            return data
        lines = write(json.loads(text)).replace("\n", "\ndata: ")
        return f"data: {lines}\n\n".encode()

    return each_event(edit)


def _comment(text: bytes) -> Edit:
    """A comment in a write of its own before each event."""
    return on_events(lambda e: [write for each in e for write in (Chunk(text, each.at_ns), each)])


def _numbered(events: list[Chunk]) -> list[Chunk]:
    return [
        Chunk(b"id: %d\nretry: 3000\n" % number + event.data, event.at_ns)
        for number, event in enumerate(events)
    ]


def _paired(events: list[Chunk]) -> list[Chunk]:
    """Two events in one write, at the time of the second."""
    pairs = [events[start : start + 2] for start in range(0, len(events), 2)]
    return [Chunk(b"".join(e.data for e in pair), pair[-1].at_ns) for pair in pairs]


def _empty_content(events: list[Chunk]) -> list[Chunk]:
    """A chunk with empty content behind the first one."""
    first = document_of(events[0])
    if first is None or not first.get("choices"):
        return events
    empty = {**first, "choices": [{"index": 0, "delta": {"content": ""}}]}
    empty.pop("usage", None)
    return [events[0], event_of(empty, events[0].at_ns), *events[1:]]


def _huge(events: list[Chunk]) -> list[Chunk]:
    """Padding in the first chunk."""
    first = document_of(events[0])
    if first is None:
        return events
    return [event_of({**first, "p": "x" * 2_000_000}, events[0].at_ns), *events[1:]]


def _done_later(served: Served) -> Response:
    def edit(events: list[Chunk]) -> list[Chunk]:
        return [Chunk(e.data, e.at_ns + _LATER_NS * is_done(e)) for e in events]

    response = on_events(edit)(served)
    return replace(response, end_at_ns=response.end_at_ns + _LATER_NS)


FRAMING = rows(
    ("crlf", "lines end with CR LF", _replaced(b"\n", b"\r\n"), _SSE),
    ("cr", "lines end with CR alone", _replaced(b"\n", b"\r"), _SSE),
    (
        "no-space-after-colon",
        "`data:{...}` without the space",
        each_event(lambda data: data.replace(b"data: ", b"data:", 1)),
        _SSE,
    ),
    (
        "multi-line-data",
        "one JSON text on several data lines",
        _json(lambda document: json.dumps(document, ensure_ascii=False, indent=1)),
        _SSE,
    ),
    (
        "comment-keep-alive",
        "a comment before each event",
        _comment(b": keep-alive\n\n"),
        f"axum KeepAlive; {_MEASURED}",
    ),
    (
        "keep-alive-storm",
        "a hundred empty comments before each event",
        _comment(b":\n\n" * 100),
        f"F28, {_SSE}",
    ),
    ("comment-inside-event", "a comment line inside each event", _line(b": inside\n"), _SSE),
    ("id-and-retry", "each event has id: and retry: fields", on_events(_numbered), _SSE),
    (
        "event-message",
        "each event is named `message`, the default name",
        _line(b"event: message\n"),
        f"{_SSE}; {_MEASURED}",
    ),
    (
        "coalesced-writes",
        "two events in one write",
        on_events(_paired),
        "RFC 9112, section 7.1: chunk borders mean nothing",
    ),
    (
        "blank-lines",
        "additional empty lines between events",
        each_event(lambda data: b"\n" + data + b"\n\n"),
        _SSE,
    ),
    (
        "unknown-field",
        "a field that the specification ignores",
        _line(b"x-trace: abc\n"),
        _SSE,
    ),
    (
        "json-escaped",
        "characters outside ASCII are written as \\u escapes",
        _json(lambda document: json.dumps(document, separators=(",", ":"))),
        "RFC 8259, section 7",
    ),
    (
        "json-spaced",
        "JSON with spaces",
        _json(lambda document: json.dumps(document, ensure_ascii=False)),
        "RFC 8259, section 2",
    ),
    (
        "json-reordered",
        "the fields of each chunk in another order",
        _json(lambda document: encode(dict(reversed(document.items()))).decode()),
        "RFC 8259, section 4",
    ),
    (
        "empty-content-chunk",
        "a chunk whose content is an empty string",
        on_events(_empty_content),
        "Dynamo delta.rs: multi-byte characters leave such chunks",
    ),
    (
        "huge-event",
        "an event of 2 MB",
        on_events(_huge),
        f"F25, no limit stands in WHATWG HTML; {_MEASURED}",
    ),
    ("done-later", "`[DONE]` comes some time after the last chunk", _done_later, _SSE),
    why="an event-stream decoder reads the same events",
)
