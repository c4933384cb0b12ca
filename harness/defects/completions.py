"""Completions and chunks with fields that are missing or of another type."""

from collections.abc import Callable
from typing import Any

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
from harness.defects.rows import rows
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
    *rows(
        "S",
        (
            "created-changes",
            "created differs from chunk to chunk",
            _counting_created,
            "stream-one-created",
            "S02, BerriAI/litellm#38098",
        ),
        ("missing-id", "there is no id", boths(_without("id")), "plain-fields chunk-fields", "S04"),
        ("id-empty", "the id is an empty string", boths(_with(id="")), "plain-fields chunk-fields"),
        (
            "missing-object",
            "there is no object",
            boths(_without("object")),
            "plain-object chunk-object",
            "S04",
        ),
        (
            "plain-object-wrong",
            "object is text_completion",
            plains(_with(object="text_completion")),
            "plain-object",
        ),
        (
            "model-name-cut",
            "the model's name lacks its last part, the size",
            boths(_cut_name),
            "model-whole",
        ),
        (
            "missing-model",
            "there is no model",
            boths(_without("model")),
            "plain-fields chunk-fields",
        ),
        (
            "missing-created",
            "there is no created",
            boths(_without("created")),
            "plain-fields chunk-fields",
        ),
        (
            "created-string",
            "created is an ISO date",
            boths(_with(created="2026-11-01T00:00:00Z")),
            "plain-fields chunk-fields",
        ),
        (
            "created-milliseconds",
            "created is in milliseconds",
            boths(lambda document: {**document, "created": document["created"] * 1000}),
            "created-seconds",
        ),
        (
            "choices-empty-first",
            "the first chunk has empty choices",
            streams(_empty_first),
            "stream-first-choice",
            "S10, pydantic/logfire#64, langfuse#2833",
        ),
        (
            "choices-missing",
            "a chunk has no choices",
            streams(_missing_choices),
            "chunk-fields",
            "S11",
        ),
        (
            "choices-object",
            "choices is an object",
            boths(lambda document: {**document, "choices": (choices(document) or [{}])[0]}),
            "plain-fields chunk-fields stream-has-choice",
        ),
        (
            "plain-choices-empty",
            "a plain answer has no choice",
            plains(_with(choices=[])),
            "plain-fields",
        ),
        (
            "finish-object",
            "finish_reason is an object",
            boths(
                _in_choices(
                    lambda c: c.get("finish_reason") and c.update(finish_reason={"type": "stop"})
                )
            ),
            "plain-choices finish-known",
            "S16",
        ),
        (
            "finish-empty-string",
            "finish_reason is an empty string on every other chunk",
            documents(_in_choices(_finish_empty)),
            "finish-once finish-known finish-is-last",
            "S17",
        ),
        (
            "finish-missing",
            "no choice has a finish reason",
            boths(_in_choices(lambda choice: choice.pop("finish_reason", None))),
            "plain-choices finish-once",
        ),
        ("finish-twice", "the finish chunk comes twice", streams(_finish_twice), "finish-once"),
        (
            "content-null-nonstream",
            "a plain answer's content is null although it was generated",
            plains(_in_parts(_content_null)),
            "usage-not-for-nothing",
            "S22, Rapid-MLX#724, sglang#25267",
        ),
        (
            "content-missing",
            "a plain answer's message has no content",
            plains(_in_parts(_content_gone)),
            "usage-not-for-nothing",
            "S22, mlx-lm#1738",
        ),
        (
            "content-parts",
            "content is a list of parts",
            boths(_in_parts(_content_parts)),
            "plain-content chunk-types usage-not-for-nothing",
        ),
        (
            "warning-chunk",
            "a warning is an event of its own",
            inserted(b'data: {"warning":"model is deprecated"}\n\n'),
            "chunk-object chunk-fields",
            "S23, langwatch/tasks#700",
        ),
        (
            "two-streams-glued",
            "a second stream follows [DONE]",
            streams(_glued),
            "two-readings-agree role-once finish-once",
            "S25",
        ),
        (
            "wrong-choice-index",
            "the only choice has index 1",
            boths(_in_choices(lambda choice: choice.update(index=1))),
            "plain-choices chunk-index",
            "S26",
        ),
        (
            "index-string",
            "the index is a string",
            boths(_in_choices(lambda choice: choice.update(index=str(choice.get("index", 0))))),
            "plain-choices chunk-choices",
        ),
        (
            "role-user",
            "the answer's role is user",
            boths(_in_parts(lambda part: "role" in part and part.update(role="user"))),
            "plain-choices role-assistant",
        ),
        (
            "role-missing-plain",
            "a plain answer's message has no role",
            plains(_in_parts(lambda part: part.pop("role", None))),
            "plain-choices",
        ),
        (
            "delta-null",
            "the finish chunk's delta is null",
            documents(_in_choices(lambda c: c.get("finish_reason") and c.update(delta=None))),
            "chunk-choices",
        ),
        (
            "text-for-message",
            "choices have text, as the older completions API",
            plains(_in_choices(lambda c: c.update(text=c.pop("message", {}).get("content")))),
            "plain-choices usage-not-for-nothing tool-required",
        ),
        (
            "nan-in-json",
            "a number is NaN, which JSON does not have",
            boths(lambda document: {**document, "score": float("nan")}),
            "plain-one-json stream-has-choice sse-json",
        ),
    ),
    *rows(
        "T",
        (
            "json-in-one-sse-event",
            "a stream is one event with a plain completion",
            streams(_json_in_one_event),
            "chunk-object chunk-choices role-first",
            "T16, gateway fallback",
        ),
    ),
)
