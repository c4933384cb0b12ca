"""Editing a response as events and documents: what the defects are written in."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Response

Document = dict[str, Any]

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


def on_events(served: Served, edit: Callable[[list[Chunk]], Sequence[Chunk]]) -> Response:
    """The stream with its events edited; anything but a stream stays as it is."""
    if not served.streamed:
        return served.response
    return with_chunks(served.response, edit(split(served.response)))


def on_documents(served: Served, edit: Callable[[Document], Any]) -> Response:
    """The stream with every JSON event edited in place; `edit` returns the new document."""

    def edited(events: list[Chunk]) -> list[Chunk]:
        return [_edited(event, edit) for event in events]

    return on_events(served, edited)


def _edited(event: Chunk, edit: Callable[[Document], Any]) -> Chunk:
    document = document_of(event)
    return event if document is None else event_of(edit(document), event.at_ns)


def on_plain(served: Served, edit: Callable[[Document], Any]) -> Response:
    """A plain completion with its document edited; anything else stays as it is."""
    if not served.completed:
        return served.response
    return with_body(served.response, encode(edit(json.loads(served.response.body))))


def on_both(served: Served, edit: Callable[[Document], Any]) -> Response:
    """Plain completions and stream events, edited alike."""
    return on_documents(served, edit) if served.streamed else on_plain(served, edit)


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


def documents(edit: Callable[[Document], Any]) -> Callable[[Served], Response]:
    """A defect of every JSON event of a stream."""
    return lambda served: on_documents(served, edit)


def plains(edit: Callable[[Document], Any]) -> Callable[[Served], Response]:
    """A defect of plain completions."""
    return lambda served: on_plain(served, edit)


def boths(edit: Callable[[Document], Any]) -> Callable[[Served], Response]:
    """A defect of completions and stream events alike."""
    return lambda served: on_both(served, edit)


def streams(edit: Callable[[list[Chunk]], Sequence[Chunk]]) -> Callable[[Served], Response]:
    """A defect of the events of a stream."""
    return lambda served: on_events(served, edit)


def each_event(edit: Callable[[bytes], bytes]) -> Callable[[Served], Response]:
    """A defect of the bytes of every event."""
    return streams(lambda events: [Chunk(edit(event.data), event.at_ns) for event in events])


def middle_event(edit: Callable[[bytes], bytes]) -> Callable[[Served], Response]:
    """A defect of the bytes of the middle event with answer text."""

    def edited(events: list[Chunk]) -> list[Chunk]:
        where = middle(content_positions(events))
        return [
            Chunk(edit(event.data), event.at_ns) if number == where else event
            for number, event in enumerate(events)
        ]

    return streams(edited)


def inserted(data: bytes) -> Callable[[Served], Response]:
    """A defect that puts bytes in front of the middle event with answer text."""
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
