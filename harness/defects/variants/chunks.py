"""Chunks and completions with other optional fields."""

from collections.abc import Iterator
from typing import Any

from harness.defects.edits import (
    Document,
    choices,
    document_of,
    event_of,
    finish_position,
    is_done,
    on_chat,
    on_events,
    on_stream,
    part_of,
)
from harness.defects.variants.variant import Variant, rows
from harness.gateway.served import Edit
from harness.wire import Chunk

_OPENAI = "openai/openai-openapi"
_OPTIONAL = "optional fields may be there or not"
_DETAILS = ("prompt_tokens_details", "completion_tokens_details")


def _parts(document: Document) -> Iterator[tuple[Document, Document]]:
    """Every choice, with its delta or message."""
    for choice in choices(document):
        yield choice, choice["delta" if "delta" in choice else "message"]


def _fields(**fields: Any) -> Edit:
    return on_chat(lambda document: {**document, **fields})


def _reasoning(document: Document) -> Document:
    for _, part in _parts(document):
        if "reasoning_content" in part:
            part["reasoning"] = part.pop("reasoning_content")
    return document


def _nulls(document: Document) -> Document:
    for choice, part in _parts(document):
        choice.setdefault("finish_reason", None)
        choice.setdefault("logprobs", None)
        for name in ("refusal", "function_call", "audio"):
            part.setdefault(name, None)
    return {"system_fingerprint": None, "service_tier": None, **document}


def _unknown_everywhere(document: Document) -> Document:
    for choice, part in _parts(document):
        choice["stop_reason"] = None
        part["annotations"] = []
    return {**document, "x_provider": {"region": "eu", "retries": 0}, "prompt_logprobs": None}


def _usage(**details: None) -> Edit:
    """Usage with these details in place of its own."""

    def edited(document: Document) -> Document:
        usage = document.get("usage")
        if not isinstance(usage, dict):
            return document
        counts = {name: count for name, count in usage.items() if name not in _DETAILS}
        return {**document, "usage": {**counts, **details}}

    return on_chat(edited)


def _usage_on_finish(events: list[Chunk]) -> list[Chunk]:
    """Usage on the finish chunk and no chunk of its own."""
    last = next((d for e in reversed(events) if (d := document_of(e))), None)
    if last is None or last.get("choices") or "usage" not in last:
        return events
    where = finish_position(events)
    finish = {**(document_of(events[where]) or {}), "usage": last["usage"]}
    kept = [event for event in events if (document_of(event) or {}).get("choices") != []]
    return [event_of(finish, e.at_ns) if n == where else e for n, e in enumerate(kept)]


def _usage_with_choice(document: Document) -> Document:
    if document.get("choices") == []:
        document["choices"] = [{"index": 0, "delta": {}}]
    return document


def _finish_with_content(events: list[Chunk]) -> list[Chunk]:
    """The last text and the finish reason in one chunk."""
    where = finish_position(events)
    finish = document_of(events[where])
    before = document_of(events[where - 1]) if where else None
    if finish is None or before is None or not _is_text(before):
        return events
    choice = {**before["choices"][0], "finish_reason": finish["choices"][0]["finish_reason"]}
    both = {**finish, "choices": [choice]}
    return [*events[: where - 1], event_of(both, events[where].at_ns), *events[where + 1 :]]


def _is_text(document: Document) -> bool:
    found = choices(document)
    return len(found) == 1 and bool((found[0].get("delta") or {}).get("content"))


def _whole_calls(events: list[Chunk]) -> list[Chunk]:
    """Each tool call complete in one delta, as engines with a tool parser send it."""
    calls: dict[int, Document] = {}
    kept: list[Chunk] = []
    for event in events:
        document = document_of(event)
        parts = [c for choice in choices(document or {}) for c in _calls_of(choice)]
        for part in parts:
            call = calls.setdefault(part["index"], {**part, "function": {**part["function"]}})
            if call is not part and part.get("id") is None:
                call["function"]["arguments"] += part["function"]["arguments"]
        if not parts:
            kept.append(event)
    if not calls:
        return events
    return _with_calls(events, kept, [calls[index] for index in sorted(calls)])


def _calls_of(choice: Document) -> list[Document]:
    return (choice.get("delta") or {}).get("tool_calls") or []


def _with_calls(events: list[Chunk], kept: list[Chunk], calls: list[Document]) -> list[Chunk]:
    first = document_of(events[0]) or {}
    delta = {"role": "assistant", "content": None, "tool_calls": calls}
    whole = {**first, "choices": [{"index": 0, "delta": delta}]}
    whole.pop("usage", None)
    return [event_of(whole, kept[0].at_ns if kept else 0), *kept]


