"""Edits of one value in a JSON document: removed, of another type, of another value, twice."""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any
from unicodedata import normalize

from harness.gateway.upstream.errors import encode

Edit = Callable[[Any], Any]
Steps = tuple[str, ...]

GONE = object()
"""What an edit returns for a value that is to be removed."""
_MARK = "\x00"
"""Stands before a key that is written twice; JSON escapes it, so it is found again."""
_OTHERS = {
    "stop": "length",
    "length": "stop",
    "tool_calls": "stop",
    "assistant": "user",
    "user": "assistant",
    "chat.completion": "text_completion",
    "chat.completion.chunk": "chat.completion",
    "function": "custom",
    "required": "auto",
    "auto": "none",
    "none": "auto",
    "json_schema": "json_object",
    "json_object": "text",
}


def _other(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value - 0.25
    if isinstance(value, list):
        return value[:-1]
    if isinstance(value, str) and value:
        middle = len(value) // 2
        letter = "x" if value[middle] != "x" else "y"
        return _OTHERS.get(value, value[:middle] + letter + value[middle + 1 :])
    return value


def _double(value: Any) -> Any:
    """The value twice: a text or list repeated, a count doubled."""
    return value * 2 if isinstance(value, str | list | int | float) else value


def _empty(value: Any) -> Any:
    return value if isinstance(value, bool) or value is None else type(value)()


def _as_text(value: Any) -> Any:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _as_number(value: Any) -> Any:
    return len(value) if isinstance(value, str | list | dict) else 0 if value is None else value


def _shorter(value: Any) -> Any:
    return value[:-1] if isinstance(value, str | list) else value


def _on_text(change: Callable[[str], str]) -> Edit:
    return lambda value: change(value) if isinstance(value, str) else value


EDITS: Mapping[str, Edit] = {
    "drop": lambda _: GONE,
    "null": lambda _: None,
    "text": _as_text,
    "number": _as_number,
    "object": lambda value: {"value": value},
    "list": lambda value: [value],
    "empty": _empty,
    "other": _other,
    "double": _double,
    "shorter": _shorter,
    "case": _on_text(str.swapcase),
    "trim": _on_text(str.strip),
    "escaped": _on_text(lambda text: text.encode("unicode_escape").decode("ascii")),
    "ascii": _on_text(lambda text: text.encode("ascii", "replace").decode("ascii")),
    "decomposed": _on_text(lambda text: normalize("NFD", text)),
}
TWICE = "twice"
OPERATORS = (*EDITS, TWICE)


def edited(document: Any, steps: Steps, operator: str) -> Any:
    """The document with the value at `steps` edited; the same object when nothing is there."""
    copy = deepcopy(document)
    holder: Any = copy
    for step in steps[:-1]:
        holder = _inside(holder, step)
    key = _key(holder, steps[-1])
    if key is None:
        return document
    if operator == TWICE:
        return _doubled(copy, holder, key) or document
    value = EDITS[operator](holder[key])
    if value is GONE:
        del holder[key]
    elif value is holder[key] or (type(value) is type(holder[key]) and value == holder[key]):
        return document
    else:
        holder[key] = value
    return copy


def _doubled(copy: Any, holder: Any, key: Any) -> Any:
    """The copy with a key that stands twice, the second time with another value."""
    if isinstance(holder, list):
        return None
    value = _other(holder[key])
    holder[f"{_MARK}{key}"] = None if value == holder[key] else value
    return copy


def written(document: Any) -> bytes:
    """The document as JSON, with the keys that stand twice."""
    return encode(document).replace(b'"\\u0000', b'"')


def _inside(holder: Any, step: str) -> Any:
    key = _key(holder, step)
    return None if key is None else holder[key]


def _key(holder: Any, step: str) -> Any:
    """The key or position that a step means in a holder, or None."""
    if isinstance(holder, dict):
        return step if step in holder else None
    if isinstance(holder, list):
        position = len(holder) - 1 if step == "last" else int(step) if step.isdigit() else -1
        return position if 0 <= position < len(holder) else None
    return None


def places(document: Any, *, before: Steps = ()) -> Iterator[Steps]:
    """Every place in a document; of a list its first two items."""
    items: list[tuple[str, Any]] = []
    if isinstance(document, dict):
        items = [(str(name), value) for name, value in document.items()]
    elif isinstance(document, list):
        items = [(str(number), value) for number, value in enumerate(document[:2])]
    for name, value in items:
        if not set(name) & set(".@/:"):
            yield (*before, name)
            yield from places(value, before=(*before, name))
