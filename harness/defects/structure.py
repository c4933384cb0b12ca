"""Streams and completions whose parts are missing, doubled or out of order."""

from typing import Any

from harness.defects.edits import (
    Document,
    choices,
    document_of,
    event_of,
    finish_position,
    on_both,
    on_documents,
    on_events,
)
from harness.defects.rows import rows
from harness.gateway.identity import uuid4
from harness.gateway.rng import Rng
from harness.gateway.served import Served
from harness.wire import Chunk, Response


def id_changes(served: Served) -> Response:
    """A new id in each chunk."""
    rng = Rng("id-changes", served.arrival.serial)
    return on_documents(served, lambda document: {**document, "id": f"chatcmpl-{uuid4(rng)}"})


def object_not_chunk(served: Served) -> Response:
    """The object name of plain answers in a stream."""
    return on_documents(served, lambda document: {**document, "object": "chat.completion"})


def missing_role(served: Served) -> Response:
    """No role in any delta."""
    return on_documents(served, _without_role)


def _without_role(document: Document) -> Document:
    for choice in choices(document):
        choice["delta"].pop("role", None)
    return document


def role_every_chunk(served: Served) -> Response:
    """A role in every delta."""
    return on_documents(served, _with_role)


def _with_role(document: Document) -> Document:
    for choice in choices(document):
        choice["delta"] = {"role": "assistant", **choice["delta"]}
    return document


def choices_null(served: Served) -> Response:
    """One chunk without choices in the middle of the text."""
    return on_events(served, _insert_null)


def _insert_null(events: list[Chunk]) -> list[Chunk]:
    first = document_of(events[0]) or {}
    extra = event_of({**first, "choices": None}, events[1].at_ns if len(events) > 1 else 0)
    return [events[0], extra, *events[1:]]


def message_for_delta(served: Served) -> Response:
    """Chunks in the form of plain answers."""
    return on_documents(served, _renamed)


def _renamed(document: Document) -> Document:
    for choice in choices(document):
        choice["message"] = choice.pop("delta", {})
    return document


def index_missing(served: Served) -> Response:
    """Choices without their number, plain and streamed."""
    return on_both(served, _without_index)


def _without_index(document: Document) -> Document:
    for choice in choices(document):
        choice.pop("index", None)
    return document


def finish_unknown(served: Served) -> Response:
    """A finish reason of another API, plain and streamed."""
    return on_both(served, lambda document: _finished(document, "eos_token"))


def finish_wrong(served: Served) -> Response:
    """Every answer claims to be complete, also those that the limit cut off."""
    return on_both(served, lambda document: _finished(document, "stop"))


def _finished(document: Document, reason: Any) -> Document:
    for choice in choices(document):
        if choice.get("finish_reason"):
            choice["finish_reason"] = reason
    return document


def content_after_finish(served: Served) -> Response:
    """Text after the chunk that said it was over."""
    return on_events(served, _continue)


def _continue(events: list[Chunk]) -> list[Chunk]:
    where = finish_position(events)
    document = document_of(events[where])
    if document is None:
        return events
    late = {**document, "choices": [{"index": 0, "delta": {"content": " and more"}}]}
    extra = event_of(late, events[where].at_ns)
    return [*events[: where + 1], extra, *events[where + 1 :]]


STRUCTURE = rows(
    "S",
    (
        "id-changes",
        "every chunk of a stream has another id",
        id_changes,
        "stream-one-id",
        "S01, BerriAI/litellm#1571, microsoft/foundry-local#144",
    ),
    (
        "object-not-chunk",
        'chunks say "object": "chat.completion"',
        object_not_chunk,
        "chunk-object",
        "S05, Baseten's published inference schema mixes the two",
    ),
    (
        "missing-role",
        "no delta carries a role",
        missing_role,
        "role-first",
        "S07, tensorzero#1265, langwatch#6196",
    ),
    (
        "role-every-chunk",
        "every delta repeats the role",
        role_every_chunk,
        "role-once",
        "S08, BerriAI/litellm PR#9986",
    ),
    ("choices-null", "a chunk in the middle has choices null", choices_null, "chunk-fields", "S11"),
    (
        "message-for-delta",
        "chunks carry message instead of delta",
        message_for_delta,
        "chunk-choices",
        "S13",
    ),
    ("index-missing", "choices have no index", index_missing, "chunk-choices", "S14"),
    (
        "finish-unknown",
        "finish_reason is eos_token",
        finish_unknown,
        "finish-known",
        "S16, TGI#2466",
    ),
    (
        "finish-wrong",
        "finish_reason is stop although max_tokens cut the answer off",
        finish_wrong,
        "limit-is-length tool-finish",
        "S19, Dynamo delta.rs (Cancelled becomes stop); BerriAI/litellm#40260",
    ),
    (
        "content-after-finish",
        "a text delta follows the finish chunk",
        content_after_finish,
        "finish-is-last",
        "S20",
    ),
)
