"""Pieces of a stream that are lost, repeated or those of another."""

from harness.defects.edits import (
    Document,
    content_positions,
    document_of,
    event_of,
    in_choices,
    in_text,
    middle,
    on_chat,
    on_events,
    on_stream,
)
from harness.defects.rows import rows
from harness.gateway.served import Edit, Served
from harness.wire import Chunk, Response


def _middle(times: int) -> Edit:
    """The middle text delta so many times."""

    def changed(events: list[Chunk]) -> list[Chunk]:
        where = middle(content_positions(events))
        return [e for n, e in enumerate(events) for _ in range(times if n == where else 1)]

    return on_events(changed)


drop_chunk, dup_chunk = _middle(0), _middle(2)


def _cumulative(served: Served) -> Response:
    texts: dict[int, str] = {}

    def grown(choice: Document) -> None:
        if choice["delta"].get("content"):
            text = texts.get(choice["index"], "") + choice["delta"]["content"]
            choice["delta"]["content"] = texts[choice["index"]] = text

    return on_stream(in_choices(grown))(served)


def _cross_talk(served: Served) -> Response:
    """A chunk of the stream before, or of a made-up one, appears in the middle."""
    if not served.streamed:
        return served.response
    foreign = served.memory.get("chunk")
    own = (document_of(event) for event in served.response.chunks)
    served.memory["chunk"] = next(filter(None, own), None)
    return on_events(lambda events: _mixed(events, foreign))(served)


def _mixed(events: list[Chunk], foreign: Document | None) -> list[Chunk]:
    where = middle(content_positions(events)) or 1
    own = document_of(events[0]) or {}
    strange = {"index": 0, "delta": {"content": " of another request"}}
    made_up = {**own, "id": "chatcmpl-00000000-0000-4000-8000-000000000000", "choices": [strange]}
    extra = event_of(foreign or made_up, events[min(where, len(events) - 1)].at_ns)
    return [*events[:where], extra, *events[where:]]


def _emptied(choice: Document) -> None:
    name = "delta" if "delta" in choice else "message"
    kept = {"role": "assistant"} if "role" in (choice.get(name) or {}) else {}
    choice[name] = {**kept, "content": ""}
    choice.pop("logprobs", None)
    if choice.get("finish_reason"):
        choice["finish_reason"] = "stop"


PIECES = rows(
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
    ("cumulative", "each delta holds the full text so far", _cumulative, "deltas-are-new", "I04"),
    (
        "cross-talk",
        "a chunk of another request appears in the stream",
        _cross_talk,
        "stream-one-id",
        "I05, connection or cache mix-up",
    ),
    (
        "whitespace-trim",
        "leading spaces of deltas are stripped",
        on_stream(in_text(str.lstrip)),
        "logprobs-spell stream-equals-plain",
        "I08",
    ),
    (
        "billed-but-empty",
        "tokens are billed, but there is neither text nor a call, and finish is stop",
        on_chat(in_choices(_emptied)),
        "usage-not-for-nothing",
        "I13, vercel/ai#20932",
    ),
)
