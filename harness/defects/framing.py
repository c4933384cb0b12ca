"""Class F: framing of server-sent events (WHATWG HTML, section 9.2)."""

from harness.defects.defect import Defect
from harness.defects.edits import each_event, is_done, middle_event, on_events
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


FRAMING = (
    Defect(
        name="missing-done",
        catalogue="F01",
        group="F",
        statement="the stream has no data: [DONE]",
        shown_by="every streamed chat answer",
        source="ik_llama.cpp#467, llama.cpp#9459, TGI#1896",
        respond=missing_done,
    ),
    Defect(
        name="done-lowercase",
        catalogue="F02",
        group="F",
        statement="the end marker is [done]",
        shown_by="every streamed chat answer",
        source="constructed, after gpustack#6155",
        respond=each_event(lambda data: data.replace(b"data: [DONE]", b"data: [done]")),
    ),
    Defect(
        name="data-after-done",
        catalogue="F04",
        group="F",
        statement="an event follows [DONE]",
        shown_by="every streamed chat answer",
        source="constructed",
        respond=data_after_done,
    ),
    Defect(
        name="single-newline-separators",
        catalogue="F07",
        group="F",
        statement="events are separated by one line end instead of an empty line",
        shown_by="every streamed chat answer",
        source="constructed",
        respond=each_event(lambda data: data.replace(b"\n\n", b"\n")),
    ),
    Defect(
        name="bad-json-event",
        catalogue="F10",
        group="F",
        statement="one event in the middle holds cut JSON",
        shown_by="every streamed chat answer with text",
        source="constructed",
        respond=middle_event(_truncate_json),
    ),
    Defect(
        name="field-case",
        catalogue="F17",
        group="F",
        statement="the field is called Data, which event-stream parsers ignore",
        shown_by="every streamed chat answer",
        source="constructed",
        respond=each_event(lambda data: data.replace(b"data:", b"Data:", 1)),
    ),
    Defect(
        name="invalid-utf8",
        catalogue="F22",
        group="F",
        statement="a byte 0xFF stands inside a text delta",
        shown_by="every streamed chat answer with text",
        source="ai-dynamo/dynamo#12630, mlx-vlm#1076",
        respond=middle_event(_damage_text),
    ),
)
