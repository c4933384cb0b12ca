"""Edits of answers as events and documents: the verbs that the rows of defects are written in.

`on_plain`, `on_stream`, `on_chat` and `on_events` say which answers an edit is about, `having`,
`in_choices` and their like what becomes of a document.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from harness.gateway.served import Edit, Served
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Response

Document = dict[str, Any]
Change = Callable[[Document], Any]
"""What becomes of a document."""

DONE = b"[DONE]"


def split(response: Response) -> list[Chunk]:
    """The body as one chunk per event, each with its own end of event."""
    return [
        Chunk(event + b"\n\n", chunk.at_ns)
        for chunk in response.chunks
        for event in chunk.data.split(b"\n\n")
        if event
    ]


def document_of(event: Chunk) -> Document | None:
    """The JSON object of an event; None for comments and `[DONE]`."""
    data = event.data.removeprefix(b"data:").strip()
    if not event.data.startswith(b"data:") or not data.startswith(b"{"):
        return None
    document: Document = json.loads(data)
    return document


def event_of(document: Any, at_ns: int) -> Chunk:
    """A document as an event."""
    return Chunk(b"data: " + encode(document) + b"\n\n", at_ns)


def is_done(event: Chunk) -> bool:
    """Whether the event is the `[DONE]` marker."""
    return DONE in event.data


def with_chunks(response: Response, chunks: Sequence[Chunk]) -> Response:
    """The response with another body; its end stays where it was."""
    return replace(response, chunks=tuple(chunks))


def with_body(response: Response, body: bytes) -> Response:
    """The response with one plain body, at the time of the old one's end."""
    return with_chunks(response, (Chunk(body, response.end_at_ns),) if body else ())


def with_header(response: Response, name: str, value: str) -> Response:
    """The response with one header field set."""
    return replace(response, headers=response.headers.replacing(name, value))


def choices(document: Document) -> list[Document]:
    """The choices of a completion or chunk."""
    found = document.get("choices")
    return found if isinstance(found, list) else []


def content_positions(events: Sequence[Chunk]) -> list[int]:
    """The positions of the events that carry answer text."""
    return [number for number, event in enumerate(events) if content_of(document_of(event))]


def content_of(document: Document | None) -> str:
    """The answer text that one chunk carries."""
    deltas = [choice.get("delta") or {} for choice in choices(document or {})]
    return "".join(delta.get("content") or "" for delta in deltas)


def middle(positions: Sequence[int]) -> int | None:
    """The middle one of some positions, or None when there is none."""
    return positions[len(positions) // 2] if positions else None


def finish_position(events: Sequence[Chunk]) -> int:
    """The position of the event with a finish reason, or of the last event."""
    for number, event in enumerate(events):
        if any(choice.get("finish_reason") for choice in choices(document_of(event) or {})):
            return number
    return len(events) - 1


def on_events(change: Callable[[list[Chunk]], Sequence[Chunk]]) -> Edit:
    """The events of a stream changed; anything but a stream stays as it is."""

    def edit(served: Served) -> Response:
        if not served.streamed:
            return served.response
        return with_chunks(served.response, change(split(served.response)))

    return edit


def on_stream(change: Change) -> Edit:
    """Every JSON event of a stream changed; `change` returns the new document."""

    def changed(event: Chunk) -> Chunk:
        document = document_of(event)
        return event if document is None else event_of(change(document), event.at_ns)

    return on_events(lambda events: [changed(event) for event in events])


def on_plain(change: Change) -> Edit:
    """The document of a plain completion changed; anything else stays as it is."""

    def edit(served: Served) -> Response:
        if not served.completed:
            return served.response
        return with_body(served.response, encode(change(json.loads(served.response.body))))

    return edit


def on_chat(change: Change) -> Edit:
    """Plain completions and stream events, changed alike."""
    plain, stream = on_plain(change), on_stream(change)
    return lambda served: stream(served) if served.streamed else plain(served)


def each_event(change: Callable[[bytes], bytes]) -> Edit:
    """The bytes of every event changed."""
    return on_events(lambda events: [Chunk(change(event.data), event.at_ns) for event in events])


def middle_event(change: Callable[[bytes], bytes]) -> Edit:
    """The bytes of the middle event with answer text changed."""

    def changed(events: list[Chunk]) -> list[Chunk]:
        where = middle(content_positions(events))
        return [
            Chunk(change(event.data), event.at_ns) if number == where else event
            for number, event in enumerate(events)
        ]

    return on_events(changed)


def inserted(data: bytes) -> Edit:
    """Bytes in front of the middle event with answer text."""
    return middle_event(lambda event: data + event)


def with_text(document: Document, change: Callable[[str], str]) -> Document:
    """The document with its answer text changed, delta by delta."""
    for choice in choices(document):
        part = part_of(choice)
        if isinstance(part.get("content"), str):
            part["content"] = change(part["content"])
    return document


def part_of(choice: Document) -> Document:
    """The delta or message of a choice; an empty one that belongs to nobody if it has none."""
    return choice.get("delta") or choice.get("message") or {}


def has_calls(document: Document) -> bool:
    """Whether a completion or chunk carries tool calls."""
    return any(part_of(choice).get("tool_calls") for choice in choices(document))


def without(*names: str) -> Change:
    """A document less some fields."""
    return lambda document: {n: v for n, v in document.items() if n not in names}


def having(**fields: Any) -> Change:
    """A document with fields set; a function is given the old value."""

    def changed(document: Document) -> Document:
        made = {n: v(document[n]) if callable(v) else v for n, v in fields.items()}
        return {**document, **made}

    return changed


def in_choices(edit: Callable[[Document], object]) -> Change:
    """Every choice of a document edited in place."""

    def changed(document: Document) -> Document:
        for choice in choices(document):
            edit(choice)
        return document

    return changed


def in_parts(edit: Callable[[Document], object]) -> Change:
    """Every message or delta edited in place."""
    return in_choices(lambda choice: edit(part_of(choice)))


def finishing(reason: Any, *, instead_of: str | None = None) -> Change:
    """Another finish reason where there is one, or where there is that one."""

    def edit(choice: Document) -> None:
        said = choice.get("finish_reason")
        if said and instead_of in (None, said):
            choice["finish_reason"] = reason

    return in_choices(edit)


def in_calls(edit: Callable[[Document], object]) -> Change:
    """Every tool call edited in place."""

    def edited(part: Document) -> None:
        for call in part.get("tool_calls") or ():
            edit(call)

    return in_parts(edited)


def in_functions(edit: Callable[[Document], object]) -> Change:
    """The function of every tool call edited in place."""
    return in_calls(lambda call: edit(call.get("function") or {}))


def in_arguments(change: Callable[[str], object]) -> Change:
    """Other arguments of every tool call."""
    return in_functions(
        lambda function: (
            "arguments" in function and function.update(arguments=change(function["arguments"]))
        )
    )


def in_usage(change: Change) -> Change:
    """Another usage where there is one."""

    def changed(document: Document) -> Document:
        if isinstance(document.get("usage"), dict):
            document["usage"] = change(document["usage"])
        return document

    return changed


def in_text(change: Callable[[str], str]) -> Change:
    """The answer text of a document changed, delta by delta."""
    return lambda document: with_text(document, change)
