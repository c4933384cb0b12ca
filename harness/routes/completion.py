"""Chat deltas and messages in, choices out: what plain and streamed completions share."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.routes.answer import Choice, ToolCall
from harness.routes.document import ProblemKind, cut, excerpt
from harness.routes.usage import Usage, parse_usage

Report = Callable[[ProblemKind, str], None]
"""Takes a problem of the document at hand."""

# What one document carried, as bits; an enum.Flag costs a microsecond per operation.
ROLE = 1
REASONING = 2
ANSWER = 4
"""Non-empty content or refusal, or a tool call."""
USAGE = 8
OUTPUT = REASONING | ANSWER

_MOST_SHOWN = 200


@dataclass(slots=True)
class _Call:
    id: str | None = None
    type: str | None = None
    name: str | None = None
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Choice:
    role: str | None = None
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    calls: dict[int, _Call] = field(default_factory=dict)
    finish_reason: str | None = None


class Completion:
    """An accumulator of chat documents; each scalar is taken where it first appears.

    Absent and null fields are the same. A field of a type from which nothing can be read is
    reported and skipped. `text_length` counts the characters of all texts; with `keep_text` false
    nothing else is kept of a text that is whole.
    """

    __slots__ = (
        "_choices",
        "_keep_text",
        "_report",
        "created",
        "id",
        "model",
        "object",
        "text_length",
        "usage",
    )

    def __init__(self, report: Report, *, keep_text: bool = True) -> None:
        self.id: str | None = None
        self.model: str | None = None
        self.created: int | None = None
        self.object: str | None = None
        self.usage: Usage | None = None
        self.text_length = 0
        self._choices: dict[int, _Choice] = {}
        self._report = report
        self._keep_text = keep_text

    def add(self, document: dict[str, Any]) -> int:
        """Take one chunk or one whole completion; returns the bits of what it carried."""
        if self.id is None or self.model is None:
            self._take_head(document)
        carried = 0
        choices = document.get("choices")
        if isinstance(choices, list):
            for position, choice in enumerate(choices):
                carried |= self._take_choice(choice, position)
        elif choices is not None:
            self._wrong("choices", "a list", choices)
        usage = document.get("usage")
        if usage is not None and self._take_usage(usage):
            carried |= USAGE
        return carried

    def choices(self) -> tuple[Choice, ...]:
        """Every choice seen, by index."""
        return tuple(self._ended(index) for index in sorted(self._choices))

    @property
    def finished(self) -> bool:
        """Whether there is a choice and every choice said why it ended."""
        choices = self._choices.values()
        return bool(choices) and all(choice.finish_reason for choice in choices)

    @property
    def finish_reason(self) -> str | None:
        """Why the first choice ended."""
        first = min(self._choices, default=None)
        return None if first is None else self._choices[first].finish_reason

    def _take_head(self, document: dict[str, Any]) -> None:
        for name in ("id", "model", "object"):
            value = document.get(name)
            if isinstance(value, str) and getattr(self, name) is None:
                setattr(self, name, value)
        created = document.get("created")
        if type(created) is int and self.created is None:
            self.created = created

    def _take_usage(self, document: Any) -> bool:
        usage = parse_usage(document)
        if usage is not None:
            self.usage = usage if self.usage is None else self.usage.maximum(usage)
        return usage is not None

    def _take_choice(self, choice: Any, position: int) -> int:
        if not isinstance(choice, dict):
            self._wrong("choice", "an object", choice)
            return 0
        index = choice.get("index")
        if type(index) is not int:
            if index is not None:
                self._wrong("index", "an integer", index)
            index = position
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = _Choice()
        delta = choice.get("delta")
        if delta is None:
            delta = choice.get("message")
        carried = 0
        if isinstance(delta, dict):
            carried = self._take_delta(state, delta)
        elif delta is not None:
            self._wrong("delta", "an object", delta)
        finish = choice.get("finish_reason")
        if finish is not None and finish != "" and state.finish_reason is None:
            state.finish_reason = finish if isinstance(finish, str) else _shown(finish)
        return carried

    def _take_delta(self, state: _Choice, delta: dict[str, Any]) -> int:
        carried = 0
        for name, value in delta.items():
            if value is None or value == "":
                continue
            if name == "content":
                carried |= self._append(state.text, name, value, ANSWER)
            elif name == "role":
                carried |= self._take_role(state, value)
            elif name in _REASONING_NAMES:
                if name == "reasoning" and delta.get("reasoning_content"):
                    continue  # some servers send the same text under both names
                carried |= self._append(state.reasoning, name, value, REASONING)
            elif name == "refusal":
                carried |= self._append(state.refusal, name, value, ANSWER)
            elif name == "tool_calls":
                carried |= self._take_calls(state, value)
            elif name == "function_call":
                carried |= self._take_call(state, {"index": 0, "function": value}, 0)
        if state.finish_reason is not None and carried & OUTPUT:
            self._report(ProblemKind.CONTENT_AFTER_FINISH, "output after the choice had finished")
        return carried

    def _append(self, parts: list[str], name: str, value: Any, carried: int) -> int:
        if not isinstance(value, str):
            self._wrong(name, "a string", value)
            return 0
        self.text_length += len(value)
        if self._keep_text or not _whole(value):
            parts.append(value)
        return carried

    def _take_role(self, state: _Choice, value: Any) -> int:
        if not isinstance(value, str):
            self._wrong("role", "a string", value)
            return 0
        if state.role is None:
            state.role = value
        return ROLE

    def _take_calls(self, state: _Choice, calls: Any) -> int:
        if not isinstance(calls, list):
            self._wrong("tool_calls", "a list", calls)
            return 0
        carried = 0
        for position, call in enumerate(calls):
            carried |= self._take_call(state, call, position)
        return carried

    def _take_call(self, state: _Choice, call: Any, position: int) -> int:
        if not isinstance(call, dict):
            self._wrong("tool call", "an object", call)
            return 0
        index = call.get("index")
        if type(index) is not int:
            index = _place(state.calls, call.get("id"), position)
        whole = state.calls.setdefault(index, _Call())
        whole.id = whole.id or _string(call.get("id"))
        whole.type = whole.type or _string(call.get("type"))
        function = call.get("function")
        if isinstance(function, dict):
            whole.name = whole.name or _string(function.get("name"))
            if function.get("arguments") is not None:
                self._append(whole.arguments, "arguments", function["arguments"], 0)
        elif function is not None:
            self._wrong("function", "an object", function)
        return ANSWER if call else 0

    def _ended(self, index: int) -> Choice:
        state = self._choices[index]
        return Choice(
            index=index,
            role=state.role,
            text=self._joined(state.text),
            reasoning=self._joined(state.reasoning),
            refusal=self._joined(state.refusal),
            tool_calls=tuple(self._call(place) for place in sorted(state.calls.items())),
            finish_reason=state.finish_reason,
        )

    def _call(self, place: tuple[int, _Call]) -> ToolCall:
        index, call = place
        return ToolCall(index, call.id, call.type, call.name, self._joined(call.arguments))

    def _joined(self, parts: list[str]) -> str:
        """The parts as one text; the halves of a character split between two parts are joined.

        Invalid bytes, which the decoder keeps as surrogates of its own, were reported before.
        """
        text = "".join(parts)
        try:
            text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as exc:
            self._report(
                ProblemKind.LONE_SURROGATE,
                f"expected whole characters, got {text[exc.start : exc.end][:10]!r}",
            )
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        return text

    def _wrong(self, name: str, expected: str, value: Any) -> None:
        self._report(ProblemKind.WRONG_TYPE, f"{name}: expected {expected}, got {_shown(value)}")


_REASONING_NAMES = ("reasoning_content", "reasoning")


def _place(calls: dict[int, _Call], identity: Any, position: int) -> int:
    """Where a call without an index belongs: with its id, after the others, or with the last."""
    if isinstance(identity, str) and identity:
        known = [index for index, call in calls.items() if call.id == identity]
        return known[0] if known else max(calls, default=-1) + 1
    return max(calls, default=position)


def _whole(text: str) -> bool:
    """Whether the text holds no half of a character."""
    return text.isascii() or not any("\ud800" <= one <= "\udfff" for one in text)


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _shown(value: Any) -> str:
    """A JSON value by its own notation, cut; nothing that was decoded fails to be shown."""
    if isinstance(value, str):
        return excerpt(value)
    try:
        return cut(json.dumps(value), _MOST_SHOWN)
    except (RecursionError, ValueError):
        return f"a {type(value).__name__} too large to show"
