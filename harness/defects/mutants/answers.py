"""Generated defects of JSON answers and of the documents in a stream, one value at a time.

A place is the kind of document and the path in it, such as `plain.choices.0.message.role`. In a
stream the kind is which of the chunks that have the path: `first`, `middle`, `last`, `every`, or
the one with the `finish` reason, or the one for `usage` alone.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from harness.defects.edits import choices, document_of, split, with_body, with_chunks
from harness.defects.mutants.values import Steps, edited, written
from harness.gateway.served import Served
from harness.wire import Chunk, Response

PLAIN = ("plain", "predict", "refusal", "envelope")
STREAMED = ("first", "middle", "last", "every", "finish", "usage")
KINDS = (*PLAIN, *STREAMED)


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
        for event in split(response):
            document = document_of(event) or {}
            yield from ((each, document) for each in ("first", "middle", "last", "every"))
            if _finishes(document):
                yield "finish", document
            if document.get("choices") == []:
                yield "usage", document


def _finishes(document: Any) -> bool:
    return any(choice.get("finish_reason") for choice in choices(document))


def edit_answer(served: Served, place: str, operator: str) -> Response:
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


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _stream(events: list[Chunk], kind: str, steps: Steps, operator: str) -> list[Chunk]:
    documents = {n: d for n, event in enumerate(events) if (d := document_of(event)) is not None}
    others = {n: edited(document, steps, operator) for n, document in documents.items()}
    having = [n for n in documents if others[n] is not documents[n]]
    for number in _chosen(having, documents, kind):
        at_ns = events[number].at_ns
        events[number] = Chunk(b"data: " + written(others[number]) + b"\n\n", at_ns)
    return events


def _chosen(having: Sequence[int], documents: dict[int, Any], kind: str) -> Sequence[int]:
    if kind == "finish":
        return [n for n in having if _finishes(documents[n])]
    if kind == "usage":
        return [n for n in having if documents[n].get("choices") == []]
    if not having or kind == "every":
        return having
    return [having[{"first": 0, "middle": len(having) // 2, "last": -1}[kind]]]
