"""Chat completions as the two forms of OpenAI's API: one object, or a list of chunks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.gateway.rng import Rng
from harness.gateway.upstream.chat import Chat
from harness.gateway.upstream.completion import GeneratedCall, GeneratedChoice
from harness.gateway.upstream.logprobs import token_logprobs
from harness.gateway.upstream.prompt import cached_tokens


@dataclass(frozen=True, slots=True)
class AnswerIdentity:
    """What every part of one answer repeats: its id, its time in Unix seconds, and its draws."""

    id: str
    created: int
    rng: Rng

    def call_id(self, choice: int, number: int) -> str:
        """The id of one tool call, unique across requests."""
        return "call_" + self.rng.fork("call", choice, number).bytes(12).hex()


@dataclass(frozen=True, slots=True)
class RenderedChunk:
    """One chunk and how many tokens it stands for; 0 for what no token made."""

    document: dict[str, Any]
    tokens: int


def usage(chat: Chat, completions: Sequence[GeneratedChoice]) -> dict[str, Any]:
    """The usage object of a whole answer."""
    generated = sum(completion.generated for completion in completions)
    reasoned = sum(len(completion.reasoning) for completion in completions)
    return {
        "prompt_tokens": chat.prompt_tokens,
        "completion_tokens": generated,
        "total_tokens": chat.prompt_tokens + generated,
        "prompt_tokens_details": {"cached_tokens": cached_tokens(chat.prompt_tokens)},
        "completion_tokens_details": {"reasoning_tokens": reasoned},
    }


def plain(
    chat: Chat, completions: Sequence[GeneratedChoice], who: AnswerIdentity, *, nulls: bool
) -> dict[str, Any]:
    """The `chat.completion` object; `nulls` sends optional fields that have no value."""
    return {
        "id": who.id,
        "object": "chat.completion",
        "created": who.created,
        "model": chat.model,
        "choices": [
            _choice(chat, index, completion, who, nulls)
            for index, completion in enumerate(completions)
        ],
        "usage": usage(chat, completions),
    }


def _choice(
    chat: Chat, index: int, completion: GeneratedChoice, who: AnswerIdentity, nulls: bool
) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(completion.content) or None}
    if completion.reasoning:
        message["reasoning_content"] = "".join(completion.reasoning)
    if completion.calls:
        message["tool_calls"] = [
            _call(call, who.call_id(index, number)) for number, call in enumerate(completion.calls)
        ]
    choice = {"index": index, "message": message, "finish_reason": completion.finish_reason}
    if nulls:
        message.setdefault("refusal", None)
        choice["logprobs"] = None
    if chat.logprobs and not completion.calls:
        content = token_logprobs(completion.content, chat.top_logprobs, _odds(chat, index))
        choice["logprobs"] = {"content": content, "refusal": None}
    return choice


def _odds(chat: Chat, index: int) -> Rng:
    return chat.rng.fork("logprobs", index)


def _call(call: GeneratedCall, call_id: str) -> dict[str, Any]:
    function = {"name": call.name, "arguments": "".join(call.arguments)}
    return {"id": call_id, "type": "function", "function": function}


def deltas(
    chat: Chat, index: int, completion: GeneratedChoice, who: AnswerIdentity
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]] | None]]:
    """The deltas of one choice, a token each, with that token's log probabilities if asked for."""
    for token in completion.reasoning:
        yield {"reasoning_content": token}, None
    odds = _odds(chat, index)
    for token in completion.content:
        wanted = token_logprobs([token], chat.top_logprobs, odds) if chat.logprobs else None
        yield {"content": token}, wanted
    for number, call in enumerate(completion.calls):
        function = {"name": call.name, "arguments": ""}
        head = {"index": number, "id": who.call_id(index, number), "type": "function"}
        yield {"tool_calls": [{**head, "function": function}]}, None
        for piece in call.arguments:
            yield {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}, None
