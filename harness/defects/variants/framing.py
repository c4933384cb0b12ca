"""Event streams that are written in another way and mean the same (WHATWG HTML, section 9.2)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.defects.edits import document_of, event_of, is_done, on_events
from harness.defects.variants.variant import Variant
from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Response

_SSE = "WHATWG HTML, section 9.2.6"
_MEASURED = "accepted by openai-python, openai-node and AI SDK as measured"


def _each(edit: Callable[[bytes], bytes]) -> Callable[[Served], Response]:
    def edited(events: list[Chunk]) -> list[Chunk]:
        return [Chunk(edit(event.data), event.at_ns) for event in events]

    return on_events(edited)


def _crlf(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def _cr(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r")


def _without_space(data: bytes) -> bytes:
    return data.replace(b"data: ", b"data:", 1)


def _several_lines(data: bytes) -> bytes:
    """The JSON text on several data lines, which a decoder joins by line feeds."""
    text = data.removeprefix(b"data: ").strip()
    if not text.startswith(b"{"):
        return data
    lines = json.dumps(json.loads(text), ensure_ascii=False, indent=1).encode().split(b"\n")
    return b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"


def _with_comments(events: list[Chunk]) -> list[Chunk]:
    return [chunk for event in events for chunk in (Chunk(b": keep-alive\n\n", event.at_ns), event)]


def _with_storm(events: list[Chunk]) -> list[Chunk]:
    storm = b":\n\n" * 100
    return [chunk for event in events for chunk in (Chunk(storm, event.at_ns), event)]


def _comment_inside(data: bytes) -> bytes:
    return b": inside\n" + data


def _numbered(events: list[Chunk]) -> list[Chunk]:
    return [
        Chunk(b"id: %d\nretry: 3000\n" % number + event.data, event.at_ns)
        for number, event in enumerate(events)
    ]


def _paired(events: list[Chunk]) -> list[Chunk]:
    """Two events in one write, at the time of the second."""
    pairs = [events[start : start + 2] for start in range(0, len(events), 2)]
    return [Chunk(b"".join(e.data for e in pair), pair[-1].at_ns) for pair in pairs]


def _blank_lines(data: bytes) -> bytes:
    return b"\n" + data + b"\n\n"


def _unknown_field(data: bytes) -> bytes:
    return b"x-trace: abc\n" + data


def _escaped(data: bytes) -> bytes:
    text = data.removeprefix(b"data: ").strip()
    if not text.startswith(b"{"):
        return data
    return b"data: " + json.dumps(json.loads(text), separators=(",", ":")).encode() + b"\n\n"


def _spaced(data: bytes) -> bytes:
    text = data.removeprefix(b"data: ").strip()
    if not text.startswith(b"{"):
        return data
    return b"data: " + json.dumps(json.loads(text), ensure_ascii=False).encode() + b"\n\n"


def _reordered(data: bytes) -> bytes:
    text = data.removeprefix(b"data: ").strip()
    if not text.startswith(b"{"):
        return data
    return b"data: " + encode(dict(reversed(json.loads(text).items()))) + b"\n\n"


def _empty_content(events: list[Chunk]) -> list[Chunk]:
    """A chunk with empty content before each `[DONE]` and between outputs."""
    first = document_of(events[0])
    if first is None or not first.get("choices"):
        return events
    empty = {**first, "choices": [{"index": 0, "delta": {"content": ""}}]}
    empty.pop("usage", None)
    return [events[0], event_of(empty, events[0].at_ns), *events[1:]]


def _huge(events: list[Chunk]) -> list[Chunk]:
    """An event of 2 MB: padding in the first chunk."""
    first = document_of(events[0])
    if first is None:
        return events
    return [event_of({**first, "p": "x" * 2_000_000}, events[0].at_ns), *events[1:]]


def _done_is_last_write(events: list[Chunk]) -> list[Chunk]:
    """`[DONE]` a little after everything else."""
    return [Chunk(e.data, e.at_ns + 5_000_000 * is_done(e)) for e in events]


def _later_end(served: Served) -> Response:
    response = on_events(_done_is_last_write)(served)
    return replace(response, end_at_ns=response.end_at_ns + 5_000_000)


_CATALOGUE = {"huge-event": ("F25",), "keep-alive-storm": ("F28",)}


def _rows(
    rows: Sequence[tuple[str, str, Callable[[Served], Response], str]],
) -> tuple[Variant, ...]:
    why = "an event-stream decoder reads the same events"
    return tuple(
        Variant(
            name=name,
            statement=statement,
            why=why,
            source=source,
            respond=respond,
            catalogue=_CATALOGUE.get(name, ()),
        )
        for name, statement, respond, source in rows
    )


FRAMING = _rows(
    (
        ("crlf", "lines end with CR LF", _each(_crlf), _SSE),
        ("cr", "lines end with CR alone", _each(_cr), _SSE),
        ("no-space-after-colon", "`data:{...}` without the space", _each(_without_space), _SSE),
        ("multi-line-data", "one JSON text on several data lines", _each(_several_lines), _SSE),
        (
            "comment-keep-alive",
            "a comment before each event",
            on_events(_with_comments),
            "axum KeepAlive; " + _MEASURED,
        ),
        (
            "keep-alive-storm",
            "a hundred empty comments before each event",
            on_events(_with_storm),
            _SSE,
        ),
        ("comment-inside-event", "a comment line inside each event", _each(_comment_inside), _SSE),
        (
            "id-and-retry",
            "each event has id: and retry: fields",
            on_events(_numbered),
            _SSE,
        ),
        (
            "event-message",
            "each event is named `message`, the default name",
            _each(lambda data: b"event: message\n" + data),
            "WHATWG HTML, section 9.2.6; " + _MEASURED,
        ),
        (
            "coalesced-writes",
            "two events in one write",
            on_events(_paired),
            "RFC 9112, section 7.1: chunk borders mean nothing",
        ),
        ("blank-lines", "additional empty lines between events", _each(_blank_lines), _SSE),
        ("unknown-field", "a field that the specification ignores", _each(_unknown_field), _SSE),
        (
            "json-escaped",
            "characters outside ASCII are written as \\u escapes",
            _each(_escaped),
            "RFC 8259, section 7",
        ),
        ("json-spaced", "JSON with spaces", _each(_spaced), "RFC 8259, section 2"),
        (
            "json-reordered",
            "the fields of each chunk in another order",
            _each(_reordered),
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
            "no limit stands in WHATWG HTML; " + _MEASURED,
        ),
        ("done-later", "`[DONE]` comes some time after the last chunk", _later_end, _SSE),
    )
)
