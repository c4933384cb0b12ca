"""A completion as timed SSE chunks (WHATWG event streams, OpenAI's chunk objects)."""

from collections.abc import Iterator, Sequence
from typing import Any

from harness.gateway.behaviour import Behaviour
from harness.gateway.timing import Timing
from harness.gateway.upstream.chat import Chat
from harness.gateway.upstream.completion import GeneratedChoice
from harness.gateway.upstream.errors import encode
from harness.gateway.upstream.rendering import AnswerIdentity, RenderedChunk, deltas, usage
from harness.wire import Chunk, Headers, Response

DONE = b"data: [DONE]\n\n"
EVENT_STREAM = "text/event-stream"


def stream(
    chat: Chat,
    completions: Sequence[GeneratedChoice],
    who: AnswerIdentity,
    *,
    behaviour: Behaviour,
    timing: Timing,
) -> Response:
    """The streamed answer: one body chunk per event, timed by the tokens that the event carries."""
    events = list(_events(chat, completions, who, behaviour, timing.tokens_per_chunk))
    times = timing.schedule(max(1, sum(event.tokens for event in events)), who.rng.fork("timing"))
    chunks = [Chunk(b":\n\n", times[0])] if behaviour.keep_alive_comments else []
    made = 0
    for event in events:
        made += event.tokens
        data = b"data: " + encode(event.document) + b"\n\n"
        chunks.append(Chunk(data, times[max(0, made - 1)]))
    chunks.append(Chunk(DONE, times[-1]))
    head_at_ns = 0 if behaviour.early_headers else times[0]
    headers = Headers((("content-type", EVENT_STREAM), ("cache-control", "no-cache")))
    return Response(200, headers, tuple(chunks), head_at_ns, end_at_ns=times[-1])


def _events(
    chat: Chat,
    completions: Sequence[GeneratedChoice],
    who: AnswerIdentity,
    behaviour: Behaviour,
    per_chunk: int,
) -> Iterator[RenderedChunk]:
    frame = {
        "id": who.id,
        "object": "chat.completion.chunk",
        "created": who.created,
        "model": chat.model,
    }
    nulls = behaviour.nulls == "send"
    made = 0
    for event in _choice_events(chat, completions, who, behaviour, per_chunk):
        made += event.tokens
        document = {**frame, "choices": [event.document]}
        if chat.continuous_usage:
            document["usage"] = _so_far(chat, made)
        elif nulls:
            document["usage"] = None
        yield RenderedChunk(document, event.tokens)
    if chat.include_usage:
        yield RenderedChunk({**frame, "choices": [], "usage": usage(chat, completions)}, 0)


def _so_far(chat: Chat, made: int) -> dict[str, int]:
    total = chat.prompt_tokens + made
    return {
        "prompt_tokens": chat.prompt_tokens,
        "completion_tokens": made,
        "total_tokens": total,
    }


def _choice_events(
    chat: Chat,
    completions: Sequence[GeneratedChoice],
    who: AnswerIdentity,
    behaviour: Behaviour,
    per_chunk: int,
) -> Iterator[RenderedChunk]:
    """The choice objects of every chunk, choice after choice."""
    nulls: dict[str, Any] = {"finish_reason": None} if behaviour.nulls == "send" else {}
    for index, completion in enumerate(completions):
        role: dict[str, Any] = {"role": "assistant"}
        if behaviour.role_chunk == "alone":
            yield RenderedChunk({"index": index, "delta": {**role, "content": ""}, **nulls}, 0)
            role = {}
        for delta, odds, tokens in _batched(chat, index, completion, who, per_chunk):
            choice = {"index": index, "delta": {**role, **delta}, **nulls}
            if odds is not None:
                choice["logprobs"] = {"content": odds, "refusal": None}
            role = {}
            yield RenderedChunk(choice, tokens)
        swallowed = completion.generated - _visible(completion)
        last = {"index": index, "delta": role, "finish_reason": completion.finish_reason}
        yield RenderedChunk(last, swallowed)


def _visible(completion: GeneratedChoice) -> int:
    """How many tokens the deltas of a choice show."""
    called = sum(1 + len(call.arguments) for call in completion.calls)
    return len(completion.reasoning) + len(completion.content) + called


_Delta = tuple[dict[str, Any], list[dict[str, Any]] | None, int]


def _batched(
    chat: Chat, index: int, completion: GeneratedChoice, who: AnswerIdentity, per_chunk: int
) -> Iterator[_Delta]:
    """The deltas with up to `per_chunk` tokens of text each; calls stay one token per delta."""
    waiting: _Delta | None = None
    for delta, odds in deltas(chat, index, completion, who):
        if waiting and _joins(waiting, delta, per_chunk):
            waiting = _joined(waiting, delta, odds)
            continue
        if waiting:
            yield waiting
        waiting = (delta, odds, 1)
    if waiting:
        yield waiting


def _joins(waiting: _Delta, delta: dict[str, Any], per_chunk: int) -> bool:
    return waiting[2] < per_chunk and waiting[0].keys() == delta.keys() != {"tool_calls"}


def _joined(waiting: _Delta, delta: dict[str, Any], odds: list[dict[str, Any]] | None) -> _Delta:
    before, before_odds, tokens = waiting
    text = {name: before[name] + delta[name] for name in delta}
    both = [*before_odds, *odds] if before_odds is not None and odds is not None else None
    return text, both, tokens + 1
