"""Chunks and completions with other optional fields."""

from collections.abc import Callable
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
from harness.defects.variants.variant import Variant
from harness.gateway.served import Served
from harness.wire import Chunk, Response

_OPENAI = "openai/openai-openapi: the field is optional"
_OPTIONAL = "optional fields may be there or not"


def _fields(**fields: Any) -> Callable[[Served], Response]:
    return lambda served: on_chat(lambda document: {**document, **fields})(served)


def _reasoning(document: Document) -> Document:
    for choice in choices(document):
        part = choice.get("delta") or choice.get("message") or {}
        if "reasoning_content" in part:
            part["reasoning"] = part.pop("reasoning_content")
    return document


def _nulls(document: Document) -> Document:
    for choice in choices(document):
        choice.setdefault("finish_reason", None)
        choice.setdefault("logprobs", None)
        part: Document = choice["delta" if "delta" in choice else "message"]
        for name in ("refusal", "function_call", "audio"):
            part.setdefault(name, None)
    return {"system_fingerprint": None, "service_tier": None, **document}


def _usage_details_null(document: Document) -> Document:
    usage = document.get("usage")
    if isinstance(usage, dict):
        usage["prompt_tokens_details"] = usage["completion_tokens_details"] = None
    return document


def _usage_without_details(document: Document) -> Document:
    usage = document.get("usage")
    if isinstance(usage, dict):
        usage.pop("prompt_tokens_details", None)
        usage.pop("completion_tokens_details", None)
    return document


def _unknown_everywhere(document: Document) -> Document:
    for choice in choices(document):
        choice["stop_reason"] = None
        choice["delta" if "delta" in choice else "message"]["annotations"] = []
    return {**document, "x_provider": {"region": "eu", "retries": 0}, "prompt_logprobs": None}


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
        for number, call in enumerate((part_of(choice).get("tool_calls")) or ()):
            if "id" in call:
                call["id"] = f"functions.{call['function']['name']}:{call.get('index', number)}"
    return document


def _strings_only_when_set(document: Document) -> Document:
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


CHUNKS = (
    Variant(
        name="reasoning-field",
        statement="reasoning is called `reasoning`, not `reasoning_content`",
        why="neither name is in OpenAI's specification; vLLM servers use this one",
        source="docs.baseten.co/inference/model-apis/reasoning; vllm",
        respond=on_chat(_reasoning),
    ),
    Variant(
        name="explicit-nulls",
        statement="optional fields without a value are null",
        why="OpenAI sends them so",
        source="openai/openai-openapi: nullable",
        respond=on_chat(_nulls),
        behaviour={"nulls": "send"},
    ),
    Variant(
        name="usage-details-null",
        statement="the details of usage are null",
        why=_OPTIONAL,
        source="baseten-switch usage.go",
        respond=on_chat(_usage_details_null),
    ),
    Variant(
        name="usage-without-details",
        catalogue=("U11",),
        statement="usage has the three counts and nothing else",
        why=_OPTIONAL,
        source=_OPENAI,
        respond=on_chat(_usage_without_details),
    ),
    Variant(
        name="usage-on-finish",
        catalogue=("U05",),
        statement="usage is on the finish chunk; no chunk is there for it alone",
        why="every SDK reads it there; Baseten documents usage on every chunk",
        source="vercel/ai, Baseten example",
        respond=on_events(_usage_on_finish),
    ),
    Variant(
        name="usage-with-empty-delta",
        statement="the usage chunk has one choice with an empty delta",
        why="choices may be empty there and need not be",
        source="openai/openai-openapi: `can also be empty`",
        respond=on_stream(_usage_with_choice),
    ),
    Variant(
        name="usage-final-only",
        statement="usage comes once, at the end",
        why="OpenAI sends it so",
        source="openai/openai-openapi: stream_options",
        behaviour={"stream_usage": "final-chunk"},
    ),
    Variant(
        name="finish-with-content",
        statement="the finish reason is on the last chunk with text",
        why="a finish chunk may carry a delta",
        source=_OPENAI,
        respond=on_events(_finish_with_content),
    ),
    Variant(
        name="role-alone",
        statement="the first delta has the role and empty content",
        why="OpenAI sends it so",
        source="openai/openai-openapi",
        behaviour={"role_chunk": "alone"},
    ),
    Variant(
        name="whole-tool-calls",
        statement="each streamed tool call comes whole, in one delta",
        why="arguments may come in any number of pieces",
        source="vllm, ollama: tool parsers emit whole calls",
        respond=on_events(_whole_calls),
    ),
    Variant(
        name="positional-call-ids",
        statement="the id of a call is functions.NAME:POSITION, so answers repeat ids",
        why="an id has to be unique within one answer only",
        source="MoonshotAI/Kimi-K2, tool_call_guidance.md",
        respond=on_chat(_positional_ids),
    ),
    Variant(
        name="content-absent-with-calls",
        statement="a message with tool calls has no content field",
        why="Baseten omits optional fields that have no value",
        source="michaelfeil/dynamo PATCH-006",
        respond=on_chat(_strings_only_when_set),
    ),
    Variant(
        name="unknown-fields",
        statement="fields that no document names, at every level",
        why="JSON objects may grow; clients ignore what they do not know",
        source="openai/openai-openapi: no additionalProperties",
        respond=on_chat(_unknown_everywhere),
    ),
    Variant(
        name="system-fingerprint",
        statement="system_fingerprint and service_tier are sent",
        why=_OPTIONAL,
        source=_OPENAI,
        respond=_fields(system_fingerprint="fp_44709d6fcb", service_tier="default"),
    ),
    Variant(
        name="padded",
        statement="each chunk has a `p` of random length",
        why="padding against traffic analysis",
        source="blog.cloudflare.com/ai-side-channel-attack-mitigated",
        behaviour={"pad_chunks": True},
    ),
    Variant(
        name="several-tokens-per-chunk",
        catalogue=("L14",),
        statement="a chunk carries up to four tokens",
        why="speculative decoding; a chunk is no token",
        source="TensorRT-LLM lookahead decoding",
        timing={"tokens_per_chunk": 4},
    ),
    Variant(
        name="done-with-usage",
        statement="usage and [DONE] come in one write",
        why="chunk borders mean nothing",
        source="RFC 9112, section 7.1",
        respond=on_events(_done_in_same_write),
    ),
)
