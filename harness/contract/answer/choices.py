"""What an answer says per choice, put together from a plain body or from the events of a stream.

Every piece keeps the number of the event that carried it. Values are kept as they came, whatever
their type: the checks judge them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.contract.answer.reading import Reading


@dataclass(slots=True)
class ToolCallSaid:
    """One tool call put together from its deltas; `arguments` joins what was text."""

    index: Any
    id: Any = None
    kind: Any = None
    name: Any = None
    arguments: Any = None


@dataclass(slots=True)
class SaidChoice:
    """One choice of an answer, in the order it was said.

    Pairs are (event number, value); a plain answer is event 0. `logprobs` are the entries of
    `logprobs.content`, `asked_logprobs` whether any object for them came at all.
    """

    index: Any
    content: list[tuple[int, str]] = field(default_factory=list)
    reasoning: list[tuple[int, str]] = field(default_factory=list)
    refusal: list[tuple[int, str]] = field(default_factory=list)
    roles: list[tuple[int, Any]] = field(default_factory=list)
    finishes: list[tuple[int, Any]] = field(default_factory=list)
    calls: list[ToolCallSaid] = field(default_factory=list)
    call_events: list[int] = field(default_factory=list)
    logprobs: list[tuple[int, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All content."""
        return "".join(piece for _, piece in self.content)

    @property
    def finish(self) -> Any:
        """The last finish reason, or None."""
        return self.finishes[-1][1] if self.finishes else None

    @property
    def outputs(self) -> list[int]:
        """Numbers of the events that carried content, reasoning, refusal or a tool call."""
        spoken = [n for kind in (self.content, self.reasoning, self.refusal) for n, _ in kind]
        return sorted({*spoken, *self.call_events})


def choices(reading: Reading) -> tuple[SaidChoice, ...]:
    """The choices of a chat answer by index, in order of first appearance; empty if it is none."""
    found: dict[str, SaidChoice] = {}
    for number, raw, spoken in _spoken(reading):
        index = raw.get("index")
        choice = found.setdefault(repr(index), SaidChoice(index))
        _add(choice, number, raw, spoken)
    return tuple(found.values())


def _spoken(reading: Reading) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    """Each raw choice with its message or delta; objects only."""
    if reading.streamed:
        documents = [(event.number, document) for event, document in reading.chunks]
    else:
        documents = [(0, reading.document)] if isinstance(reading.document, dict) else []
    key = "delta" if reading.streamed else "message"
    for number, document in documents:
        listed = document.get("choices")
        for raw in listed if isinstance(listed, list) else ():
            if isinstance(raw, dict):
                spoken = raw.get(key)
                yield number, raw, spoken if isinstance(spoken, dict) else {}


def _add(choice: SaidChoice, number: int, raw: dict[str, Any], spoken: dict[str, Any]) -> None:
    pairs = (
        (choice.content, "content"),
        (choice.reasoning, "reasoning_content"),
        (choice.reasoning, "reasoning"),
        (choice.refusal, "refusal"),
    )
    for pieces, key in pairs:
        if isinstance(spoken.get(key), str) and spoken[key]:
            pieces.append((number, spoken[key]))
    if spoken.get("role") is not None:
        choice.roles.append((number, spoken["role"]))
    if raw.get("finish_reason") is not None:
        choice.finishes.append((number, raw["finish_reason"]))
    logprobs = raw.get("logprobs")
    if isinstance(logprobs, dict) and isinstance(logprobs.get("content"), list):
        choice.logprobs += [(number, entry) for entry in logprobs["content"]]
    listed = spoken.get("tool_calls")
    for position, part in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(part, dict):
            choice.call_events.append(number)
            _add_call(choice, part, position)


def _add_call(choice: SaidChoice, part: dict[str, Any], position: int) -> None:
    """Fold a delta into the call of its index; without one, its place in the list stands for it."""
    index = part.get("index", position)
    call = next((c for c in choice.calls if c.index == index), None)
    if call is None:
        call = ToolCallSaid(index)
        choice.calls.append(call)
    function = part.get("function")
    function = function if isinstance(function, dict) else {}
    call.id = part["id"] if part.get("id") is not None else call.id
    call.kind = part["type"] if part.get("type") is not None else call.kind
    call.name = function["name"] if function.get("name") is not None else call.name
    arguments = function.get("arguments")
    if isinstance(arguments, str) and isinstance(call.arguments, str):
        call.arguments += arguments
    elif arguments is not None:
        call.arguments = arguments


def tokens(reading: Reading, name: str) -> int | None:
    """The largest integer that any usage gives for `name`; cumulative reports never add up."""
    counts = [usage.get(name) for _, usage in reading.usages]
    whole = [n for n in counts if isinstance(n, int) and not isinstance(n, bool)]
    return max(whole, default=None)


def detail(reading: Reading, group: str, name: str) -> int | None:
    """The largest integer of a usage detail, such as `reasoning_tokens` of its group."""
    groups = (usage.get(group) for _, usage in reading.usages)
    counts = [g.get(name) for g in groups if isinstance(g, dict)]
    whole = [n for n in counts if isinstance(n, int) and not isinstance(n, bool)]
    return max(whole, default=None)
