"""Pieces of a stream that are lost, repeated or those of another."""

from collections.abc import Sequence

from harness.defects.edits import (
    Document,
    choices,
    content_positions,
    document_of,
    event_of,
    middle,
    on_both,
    on_documents,
    on_events,
    with_text,
)
from harness.defects.rows import rows
from harness.gateway.served import Served
from harness.wire import Chunk, Response


def drop_chunk(served: Served) -> Response:
    """The middle text delta is lost."""
    return on_events(served, lambda events: _repeated(events, 0))


def dup_chunk(served: Served) -> Response:
    """The middle text delta comes twice."""
    return on_events(served, lambda events: _repeated(events, 2))


def _repeated(events: Sequence[Chunk], times: int) -> list[Chunk]:
    where = middle(content_positions(events))
    repeats = [times if number == where else 1 for number in range(len(events))]
    return [event for event, count in zip(events, repeats, strict=True) for _ in range(count)]


def cumulative(served: Served) -> Response:
    """Each delta holds all text so far."""
    texts: dict[int, str] = {}

    def grown(document: Document) -> Document:
        for choice in choices(document):
            if choice["delta"].get("content"):
                text = texts.get(choice["index"], "") + choice["delta"]["content"]
                choice["delta"]["content"] = texts[choice["index"]] = text
        return document

    return on_documents(served, grown)


def cross_talk(served: Served) -> Response:
    """A chunk of the stream before, or of a made-up one, appears in the middle."""
    if not served.streamed:
        return served.response
    foreign = served.memory.get("chunk")
    response = on_events(served, lambda events: _mixed(events, foreign))
    served.memory["chunk"] = next(
        (document_of(event) for event in served.response.chunks if document_of(event)), None
    )
    return response


def _mixed(events: list[Chunk], foreign: Document | None) -> list[Chunk]:
    where = middle(content_positions(events)) or 1
    own = document_of(events[0]) or {}
    strange = {"index": 0, "delta": {"content": " of another request"}}
    made_up = {**own, "id": "chatcmpl-00000000-0000-4000-8000-000000000000", "choices": [strange]}
    extra = event_of(foreign or made_up, events[min(where, len(events) - 1)].at_ns)
    return [*events[:where], extra, *events[where:]]


def whitespace_trim(served: Served) -> Response:
    """Deltas lose their leading spaces."""
    return on_documents(served, lambda document: with_text(document, str.lstrip))


def billed_but_empty(served: Served) -> Response:
    """Usage and finish_reason stop, but no text and no call."""
    return on_both(served, _emptied)


def _emptied(document: Document) -> Document:
    for choice in choices(document):
        part = choice.get("delta") if "delta" in choice else choice.get("message")
        kept = {"role": "assistant"} if "role" in (part or {}) else {}
        choice["delta" if "delta" in choice else "message"] = {**kept, "content": ""}
        choice.pop("logprobs", None)
        if choice.get("finish_reason"):
            choice["finish_reason"] = "stop"
    return document


INTEGRITY = rows(
    "I",
    (
        "drop-chunk",
        "one text delta of a stream is missing",
        drop_chunk,
        "stream-equals-plain",
        "I01, buffering bugs",
    ),
    (
        "dup-chunk",
        "one text delta of a stream comes twice",
        dup_chunk,
        "stream-equals-plain",
        "I02, retry after a partial send",
    ),
    ("cumulative", "each delta holds the full text so far", cumulative, "deltas-are-new", "I04"),
    (
        "cross-talk",
        "a chunk of another request appears in the stream",
        cross_talk,
        "stream-one-id",
        "I05, connection or cache mix-up",
    ),
    (
        "whitespace-trim",
        "leading spaces of deltas are stripped",
        whitespace_trim,
        "logprobs-spell stream-equals-plain",
        "I08",
    ),
    (
        "billed-but-empty",
        "tokens are billed, but there is neither text nor a call, and finish is stop",
        billed_but_empty,
        "usage-not-for-nothing",
        "I13, vercel/ai#20932",
    ),
)
