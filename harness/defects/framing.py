"""Class F: framing of server-sent events (WHATWG HTML, section 9.2)."""

from harness.defects.edits import each_event, is_done, middle_event, on_events
from harness.defects.rows import rows
from harness.gateway.served import Served
from harness.wire import Chunk, Response


def missing_done(served: Served) -> Response:
    """No end marker."""
    return on_events(served, lambda events: [item for item in events if not is_done(item)])


def data_after_done(served: Served) -> Response:
    """Metrics behind the end marker."""
    metrics = b'data: {"metrics":{"queue_ms":1}}\n\n'
    return on_events(served, lambda events: [*events, Chunk(metrics, events[-1].at_ns)])


def _truncate_json(data: bytes) -> bytes:
    return data[: len(data) // 2].rstrip() + b"\n\n"


def _damage_text(data: bytes) -> bytes:
    return data.replace(b'"content":"', b'"content":"\xff', 1)


FRAMING = rows(
    "F",
    (
        "missing-done",
        "the stream has no data: [DONE]",
        missing_done,
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
    ("data-after-done", "an event follows [DONE]", data_after_done, "stream-done-last", "F04"),
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
)
