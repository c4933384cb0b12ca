"""Class S: structure of streams and completions."""

from typing import Any

from harness.defects.defect import Defect
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
from harness.gateway.dice import Dice
from harness.gateway.identity import uuid4
from harness.gateway.served import Served
from harness.wire import Chunk, Response


def id_changes(served: Served) -> Response:
    """A new id in each chunk."""
    dice = Dice("id-changes", served.arrival.serial)
    return on_documents(served, lambda document: {**document, "id": f"chatcmpl-{uuid4(dice)}"})


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


STRUCTURE = (
    Defect(
        name="id-changes",
        catalogue="S01",
        group="S",
        statement="every chunk of a stream has another id",
        shown_by="every streamed chat answer",
        source="BerriAI/litellm#1571, microsoft/foundry-local#144",
        respond=id_changes,
    ),
    Defect(
        name="object-not-chunk",
        catalogue="S05",
        group="S",
        statement='chunks say "object": "chat.completion"',
        shown_by="every streamed chat answer",
        source="Baseten's published inference schema mixes the two",
        respond=object_not_chunk,
    ),
    Defect(
        name="missing-role",
        catalogue="S07",
        group="S",
        statement="no delta carries a role",
        shown_by="every streamed chat answer",
        source="tensorzero#1265, langwatch#6196",
        respond=missing_role,
    ),
    Defect(
        name="role-every-chunk",
        catalogue="S08",
        group="S",
        statement="every delta repeats the role",
        shown_by="every streamed chat answer of two chunks or more",
        source="BerriAI/litellm PR#9986",
        respond=role_every_chunk,
    ),
    Defect(
        name="choices-null",
        catalogue="S11",
        group="S",
        statement="a chunk in the middle has choices null",
        shown_by="every streamed chat answer",
        source="constructed",
        respond=choices_null,
    ),
    Defect(
        name="message-for-delta",
        catalogue="S13",
        group="S",
        statement="chunks carry message instead of delta",
        shown_by="every streamed chat answer",
        source="constructed",
        respond=message_for_delta,
    ),
    Defect(
        name="index-missing",
        catalogue="S14",
        group="S",
        statement="choices have no index",
        shown_by="every chat answer",
        source="constructed",
        respond=index_missing,
    ),
    Defect(
        name="finish-unknown",
        catalogue="S16",
        group="S",
        statement="finish_reason is eos_token",
        shown_by="every chat answer",
        source="TGI#2466",
        respond=finish_unknown,
    ),
    Defect(
        name="finish-wrong",
        catalogue="S19",
        group="S",
        statement="finish_reason is stop although max_tokens cut the answer off",
        shown_by="chat answers that reach max_tokens",
        source="Dynamo delta.rs (Cancelled becomes stop); BerriAI/litellm#40260",
        respond=finish_wrong,
    ),
    Defect(
        name="content-after-finish",
        catalogue="S20",
        group="S",
        statement="a text delta follows the finish chunk",
        shown_by="every streamed chat answer",
        source="constructed",
        respond=content_after_finish,
    ),
)
