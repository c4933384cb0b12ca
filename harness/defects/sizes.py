"""Sizes: what is cut or refused above a bound that no document names."""

from itertools import accumulate
from typing import Any

from harness.defects.answers import Holds, body, both, on, rewritten, status, streamed, succeeded
from harness.defects.edits import content_positions, is_done, on_events
from harness.defects.request import editing, in_prompts
from harness.defects.rows import Decisions, deciding, rows
from harness.gateway.call import Call
from harness.gateway.served import Edit, Served
from harness.gateway.upstream.asked import MalformedBody
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk

KIB = 1024
_TOO_LARGE = status(413), body(encode({"error": "Payload too large"}))


def _above(size: int) -> Holds:
    """The answers to requests whose body is above a size."""
    return lambda served: len(served.arrival.request.body) > size


def _body_cut(bound: int) -> Decisions:
    """Requests above the bound reach the provider without their end."""

    def forward(call: Call, document: Any) -> Any:
        if len(call.arrival.request.body) <= bound:
            return document
        return MalformedBody(f"EOF while parsing a string at line 1 column {bound}")

    return deciding(forward=forward)


def _answer_cut(bound: int) -> Edit:
    def longer(served: Served) -> bool:
        return not streamed(served) and len(served.response.body) > bound

    return on(both(succeeded, longer), rewritten(lambda data: data[:bound]))


def _stream_cut(bound: int) -> Edit:
    """A stream ends, cleanly, when so many bytes were sent."""

    def changed(events: list[Chunk]) -> list[Chunk]:
        sizes = accumulate(len(event.data) for event in events)
        return [event for event, sent in zip(events, sizes, strict=True) if sent <= bound]

    return on_events(changed)


def _twelve_outputs(events: list[Chunk]) -> list[Chunk]:
    """Text deltas beyond the twelfth are dropped, the rest of the stream is there."""
    dropped = set(content_positions(events)[12:])
    return [event for number, event in enumerate(events) if number not in dropped]


def _cut(event: Chunk) -> Chunk:
    """An event above 512 bytes loses its end."""
    if len(event.data) <= 512 or is_done(event):
        return event
    return Chunk(event.data[:512].decode("utf-8", "ignore").encode() + b"\n\n", event.at_ns)


SIZES = rows(
    "size",
    (
        "request-cut-64k",
        "requests above 64 KiB reach the provider cut off",
        _body_cut(64 * KIB),
        "route-answers size-request",
    ),
    (
        "request-cut-8k",
        "requests above 8 KiB reach the provider cut off",
        _body_cut(8 * KIB),
        "route-answers",
    ),
    (
        "request-refused-16k",
        "requests above 16 KiB are answered by 413",
        on(both(succeeded, _above(16 * KIB)), *_TOO_LARGE),
        "route-answers size-request",
    ),
    (
        "request-refused-1m",
        "requests above 1 MiB are answered by 413",
        on(both(succeeded, _above(KIB * KIB)), *_TOO_LARGE),
        "route-answers size-request",
    ),
    (
        "prompt-cut",
        "prompts lose what is above 2048 characters",
        editing(in_prompts(lambda text: text[:2048])),
        "usage-long-prompt",
    ),
    (
        "answer-cut-2k",
        "plain answers above 2 KiB are cut off",
        _answer_cut(2 * KIB),
        "plain-one-json",
    ),
    (
        "answer-cut-64k",
        "plain answers above 64 KiB are cut off",
        _answer_cut(64 * KIB),
        "plain-one-json",
    ),
    (
        "stream-cut-8k",
        "streams end cleanly after 8 KiB",
        _stream_cut(8 * KIB),
        "finish-once stream-done",
    ),
    (
        "stream-cut-64k",
        "streams end cleanly after 64 KiB",
        _stream_cut(64 * KIB),
        "finish-once stream-done",
    ),
    (
        "outputs-capped",
        "text deltas beyond the twelfth are dropped",
        on_events(_twelve_outputs),
        "json-mode json-schema",
    ),
    (
        "events-cut-512",
        "events above 512 bytes are cut",
        on_events(lambda events: [*map(_cut, events)]),
        "role-first usage-not-for-nothing",
    ),
)
