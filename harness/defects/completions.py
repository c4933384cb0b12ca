"""Class S, continued: fields of completions and chunks that are missing or of another type."""

from collections.abc import Callable
from typing import Any

from harness.defects.defect import defect
from harness.defects.edits import (
    Document,
    boths,
    choices,
    document_of,
    documents,
    event_of,
    finish_position,
    has_calls,
    inserted,
    on_documents,
    part_of,
    plains,
    streams,
)
from harness.gateway.served import Served
from harness.wire import Chunk, Response

_STREAM, _PLAIN, _CHAT = (
    "every streamed chat answer",
    "every plain chat answer",
    "every chat answer",
)


def _cut_name(document: Document) -> Document:
    return {**document, "model": document["model"].rpartition("-")[0]}


def _without(name: str) -> Callable[[Document], Document]:
    return lambda document: {key: value for key, value in document.items() if key != name}


def _with(**fields: Any) -> Callable[[Document], Document]:
    return lambda document: {**document, **fields}


def _in_choices(edit: Callable[[Document], object]) -> Callable[[Document], Document]:
    def edited(document: Document) -> Document:
        for choice in choices(document):
            edit(choice)
        return document

    return edited


def _in_parts(edit: Callable[[Document], object]) -> Callable[[Document], Document]:
    return _in_choices(lambda choice: edit(part_of(choice)))


def _counting_created(served: Served) -> Response:
    made = iter(range(10_000_000))
    return on_documents(
        served, lambda document: {**document, "created": document["created"] + next(made)}
    )


def _empty_first(events: list[Chunk]) -> list[Chunk]:
    first = document_of(events[0]) or {}
    filters = {**first, "choices": [], "prompt_filter_results": []}
    return [event_of(filters, events[0].at_ns), *events]


def _missing_choices(events: list[Chunk]) -> list[Chunk]:
    first = document_of(events[0]) or {}
    first.pop("choices", None)
    return [events[0], event_of(first, events[0].at_ns), *events[1:]]


def _finish_empty(choice: Document) -> None:
    choice.setdefault("finish_reason", "")


def _finish_twice(events: list[Chunk]) -> list[Chunk]:
    where = finish_position(events)
    return [*events[: where + 1], events[where], *events[where + 1 :]]


def _glued(events: list[Chunk]) -> list[Chunk]:
    return [*events, *(Chunk(event.data, events[-1].at_ns) for event in events)]


def _content_null(message: Document) -> None:
    if not message.get("tool_calls"):
        message["content"] = None
        message.pop("reasoning_content", None)


def _content_gone(message: Document) -> None:
    if not message.get("tool_calls"):
        message.pop("content", None)
        message.pop("reasoning_content", None)


def _content_parts(part: Document) -> None:
    if part.get("content"):
        part["content"] = [{"type": "text", "text": part["content"]}]


def _json_in_one_event(events: list[Chunk]) -> list[Chunk]:
    """The whole answer as a plain completion, in a single event."""
    found = [d for e in events if (d := document_of(e))]
    if not found or any(has_calls(d) for d in found):
        return events
    text = "".join(part_of(c).get("content") or "" for d in found for c in choices(d))
    reasons = [c["finish_reason"] for d in found for c in choices(d) if c.get("finish_reason")]
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": (reasons or ["stop"])[0]}
    whole = {**found[-1], "object": "chat.completion", "choices": [choice]}
    return [event_of(whole, events[-1].at_ns), events[-1]]


