"""Class F, continued: events that decoders read as something else."""

from collections.abc import Callable

from harness.defects.defect import defect
from harness.defects.edits import (
    each_event,
    inserted,
    is_done,
    middle_event,
    streams,
)
from harness.gateway.served import Served
from harness.wire import Chunk, Response

_STREAM, _TEXT = "every streamed chat answer", "every streamed chat answer with text"


def _done_as(marker: bytes) -> Callable[[Served], Response]:
    return each_event(lambda data: data.replace(b"[DONE]", marker) if _marks(data) else data)


def _marks(data: bytes) -> bool:
    return data.startswith(b"data: [DONE]")


def _done_only(events: list[Chunk]) -> list[Chunk]:
    return [event for event in events if is_done(event)]


def _bom(events: list[Chunk]) -> list[Chunk]:
    return [Chunk(b"\xef\xbb\xbf" + events[0].data, events[0].at_ns), *events[1:]]


def _unterminated(events: list[Chunk]) -> list[Chunk]:
    return [*events[:-1], Chunk(events[-1].data.rstrip(b"\n"), events[-1].at_ns)]


def _unterminated_usage(events: list[Chunk]) -> list[Chunk]:
    """The event before `[DONE]` runs into it."""
    kept = list(events)
    if len(kept) > 1:
        kept[-2] = Chunk(kept[-2].data.rstrip(b"\n") + b"\n", kept[-2].at_ns)
    return kept


def _split_astral(data: bytes) -> bytes:
    """One event per half of the first astral character of an event's text."""
    text = data.decode("utf-8")
    where = next((i for i, c in enumerate(text) if ord(c) > 0xFFFF), None)
    if where is None or '"content":"' not in text[:where]:
        return data
    head = text[: text.index('"content":"') + len('"content":"')]
    tail = text[text.index('"', where) :]
    code = ord(text[where]) - 0x10000
    high, low = f"\\u{0xD800 + (code >> 10):04x}", f"\\u{0xDC00 + (code & 0x3FF):04x}"
    before, after = text[len(head) : where], text[where + 1 : text.index('"', where)]
    first, second = head + before + high + tail, head + low + after + tail
    return (first + second).encode("utf-8")


def _split_lines(data: bytes) -> bytes:
    """U+2028 taken for a line end, as `str.splitlines` does."""
    return data.replace("\u2028".encode(), b"\n")


def _raw_newline(data: bytes) -> bytes:
    return data.replace(b'"content":"', b'"content":"\n', 1)


_ERROR_COMMENT = b"event: error\n: Stream error: internal\n\n"

EVENTS = (
    defect("done-quoted", "F02", 'the end marker is "[DONE]"', _STREAM, _done_as(b'"[DONE]"')),
    defect("done-suffix", "F02", "a space follows [DONE]", _STREAM, _done_as(b"[DONE] ")),
    defect(
        "done-json", "F02", "the end marker is a JSON object", _STREAM, _done_as(b'{"done":true}')
    ),
    defect(
        "done-only-200",
        "F05",
        "the whole stream is data: [DONE]",
        _STREAM,
        streams(_done_only),
        source="Dynamo: an empty engine stream",
    ),
    defect(
        "done-twice",
        "own",
        "the end marker comes twice",
        _STREAM,
        streams(lambda events: [*events, events[-1]]),
        group="F",
    ),
    defect(
        "done-named",
        "own",
        "the end marker is an event of the name done",
        _STREAM,
        each_event(lambda data: b"event: done\n" + data if _marks(data) else data),
        group="F",
    ),
    defect(
        "ndjson",
        "F08",
        "JSON lines without data:",
        _STREAM,
        each_event(lambda data: data.removeprefix(b"data: ").replace(b"\n\n", b"\n")),
        source="ollama's native form",
    ),
    defect(
        "comment-as-data",
        "F11",
        "a keep-alive comment became an event",
        _TEXT,
        inserted(b"data: : keepalive\n\n"),
        source="mnfst/llm-gateway#2053",
    ),
    defect(
        "ping-json",
        "F13",
        "pings are events of an object that is no chunk",
        _TEXT,
        inserted(b'data: {"type":"ping"}\n\n'),
        source="theopenco/llmgateway#2334, opencode#50871",
    ),
    defect(
        "event-no-data",
        "F14",
        "pings are named events without data",
        _TEXT,
        inserted(b"event: ping\n\n"),
        source="copilot-api#88, omnigent#1474",
    ),
    defect(
        "named-event-hides-data",
        "F16",
        "every event is named thread.message",
        _STREAM,
        each_event(lambda data: b"event: thread.message\n" + data),
    ),
    defect("bom", "F19", "the body starts with a byte-order mark", _STREAM, streams(_bom)),
    defect(
        "unterminated-last",
        "F20",
        "the last event lacks its blank line",
        _STREAM,
        streams(_unterminated),
    ),
    defect(
        "events-run-together",
        "own",
        "no blank line between the last chunk and [DONE]",
        _STREAM,
        streams(_unterminated_usage),
        group="F",
    ),
    defect(
        "lone-surrogate",
        "F23",
        "a character outside the BMP is cut into two escapes in two chunks",
        _TEXT,
        each_event(_split_astral),
        source="mlx-vlm#1076",
    ),
    defect(
        "error-in-comment",
        "F26",
        "an error is told by event: error and a comment, then [DONE]",
        _TEXT,
        inserted(_ERROR_COMMENT),
        source="ai-dynamo/dynamo disconnect.rs, PR#8674",
    ),
    defect(
        "data-prefix-twice",
        "own",
        "each event says data: data:",
        _STREAM,
        each_event(lambda data: b"data: " + data),
        group="F",
    ),
    defect(
        "leading-space",
        "own",
        "a space stands before data:, so decoders ignore the line",
        _STREAM,
        each_event(lambda data: b" " + data),
        group="F",
    ),
    defect(
        "raw-newline",
        "own",
        "a line feed stands unescaped inside a JSON string",
        _TEXT,
        middle_event(_raw_newline),
        group="F",
    ),
    defect(
        "splitlines",
        "own",
        "U+2028 inside text ends the line",
        "streamed chat answers with U+2028",
        each_event(_split_lines),
        group="F",
        source="encode/httpx iter_lines",
    ),
    defect(
        "array-event",
        "own",
        "each event holds an array of chunks",
        _STREAM,
        each_event(lambda data: data.replace(b"data: {", b"data: [{").replace(b"}\n\n", b"}]\n\n")),
        group="F",
    ),
    defect(
        "nul-padding",
        "own",
        "a NUL byte follows each event",
        _STREAM,
        each_event(lambda data: data.replace(b"}\n\n", b"}\x00\n\n")),
        group="F",
    ),
    defect(
        "html-escaped",
        "own",
        "quotes are written as HTML entities",
        _TEXT,
        middle_event(lambda data: data.replace(b'"', b"&quot;")),
        group="F",
    ),
    defect(
        "first-event-lost",
        "own",
        "the first event of a stream is swallowed",
        "streamed chat answers of two chunks or more",
        streams(lambda events: events[1:] if len(events) > 3 else events),
        group="F",
    ),
)
