"""An event stream as text: its lines, its fields and its end."""

from harness.defects.edits import (
    each_event,
    inserted,
    is_done,
    middle_event,
    on_events,
)
from harness.defects.rows import rows
from harness.gateway.served import Edit
from harness.wire import Chunk

without_done = on_events(lambda events: [event for event in events if not is_done(event)])
_METRICS = b'data: {"metrics":{"queue_ms":1}}\n\n'


def _truncate_json(data: bytes) -> bytes:
    return data[: len(data) // 2].rstrip() + b"\n\n"


def _damage_text(data: bytes) -> bytes:
    return data.replace(b'"content":"', b'"content":"\xff', 1)


def _done_as(marker: bytes) -> Edit:
    return each_event(lambda data: data.replace(b"[DONE]", marker) if _marks(data) else data)


def _marks(data: bytes) -> bool:
    return data.startswith(b"data: [DONE]")


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


def _raw_newline(data: bytes) -> bytes:
    return data.replace(b'"content":"', b'"content":"\n', 1)


_ERROR_COMMENT = b"event: error\n: Stream error: internal\n\n"


FRAMING = rows(
    "F",
    (
        "missing-done",
        "the stream has no data: [DONE]",
        without_done,
        "stream-done",
        "F01, ik_llama.cpp#467, llama.cpp#9459, TGI#1896",
    ),
    (
        "done-lowercase",
        "the end marker is [done]",
        each_event(lambda data: data.replace(b"data: [DONE]", b"data: [done]")),
        "sse-done-exact",
        "F02, constructed, after gpustack#6155",
    ),
    (
        "data-after-done",
        "an event follows [DONE]",
        on_events(lambda events: [*events, Chunk(_METRICS, events[-1].at_ns)]),
        "stream-done-last",
        "F04",
    ),
    (
        "single-newline-separators",
        "events are separated by one line end instead of an empty line",
        each_event(lambda data: data.replace(b"\n\n", b"\n")),
        "stream-is-stream sse-terminated",
        "F07",
    ),
    (
        "bad-json-event",
        "one event in the middle holds cut JSON",
        middle_event(_truncate_json),
        "sse-json",
        "F10",
    ),
    (
        "field-case",
        "the field is called Data, which event-stream parsers ignore",
        each_event(lambda data: data.replace(b"data:", b"Data:", 1)),
        "sse-nothing-hidden",
        "F17",
    ),
    (
        "invalid-utf8",
        "a byte 0xFF stands inside a text delta",
        middle_event(_damage_text),
        "body-utf8",
        "F22, ai-dynamo/dynamo#12630, mlx-vlm#1076",
    ),
    (
        "done-quoted",
        'the end marker is "[DONE]"',
        _done_as(b'"[DONE]"'),
        "stream-done sse-done-exact",
        "F02",
    ),
    (
        "done-suffix",
        "a space follows [DONE]",
        _done_as(b"[DONE] "),
        "stream-done sse-done-exact",
        "F02",
    ),
    (
        "done-json",
        "the end marker is a JSON object",
        _done_as(b'{"done":true}'),
        "chunk-object chunk-fields stream-done",
        "F02",
    ),
    (
        "done-only-200",
        "the whole stream is data: [DONE]",
        on_events(lambda events: [*filter(is_done, events)]),
        "stream-has-choice",
        "F05, Dynamo: an empty engine stream",
    ),
    (
        "done-twice",
        "the end marker comes twice",
        on_events(lambda events: [*events, events[-1]]),
        "stream-done-last",
    ),
    (
        "done-named",
        "the end marker is an event of the name done",
        each_event(lambda data: b"event: done\n" + data if _marks(data) else data),
        "sse-event-name",
    ),
    (
        "ndjson",
        "JSON lines without data:",
        each_event(lambda data: data.removeprefix(b"data: ").replace(b"\n\n", b"\n")),
        "stream-is-stream",
        "F08, ollama's native form",
    ),
    (
        "comment-as-data",
        "a keep-alive comment became an event",
        inserted(b"data: : keepalive\n\n"),
        "sse-json",
        "F11, mnfst/llm-gateway#2053",
    ),
    (
        "ping-json",
        "pings are events of an object that is no chunk",
        inserted(b'data: {"type":"ping"}\n\n'),
        "chunk-object chunk-fields",
        "F13, theopenco/llmgateway#2334, opencode#50871",
    ),
    (
        "event-no-data",
        "pings are named events without data",
        inserted(b"event: ping\n\n"),
        "sse-event-data",
        "F14, copilot-api#88, omnigent#1474",
    ),
    (
        "named-event-hides-data",
        "every event is named thread.message",
        each_event(lambda data: b"event: thread.message\n" + data),
        "sse-event-name",
        "F16",
    ),
    ("bom", "the body starts with a byte-order mark", on_events(_bom), "sse-no-bom", "F19"),
    (
        "unterminated-last",
        "the last event lacks its blank line",
        on_events(_unterminated),
        "stream-done sse-terminated",
        "F20",
    ),
    (
        "events-run-together",
        "no blank line between the last chunk and [DONE]",
        on_events(_unterminated_usage),
        "stream-done sse-json",
    ),
    (
        "lone-surrogate",
        "a character outside the BMP is cut into two escapes in two chunks",
        each_event(_split_astral),
        "two-readings-agree text-whole",
        "F23, mlx-vlm#1076",
    ),
    (
        "error-in-comment",
        "an error is told by event: error and a comment, then [DONE]",
        inserted(_ERROR_COMMENT),
        "stream-no-error sse-event-data",
        "F26, ai-dynamo/dynamo disconnect.rs, PR#8674",
    ),
    (
        "data-prefix-twice",
        "each event says data: data:",
        each_event(lambda data: b"data: " + data),
        "stream-has-choice stream-done sse-json",
    ),
    (
        "leading-space",
        "a space stands before data:, so decoders ignore the line",
        each_event(lambda data: b" " + data),
        "stream-is-stream stream-has-choice",
    ),
    (
        "raw-newline",
        "a line feed stands unescaped inside a JSON string",
        middle_event(_raw_newline),
        "sse-json json-schema given-values",
    ),
    (
        "splitlines",
        "U+2028 inside text ends the line",
        each_event(lambda data: data.replace("\u2028".encode(), b"\n")),
        "sse-json json-schema given-values",
        "encode/httpx iter_lines",
    ),
    (
        "array-event",
        "each event holds an array of chunks",
        each_event(lambda data: data.replace(b"data: {", b"data: [{").replace(b"}\n\n", b"}]\n\n")),
        "stream-has-choice sse-json",
    ),
    (
        "nul-padding",
        "a NUL byte follows each event",
        each_event(lambda data: data.replace(b"}\n\n", b"}\x00\n\n")),
        "stream-has-choice sse-json",
    ),
    (
        "html-escaped",
        "quotes are written as HTML entities",
        middle_event(lambda data: data.replace(b'"', b"&quot;")),
        "sse-json json-schema given-values",
    ),
    (
        "first-event-lost",
        "the first event of a stream is swallowed",
        on_events(lambda events: events[1:] if len(events) > 3 else events),
        "role-first json-mode json-schema",
    ),
)