COMPLETIONS = (
    defect(
        "created-changes",
        "S02",
        "created differs from chunk to chunk",
        _STREAM,
        _counting_created,
        source="BerriAI/litellm#38098",
    ),
    defect("missing-id", "S04", "there is no id", _CHAT, boths(_without("id"))),
    defect("id-empty", "own", "the id is an empty string", _CHAT, boths(_with(id="")), group="S"),
    defect("missing-object", "S04", "there is no object", _CHAT, boths(_without("object"))),
    defect(
        "plain-object-wrong",
        "own",
        "object is text_completion",
        _PLAIN,
        plains(_with(object="text_completion")),
        group="S",
    ),
    defect(
        "model-name-cut",
        "own",
        "the model's name lacks its last part, the size",
        _CHAT,
        boths(_cut_name),
        group="S",
    ),
    defect("missing-model", "own", "there is no model", _CHAT, boths(_without("model")), group="S"),
    defect(
        "missing-created",
        "own",
        "there is no created",
        _CHAT,
        boths(_without("created")),
        group="S",
    ),
    defect(
        "created-string",
        "own",
        "created is an ISO date",
        _CHAT,
        boths(_with(created="2026-11-01T00:00:00Z")),
        group="S",
    ),
    defect(
        "created-milliseconds",
        "own",
        "created is in milliseconds",
        _CHAT,
        boths(lambda document: {**document, "created": document["created"] * 1000}),
        group="S",
    ),
    defect(
        "choices-empty-first",
        "S10",
        "the first chunk has empty choices",
        _STREAM,
        streams(_empty_first),
        source="pydantic/logfire#64, langfuse#2833",
    ),
    defect("choices-missing", "S11", "a chunk has no choices", _STREAM, streams(_missing_choices)),
    defect(
        "choices-object",
        "own",
        "choices is an object",
        _CHAT,
        boths(lambda document: {**document, "choices": (choices(document) or [{}])[0]}),
        group="S",
    ),
    defect(
        "plain-choices-empty",
        "own",
        "a plain answer has no choice",
        _PLAIN,
        plains(_with(choices=[])),
        group="S",
    ),
    defect(
        "finish-object",
        "S16",
        "finish_reason is an object",
        _CHAT,
        boths(
            _in_choices(
                lambda c: c.get("finish_reason") and c.update(finish_reason={"type": "stop"})
            )
        ),
    ),
    defect(
        "finish-empty-string",
        "S17",
        "finish_reason is an empty string on every other chunk",
        _STREAM,
        documents(_in_choices(_finish_empty)),
    ),
    defect(
        "finish-missing",
        "own",
        "no choice has a finish reason",
        _CHAT,
        boths(_in_choices(lambda choice: choice.pop("finish_reason", None))),
        group="S",
    ),
    defect(
        "finish-twice",
        "own",
        "the finish chunk comes twice",
        _STREAM,
        streams(_finish_twice),
        group="S",
    ),
    defect(
        "content-null-nonstream",
        "S22",
        "a plain answer's content is null although it was generated",
        _PLAIN,
        plains(_in_parts(_content_null)),
        source="Rapid-MLX#724, sglang#25267",
    ),
    defect(
        "content-missing",
        "S22",
        "a plain answer's message has no content",
        _PLAIN,
        plains(_in_parts(_content_gone)),
        source="mlx-lm#1738",
    ),
    defect(
        "content-parts",
        "own",
        "content is a list of parts",
        _CHAT,
        boths(_in_parts(_content_parts)),
        group="S",
    ),
    defect(
        "warning-chunk",
        "S23",
        "a warning is an event of its own",
        _STREAM,
        inserted(b'data: {"warning":"model is deprecated"}\n\n'),
        source="langwatch/tasks#700",
    ),
    defect("two-streams-glued", "S25", "a second stream follows [DONE]", _STREAM, streams(_glued)),
    defect(
        "wrong-choice-index",
        "S26",
        "the only choice has index 1",
        _CHAT,
        boths(_in_choices(lambda choice: choice.update(index=1))),
    ),
    defect(
        "index-string",
        "own",
        "the index is a string",
        _CHAT,
        boths(_in_choices(lambda choice: choice.update(index=str(choice.get("index", 0))))),
        group="S",
    ),
    defect(
        "role-user",
        "own",
        "the answer's role is user",
        _CHAT,
        boths(_in_parts(lambda part: "role" in part and part.update(role="user"))),
        group="S",
    ),
    defect(
        "role-missing-plain",
        "own",
        "a plain answer's message has no role",
        _PLAIN,
        plains(_in_parts(lambda part: part.pop("role", None))),
        group="S",
    ),
    defect(
        "delta-null",
        "own",
        "the finish chunk's delta is null",
        _STREAM,
        documents(_in_choices(lambda c: c.get("finish_reason") and c.update(delta=None))),
        group="S",
    ),
    defect(
        "text-for-message",
        "own",
        "choices have text, as the older completions API",
        _PLAIN,
        plains(_in_choices(lambda c: c.update(text=c.pop("message", {}).get("content")))),
        group="S",
    ),
    defect(
        "json-in-one-sse-event",
        "T16",
        "a stream is one event with a plain completion",
        _STREAM,
        streams(_json_in_one_event),
        source="constructed (gateway fallback)",
    ),
    defect(
        "nan-in-json",
        "own",
        "a number is NaN, which JSON does not have",
        _CHAT,
        boths(lambda document: {**document, "score": float("nan")}),
        group="S",
    ),
)
