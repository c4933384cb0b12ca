"""Conversations: questions one after another, each with everything that was said before it.

A line of a prompts file is one: `{"turns": ["Hi", {"content": "And now?", "wait": 2}]}`. `wait` is
how many seconds pass before a question is sent, for a tool that runs or a person who reads.
`messages` may open it, such as a system prompt. The history holds the answers that came.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import UsageError


@dataclass(frozen=True, slots=True)
class Turn:
    """One question, and how long to wait before it is sent, in seconds."""

    content: str
    wait_s: float = 0.0


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
    return {**line, "turns": [_turn(each, number) for each in turns]}


def _turn(given: Any, number: int) -> Turn:
    if isinstance(given, str):
        return Turn(given)
    if isinstance(given, dict) and isinstance(given.get("content"), str):
        wait_s = given.get("wait", 0)
        timed = isinstance(wait_s, int | float) and not isinstance(wait_s, bool)
        if timed and 0 <= wait_s < math.inf:
            return Turn(given["content"], float(wait_s))
    raise UsageError(
        f', line {number}: "turns": expected texts, or objects with "content" and "wait" in '
        f"seconds, got {str(given)[:200]!r}"
    )


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

    def __iter__(self) -> Iterator[tuple[int, Turn]]:
        """Its questions by number, from 1."""
        return enumerate(self.line["turns"], 1)

    def asked(self, turn: Turn) -> dict[str, Any]:
        """The prompt of its next question: all that was said, and the question."""
        if not self.messages:
            question = {"role": "user", "content": turn.content}
            self.messages = opened([*self.line.get("messages", []), question], self.session)
        else:
            self.messages.append({"role": "user", "content": turn.content})
        fields = {name: each for name, each in self.line.items() if name != "turns"}
        told = {"messages": list(self.messages), "literal": True, "session": self.session}
        return {**fields, **told}

    def answered(self, text: str) -> None:
        """Take the answer to its last question."""
        self.messages.append({"role": "assistant", "content": text})
