"""What the model generates for one chat request: tokens, tool calls and why it stopped.

Plain and streamed answers are two renderings of this one value, so they agree.
"""

from dataclasses import dataclass

from harness.gateway.rng import Rng
from harness.gateway.upstream.chat import Chat, Tool
from harness.gateway.upstream.schema import can_satisfy, generate_text
from harness.gateway.upstream.text import pieces, prose

_MOST = 16_384
"""No answer is longer, whatever is asked: the stand-in's memory is finite."""
_DEFAULT_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class GeneratedCall:
    """One call: the function's name and its arguments as the pieces that are streamed."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GeneratedChoice:
    """One choice. `generated` counts every token made, also those that a stop string swallowed."""

    reasoning: tuple[str, ...]
    content: tuple[str, ...]
    calls: tuple[GeneratedCall, ...]
    finish_reason: str
    generated: int


def complete(chat: Chat, index: int, tokens: int | None) -> GeneratedChoice:
    """The choice number `index`; `tokens` fixes the natural length of prose, None varies it."""
    rng = chat.rng.fork(index)
    limit = min(chat.limit or _MOST, _MOST)
    reasoning = tuple(prose(chat.thinking, rng.fork("reasoning"))) if chat.thinking else ()
    thought = reasoning[:limit]
    left = limit - len(thought)
    if chat.calls:
        return _calling(chat, rng, thought, left)
    return _speaking(chat, thought, left, _content(chat, rng, tokens))


def can_answer(chat: Chat) -> bool:
    """Whether the demanded JSON form can be met in every choice."""
    if chat.schema is None:
        return True
    rng = (chat.rng.fork(index).fork("schema") for index in range(chat.choices))
    return all(can_satisfy(chat.schema, each) for each in rng)


def _content(chat: Chat, rng: Rng, tokens: int | None) -> list[str]:
    if chat.schema is not None:
        return pieces(generate_text(chat.schema, rng.fork("schema")))
    natural = tokens if tokens is not None else rng.between(20, 48)
    if chat.ignore_eos:
        natural = chat.limit or _DEFAULT_LIMIT
    return prose(min(max(natural, chat.min_tokens), _MOST), rng.fork("prose"))


def _speaking(
    chat: Chat, thought: tuple[str, ...], left: int, content: list[str]
) -> GeneratedChoice:
    cut_short = len(content) >= left
    spoken, used = _until_stop(content[:left], chat.stops)
    stopped = used is not None
    finish = "stop" if stopped or not cut_short else "length"
    generated = len(thought) + (len(spoken) if used is None else used)
    return GeneratedChoice(thought, tuple(spoken), (), finish, generated)


def _until_stop(tokens: list[str], stops: tuple[str, ...]) -> tuple[list[str], int | None]:
    """The tokens before the first stop string, and how many tokens were made to see it.

    A stop string may begin in one token and end in another; the one that ends first counts.
    """
    text = "".join(tokens)
    found = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    if not found:
        return tokens, None
    end, start = min(found)
    return _first_characters(tokens, start), _tokens_covering(tokens, end)


def _first_characters(tokens: list[str], count: int) -> list[str]:
    kept: list[str] = []
    for token in tokens:
        if count <= 0:
            break
        kept.append(token[:count])
        count -= len(token)
    return kept


def _tokens_covering(tokens: list[str], count: int) -> int:
    for number, token in enumerate(tokens, 1):
        count -= len(token)
        if count <= 0:
            return number
    return len(tokens)


def _calling(chat: Chat, rng: Rng, thought: tuple[str, ...], left: int) -> GeneratedChoice:
    calls: list[GeneratedCall] = []
    used = 0
    for number in range(chat.calls):
        tool = chat.tools[number % len(chat.tools)]
        arguments = _arguments(tool, rng.fork("call", number))
        room = left - used - 1
        if room < 0:
            break
        calls.append(GeneratedCall(tool.name, tuple(arguments[:room])))
        used += 1 + len(arguments)
    finish = "length" if used >= left else "tool_calls"
    return GeneratedChoice(thought, (), tuple(calls), finish, len(thought) + min(used, left))


def _arguments(tool: Tool, rng: Rng) -> list[str]:
    schema = tool.parameters if isinstance(tool.parameters, dict) else {"type": "object"}
    return pieces(generate_text({"type": "object", **schema}, rng), 6)
