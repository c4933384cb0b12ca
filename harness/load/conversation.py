"""Conversations: questions one after another, each with everything that was said before it.

A line of a prompts file is one: `{"turns": ["Hi", {"content": "And now?", "wait": 2}]}`. `wait` is
how many seconds pass before a question is sent, for a tool that runs or a person who reads.
`messages` may open it, such as a system prompt. The history holds the answers that came, with their
calls of tools; a turn with `results` answers these calls in place of a question.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import UsageError
from harness.load.datasets import check_stream
from harness.routes.answer import ToolCall

_OF_A_TURN = ("content", "wait", "results")


@dataclass(frozen=True, slots=True)
class ConversationTurn:
    """One question, or the results of tools, and how long to wait before it is sent, in seconds.

    `results` is what every called tool says, or by the name of its function what each says.
    `fields` go into the body of this request alone.
    """

    content: str = ""
    wait_s: float = 0.0
    results: str | Mapping[str, str] | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    def result_of(self, call: ToolCall) -> str:
        """What a called tool says; nothing where this turn does not know it."""
        if isinstance(self.results, str):
            return self.results
        return (self.results or {}).get(call.name or "", "")


@dataclass(frozen=True, slots=True)
class Reply:
    """What an answer said, and which tools it called."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()

    @property
    def answerable(self) -> bool:
        """Whether its calls can stand in a history: whole, and each with an id and a name."""
        return all(call.id and call.name and _is_object(call.arguments) for call in self.calls)

    def message(self) -> dict[str, Any]:
        """It as a message of the history."""
        if not self.calls:
            return {"role": "assistant", "content": self.text}
        calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in self.calls
        ]
        return {"role": "assistant", "content": self.text or None, "tool_calls": calls}


def conversation(line: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The line with its turns read; UsageError without the name of the file."""
    turns = line["turns"]
    if not isinstance(turns, list) or not turns:
        raise UsageError(f', line {number}: "turns": expected a list with at least one question')
    opening = line.get("messages", [])
    if not isinstance(opening, list) or not all(isinstance(each, dict) for each in opening):
        raise UsageError(f', line {number}: "messages": expected a list of messages')
    if "prompt" in line:
        raise UsageError(f', line {number}: either "prompt" or "turns"')
    read = [_turn(each, number) for each in turns]
    if read[0].results is not None:
        raise UsageError(f', line {number}: "turns": results need an answer before them')
    return {**line, "turns": read}


def _turn(given: Any, number: int) -> ConversationTurn:
    if isinstance(given, str):
        return ConversationTurn(given)
    if isinstance(given, dict) and isinstance(given.get("content"), str) != _has_results(given):
        wait_s = given.get("wait", 0)
        timed = isinstance(wait_s, int | float) and not isinstance(wait_s, bool)
        if timed and 0 <= wait_s < math.inf:
            own = {name: each for name, each in given.items() if name not in _OF_A_TURN}
            check_stream(own, number)
            return ConversationTurn(
                given.get("content", ""), float(wait_s), given.get("results"), own
            )
    raise UsageError(
        f', line {number}: "turns": expected texts, or objects with either "content" or the '
        '"results" of tools (a text, or texts by the name of a function) and "wait" in seconds, '
        f"got {str(given)[:200]!r}"
    )


def _has_results(given: Mapping[str, Any]) -> bool:
    results = given.get("results")
    by_name = isinstance(results, dict) and all(isinstance(each, str) for each in results.values())
    return isinstance(results, str) or by_name


def _is_object(text: str) -> bool:
    try:
        return not text or isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def opened(messages: list[Any], nonce: str) -> list[Any]:
    """The messages with the nonce at the very start of the first one."""
    first, *others = messages
    content = first.get("content")
    if isinstance(content, list):
        return [{**first, "content": [{"type": "text", "text": f"[{nonce}]"}, *content]}, *others]
    return [{**first, "content": f"[{nonce}] {content or ''}".rstrip()}, *others]


@dataclass(slots=True)
class Dialogue:
    """One conversation under way; `session` is its id, which also opens it.

    A nonce at its beginning keeps prompts of other conversations out of the caches, and its own in.
    """

    line: Mapping[str, Any]
    number: int
    session: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    reply: Reply = field(default_factory=Reply)

    def __iter__(self) -> Iterator[tuple[int, ConversationTurn]]:
        """Its turns by number, from 1, as far as they fit the answers.

        Results are left out where no tool was called. Calls that nothing answers end it, and so do
        calls that were cut: the next request would be refused for them.
        """
        for number, turn in enumerate(self.line["turns"], 1):
            calls = self.reply.calls
            if calls and (turn.results is None or not self.reply.answerable):
                return
            if calls or turn.results is None:
                yield number, turn

    def asked(self, turn: ConversationTurn) -> dict[str, Any]:
        """The prompt of its next turn: all that was said, and the question or the results."""
        if turn.results is not None:
            self.messages += [
                {"role": "tool", "tool_call_id": call.id, "content": turn.result_of(call)}
                for call in self.reply.calls
            ]
        elif not self.messages:
            question = {"role": "user", "content": turn.content}
            self.messages = opened([*self.line.get("messages", []), question], self.session)
        else:
            self.messages.append({"role": "user", "content": turn.content})
        fields = {name: each for name, each in self.line.items() if name != "turns"}
        told = {"messages": list(self.messages), "literal": True, "session": self.session}
        return {**fields, **turn.fields, **told}

    def answered(self, reply: Reply) -> None:
        """Take the answer to its last turn."""
        self.reply = reply
        self.messages.append(reply.message())
