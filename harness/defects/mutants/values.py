"""Places in JSON, and what becomes of the value there: of an answer, an event, a request.

A place in an answer is the kind of document and the path in it, such as
`plain.choices.0.message.role`. In a stream the kind is which of the chunks that have the path:
`first`, `middle`, `last`, `every`, or the one with the `finish` reason, or that for `usage` alone.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import partial
from typing import Any
from unicodedata import normalize

from harness.defects.edits import Document, choices, document_of, split, with_body, with_chunks
from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Response

Edit = Callable[[Any], Any]
Steps = tuple[str, ...]

PLAIN = ("plain", "predict", "refusal", "envelope")
ONE_OF = ("first", "middle", "last")
STREAMED = (*ONE_OF, "every", "finish", "usage")

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


def kind_of(response: Response) -> str | None:
    """The kind of a plain JSON answer; None when it is none."""
    if response.status >= 400:
        return "envelope" if b'"success":false' in response.body else "refusal"
    if response.media_type != "application/json":
        return None
    return "plain" if b'"object":"chat.completion"' in response.body else "predict"


def documents(response: Response) -> Iterator[tuple[str, Any]]:
    """The JSON texts of an answer, each with the kinds of place that it can have."""
    kind = kind_of(response)
    if kind is not None:
        yield kind, _decoded(response.body)
    elif response.media_type == "text/event-stream":
        chunks = [document_of(event) or {} for event in split(response)]
        yield from ((each, chunk) for chunk in chunks for each in STREAMED if _is(each, chunk))


def _is(kind: str, chunk: Document) -> bool:
    if kind == "finish":
        return any(choice.get("finish_reason") for choice in choices(chunk))
    return kind != "usage" or chunk.get("choices") == []


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _edit_answer(served: Served, place: str, operator: str) -> Response:
    """The answer with one value edited, where it has the place."""
    kind, *steps = place.split(".")
    if kind in PLAIN:
        return _plain(served, kind, tuple(steps), operator)
    if not served.streamed:
        return served.response
    return with_chunks(
        served.response, _stream(split(served.response), kind, tuple(steps), operator)
    )


def _plain(served: Served, kind: str, steps: Steps, operator: str) -> Response:
    if kind_of(served.response) != kind:
        return served.response
    document = _decoded(served.response.body)
    other = edited(document, steps, operator)
    return served.response if other is document else with_body(served.response, written(other))


def _stream(events: list[Chunk], kind: str, steps: Steps, operator: str) -> list[Chunk]:
    others: dict[int, Any] = {}
    for number, event in enumerate(events):
        chunk = document_of(event)
        other = edited(chunk, steps, operator)
        if chunk is not None and other is not chunk and _is(kind, chunk):
            others[number] = other
    for number in _chosen(list(others), kind):
        events[number] = Chunk(b"data: " + written(others[number]) + b"\n\n", events[number].at_ns)
    return events


def _chosen(having: list[int], kind: str) -> list[int]:
    """Which of the chunks that have a place it means."""
    if not having or kind not in ONE_OF:
        return having
    return [having[{"first": 0, "middle": len(having) // 2, "last": -1}[kind]]]


OPERATORS: Mapping[str, Callable[[Served, str], Response]] = {
    operator: partial(_edit_answer, operator=operator) for operator in (*EDITS, TWICE)
}
"""What each does with an answer at a place."""