def _positional_ids(document: Document) -> Document:
    """Call ids made of name and position, the same in every conversation."""
    for choice in choices(document):
        for number, call in enumerate(part_of(choice).get("tool_calls") or ()):
            if "id" in call:
                call["id"] = f"functions.{call['function']['name']}:{call.get('index', number)}"
    return document


def _without_null_content(document: Document) -> Document:
    """No content at all next to tool calls, where others send null."""
    for choice in choices(document):
        message = choice.get("message") or {}
        if message.get("tool_calls") and message.get("content") is None:
            message.pop("content", None)
    return document


def _done_in_same_write(events: list[Chunk]) -> list[Chunk]:
    rest = [event for event in events if not is_done(event)]
    done = [event for event in events if is_done(event)]
    if not rest or not done:
        return events
    return [*rest[:-1], Chunk(rest[-1].data + done[0].data, done[0].at_ns)]


CHUNKS = rows(
    (
        "reasoning-field",
        "reasoning is called `reasoning`, not `reasoning_content`",
        on_chat(_reasoning),
        "docs.baseten.co/inference/model-apis/reasoning; vllm",
        "neither name is in OpenAI's specification; vLLM servers use this one",
    ),
    (
        "explicit-nulls",
        "optional fields without a value are null",
        Variant(respond=on_chat(_nulls), behaviour={"nulls": "send"}),
        f"{_OPENAI}: nullable",
        "OpenAI sends them so",
    ),
    (
        "usage-details-null",
        "the details of usage are null",
        _usage(prompt_tokens_details=None, completion_tokens_details=None),
        "baseten-switch usage.go",
        _OPTIONAL,
    ),
    (
        "usage-without-details",
        "usage has the three counts and nothing else",
        _usage(),
        f"U11, {_OPENAI}: the field is optional",
        _OPTIONAL,
    ),
    (
        "usage-on-finish",
        "usage is on the finish chunk; no chunk is there for it alone",
        on_events(_usage_on_finish),
        "U05, vercel/ai, Baseten example",
        "every SDK reads it there; Baseten documents usage on every chunk",
    ),
    (
        "usage-with-empty-delta",
        "the usage chunk has one choice with an empty delta",
        on_stream(_usage_with_choice),
        f"{_OPENAI}: `can also be empty`",
        "choices may be empty there and need not be",
    ),
    (
        "usage-final-only",
        "usage comes once, at the end",
        Variant(behaviour={"stream_usage": "final-chunk"}),
        f"{_OPENAI}: stream_options",
        "OpenAI sends it so",
    ),
    (
        "finish-with-content",
        "the finish reason is on the last chunk with text",
        on_events(_finish_with_content),
        f"{_OPENAI}: the field is optional",
        "a finish chunk may carry a delta",
    ),
    (
        "role-alone",
        "the first delta has the role and empty content",
        Variant(behaviour={"role_chunk": "alone"}),
        _OPENAI,
        "OpenAI sends it so",
    ),
    (
        "whole-tool-calls",
        "each streamed tool call comes whole, in one delta",
        on_events(_whole_calls),
        "vllm, ollama: tool parsers emit whole calls",
        "arguments may come in any number of pieces",
    ),
    (
        "positional-call-ids",
        "the id of a call is functions.NAME:POSITION, so answers repeat ids",
        on_chat(_positional_ids),
        "MoonshotAI/Kimi-K2, tool_call_guidance.md",
        "an id has to be unique within one answer only",
    ),
    (
        "content-absent-with-calls",
        "a message with tool calls has no content field",
        on_chat(_without_null_content),
        "michaelfeil/dynamo PATCH-006",
        "Baseten omits optional fields that have no value",
    ),
    (
        "unknown-fields",
        "fields that no document names, at every level",
        on_chat(_unknown_everywhere),
        f"{_OPENAI}: no additionalProperties",
        "JSON objects may grow; clients ignore what they do not know",
    ),
    (
        "system-fingerprint",
        "system_fingerprint and service_tier are sent",
        _fields(system_fingerprint="fp_44709d6fcb", service_tier="default"),
        f"{_OPENAI}: the field is optional",
        _OPTIONAL,
    ),
    (
        "padded",
        "each chunk has a `p` of random length",
        Variant(behaviour={"pad_chunks": True}),
        "blog.cloudflare.com/ai-side-channel-attack-mitigated",
        "padding against traffic analysis",
    ),
    (
        "several-tokens-per-chunk",
        "a chunk carries up to four tokens",
        Variant(timing={"tokens_per_chunk": 4}),
        "L14, TensorRT-LLM lookahead decoding",
        "speculative decoding; a chunk is no token",
    ),
    (
        "done-with-usage",
        "usage and [DONE] come in one write",
        on_events(_done_in_same_write),
        "RFC 9112, section 7.1",
        "chunk borders mean nothing",
    ),
)
