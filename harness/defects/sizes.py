"""Sizes: what is cut or refused above a bound that no document names."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.edits import content_positions, is_done, on_events, with_body
from harness.defects.rows import Decisions, deciding, rows
from harness.gateway.call import Call
from harness.gateway.rules import Rules
from harness.gateway.served import Served
from harness.gateway.upstream.asked import MalformedBody
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Response

KIB = 1024


def _body_cut(bound: int) -> Decisions:
    """Requests above the bound reach the provider without their end."""

    def forward(call: Call, document: Any) -> Any:
        if len(call.arrival.request.body) <= bound:
            return document
        return MalformedBody(f"EOF while parsing a string at line 1 column {bound}")

    return deciding(forward=forward)


def _refused_above(bound: int) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        if len(served.arrival.request.body) <= bound or served.response.status != 200:
            return served.response
        body = encode({"error": "Payload too large"})
        return replace(with_body(served.response, body), status=413)

    return respond


def _prompt_cut(rules: Rules) -> Rules:
    """Long prompts lose what is above 2048 characters."""

    def forward(_call: Call, document: Any) -> Any:
        if not isinstance(document, dict) or not isinstance(document.get("messages"), list):
            return document
        messages = [
            {**m, "content": m["content"][:2048]}
            if isinstance(m, dict) and isinstance(m.get("content"), str)
            else m
            for m in document["messages"]
        ]
        return {**document, "messages": messages}

    return replace(rules, forward=forward)


def _answer_cut(bound: int) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        response = served.response
        if served.streamed or response.status != 200 or len(response.body) <= bound:
            return response
        return with_body(response, response.body[:bound])

    return respond


def _stream_cut(bound: int) -> Callable[[Served], Response]:
    """A stream ends, cleanly, when so many bytes were sent."""

    def edit(events: list[Chunk]) -> list[Chunk]:
        kept, sent = [], 0
        for event in events:
            sent += len(event.data)
            if sent > bound:
                break
            kept.append(event)
        return kept

    return on_events(edit)


def _outputs_capped(bound: int) -> Callable[[Served], Response]:
    """Text deltas beyond a number of them are dropped, the rest of the stream is there."""

    def edit(events: list[Chunk]) -> list[Chunk]:
        dropped = set(content_positions(events)[bound:])
        return [event for number, event in enumerate(events) if number not in dropped]

    return on_events(edit)


def _long_events_cut(served: Served) -> Response:
    """Events above 512 bytes lose their end."""

    def edit(events: list[Chunk]) -> list[Chunk]:
        return [
            event if len(event.data) <= 512 or is_done(event) else _cut(event) for event in events
        ]

    return on_events(edit)(served)


def _cut(event: Chunk) -> Chunk:
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
        _refused_above(16 * KIB),
        "route-answers size-request",
    ),
    (
        "request-refused-1m",
        "requests above 1 MiB are answered by 413",
        _refused_above(KIB * KIB),
        "route-answers size-request",
    ),
    (
        "prompt-cut",
        "prompts lose what is above 2048 characters",
        Decisions(_prompt_cut),
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
        _outputs_capped(12),
        "json-mode json-schema",
    ),
    (
        "events-cut-512",
        "events above 512 bytes are cut",
        _long_events_cut,
        "role-first usage-not-for-nothing",
    ),
)
