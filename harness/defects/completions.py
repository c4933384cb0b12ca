"""Completions and chunks with parts that are missing, doubled, of another type or out of order."""

from collections.abc import Callable
from itertools import count

from harness.defects.edits import (
    Document,
    choices,
    document_of,
    event_of,
    finish_position,
    finishing,
    has_calls,
    having,
    in_choices,
    in_parts,
    inserted,
    on_chat,
    on_events,
    on_plain,
    on_stream,
    part_of,
    with_chunks,
    without,
)
from harness.defects.rows import rows
from harness.gateway.identity import uuid4
from harness.gateway.rng import Rng
from harness.gateway.served import Served
from harness.wire import Chunk, Response


def _another_id(served: Served) -> Response:
    rng = Rng("id-changes", served.arrival.serial)
    return on_stream(lambda document: {**document, "id": f"chatcmpl-{uuid4(rng)}"})(served)


def _counting_created(served: Served) -> Response:
    made = count()
    return on_stream(having(created=lambda seconds: seconds + next(made)))(served)


role_every_chunk = on_stream(
    in_choices(lambda choice: choice.update(delta={"role": "assistant", **choice["delta"]}))
)


def _null_choices(events: list[Chunk]) -> list[Chunk]:
    first = document_of(events[0]) or {}
    extra = event_of({**first, "choices": None}, events[1].at_ns if len(events) > 1 else 0)
    return [events[0], extra, *events[1:]]


def _text_after_finish(events: list[Chunk]) -> list[Chunk]:
    where = finish_position(events)
    document = document_of(events[where])
    if document is None:
        return events
    late = {**document, "choices": [{"index": 0, "delta": {"content": " and more"}}]}
    extra = event_of(late, events[where].at_ns)
    return [*events[: where + 1], extra, *events[where + 1 :]]


def _empty_first(events: list[Chunk]) -> list[Chunk]:
    first = document_of(events[0]) or {}
    filters = {**first, "choices": [], "prompt_filter_results": []}
    return [event_of(filters, events[0].at_ns), *events]


def _missing_choices(events: list[Chunk]) -> list[Chunk]:
    first = without("choices")(document_of(events[0]) or {})
    return [events[0], event_of(first, events[0].at_ns), *events[1:]]


def _finish_twice(events: list[Chunk]) -> list[Chunk]:
    where = finish_position(events)
    return [*events[: where + 1], *events[where:]]


def _glued(events: list[Chunk]) -> list[Chunk]:
    return [*events, *(Chunk(event.data, events[-1].at_ns) for event in events)]


def _silent(**said: None) -> Callable[[Document], None]:
    """A message without calls that says nothing."""

    def edit(message: Document) -> None:
        if not message.get("tool_calls"):
            message.pop("reasoning_content", None)
            if said:
                message.update(said)
            else:
                message.pop("content", None)

    return edit


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


def _model_twice(served: Served) -> Response:
    """The model's name twice in each JSON text: the asked one and another."""
    if not (served.completed or served.streamed):
        return served.response
    twice = b'"model":"gateway","model":'
    return with_chunks(
        served.response,
        [Chunk(c.data.replace(b'"model":', twice, 1), c.at_ns) for c in served.response.chunks],
    )


COMPLETIONS = rows(
    "S",
    (
        "id-changes",
        "every chunk of a stream has another id",
        _another_id,
        "stream-one-id",
        "S01, BerriAI/litellm#1571, microsoft/foundry-local#144",
    ),
    (
        "object-not-chunk",
        'chunks say "object": "chat.completion"',
        on_stream(having(object="chat.completion")),
        "chunk-object",
        "S05, Baseten's published inference schema mixes the two",
    ),
    (
        "missing-role",
        "no delta carries a role",
        on_stream(in_parts(lambda delta: delta.pop("role", None))),
        "role-first",
        "S07, tensorzero#1265, langwatch#6196",
    ),
    (
        "role-every-chunk",
        "every delta repeats the role",
        role_every_chunk,
        "role-once",
        "S08, BerriAI/litellm PR#9986",
    ),
    (
        "choices-null",
        "a chunk in the middle has choices null",
        on_events(_null_choices),
        "chunk-fields",
        "S11",
    ),
    (
        "message-for-delta",
        "chunks carry message instead of delta",
        on_stream(in_choices(lambda c: c.update(message=c.pop("delta", {})))),
        "chunk-choices",
        "S13",
    ),
    (
        "index-missing",
        "choices have no index",
        on_chat(in_choices(lambda choice: choice.pop("index", None))),
        "chunk-choices",
        "S14",
    ),
    (
        "finish-unknown",
        "finish_reason is eos_token",
        on_chat(finishing("eos_token")),
        "finish-known",
        "S16, TGI#2466",
    ),
    (
        "finish-wrong",
        "finish_reason is stop although max_tokens cut the answer off",
        on_chat(finishing("stop")),
        "limit-is-length tool-finish",
        "S19, Dynamo delta.rs (Cancelled becomes stop); BerriAI/litellm#40260",
    ),
    (
        "content-after-finish",
        "a text delta follows the finish chunk",
        on_events(_text_after_finish),
        "finish-is-last",
        "S20",
    ),
    (
        "created-changes",
        "created differs from chunk to chunk",
        _counting_created,
        "stream-one-created",
        "S02, BerriAI/litellm#38098",
    ),
    ("missing-id", "there is no id", on_chat(without("id")), "plain-fields chunk-fields", "S04"),
    ("id-empty", "the id is an empty string", on_chat(having(id="")), "plain-fields chunk-fields"),
    (
        "missing-object",
        "there is no object",
        on_chat(without("object")),
        "plain-object chunk-object",
        "S04",
    ),
    (
        "plain-object-wrong",
        "object is text_completion",
        on_plain(having(object="text_completion")),
        "plain-object",
    ),
    (
        "model-name-cut",
        "the model's name lacks its last part, the size",
        on_chat(having(model=lambda name: name.rpartition("-")[0])),
        "model-whole",
    ),
    ("missing-model", "there is no model", on_chat(without("model")), "plain-fields chunk-fields"),
    (
        "missing-created",
        "there is no created",
        on_chat(without("created")),
        "plain-fields chunk-fields",
    ),
    (
        "created-string",
        "created is an ISO date",
        on_chat(having(created="2026-11-01T00:00:00Z")),
        "plain-fields chunk-fields",
    ),
    (
        "created-milliseconds",
        "created is in milliseconds",
        on_chat(having(created=lambda seconds: seconds * 1000)),
        "created-seconds",
    ),
    (
        "choices-empty-first",
        "the first chunk has empty choices",
        on_events(_empty_first),
        "stream-first-choice",
        "S10, pydantic/logfire#64, langfuse#2833",
    ),
    (
        "choices-missing",
        "a chunk has no choices",
        on_events(_missing_choices),
        "chunk-fields",
        "S11",
    ),
    (
        "choices-object",
        "choices is an object",
        on_chat(lambda d: {**d, "choices": (choices(d) or [{}])[0]}),
        "plain-fields chunk-fields stream-has-choice",
    ),
    (
        "plain-choices-empty",
        "a plain answer has no choice",
        on_plain(having(choices=[])),
        "plain-fields",
    ),
    (
        "finish-object",
        "finish_reason is an object",
        on_chat(finishing({"type": "stop"})),
        "plain-choices finish-known",
        "S16",
    ),
    (
        "finish-empty-string",
        "finish_reason is an empty string on every other chunk",
        on_stream(in_choices(lambda c: c.setdefault("finish_reason", ""))),
        "finish-once finish-known finish-is-last",
        "S17",
    ),
    (
        "finish-missing",
        "no choice has a finish reason",
        on_chat(in_choices(lambda choice: choice.pop("finish_reason", None))),
        "plain-choices finish-once",
    ),
    ("finish-twice", "the finish chunk comes twice", on_events(_finish_twice), "finish-once"),
    (
        "content-null-nonstream",
        "a plain answer's content is null although it was generated",
        on_plain(in_parts(_silent(content=None))),
        "usage-not-for-nothing",
        "S22, Rapid-MLX#724, sglang#25267",
    ),
    (
        "content-missing",
        "a plain answer's message has no content",
        on_plain(in_parts(_silent())),
        "usage-not-for-nothing",
        "S22, mlx-lm#1738",
    ),
    (
        "content-parts",
        "content is a list of parts",
        on_chat(in_parts(_content_parts)),
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
        on_events(_glued),
        "two-readings-agree role-once finish-once",
        "S25",
    ),
    (
        "wrong-choice-index",
        "the only choice has index 1",
        on_chat(in_choices(lambda choice: choice.update(index=1))),
        "plain-choices chunk-index",
        "S26",
    ),
    (
        "index-string",
        "the index is a string",
        on_chat(in_choices(lambda c: c.update(index=str(c.get("index", 0))))),
        "plain-choices chunk-choices",
    ),
    (
        "role-user",
        "the answer's role is user",
        on_chat(in_parts(lambda part: "role" in part and part.update(role="user"))),
        "plain-choices role-assistant",
    ),
    (
        "role-missing-plain",
        "a plain answer's message has no role",
        on_plain(in_parts(lambda part: part.pop("role", None))),
        "plain-choices",
    ),
    (
        "delta-null",
        "the finish chunk's delta is null",
        on_stream(in_choices(lambda c: c.get("finish_reason") and c.update(delta=None))),
        "chunk-choices",
    ),
    (
        "text-for-message",
        "choices have text, as the older completions API",
        on_plain(in_choices(lambda c: c.update(text=c.pop("message", {}).get("content")))),
        "plain-choices usage-not-for-nothing tool-required",
    ),
    (
        "nan-in-json",
        "a number is NaN, which JSON does not have",
        on_chat(having(score=float("nan"))),
        "plain-one-json stream-has-choice sse-json",
    ),
    (
        "json-name-twice",
        "each completion names two models under one name",
        _model_twice,
        "body-names-once",
    ),
    ("finish-error", "finish_reason is error", on_chat(finishing("error")), "finish-known", "S16"),
) + rows(
    "T",
    (
        "json-in-one-sse-event",
        "a stream is one event with a plain completion",
        on_events(_json_in_one_event),
        "chunk-object chunk-choices role-first",
        "T16, gateway fallback",
    ),
)
