"""Operators on an answer as a row of events, as bytes, as header fields and as a head.

Each is given an answer and a place, and returns the same answer where it has no such place.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from harness.defects.edits import (
    content_positions,
    document_of,
    finish_position,
    has_calls,
    is_done,
    middle,
    split,
    with_chunks,
)
from harness.defects.mutants.values import kind_of
from harness.gateway.served import Served
from harness.wire import Chunk, End, Headers, Response

Operator = Callable[[Served, str], Response]

EVENTS = "first second text calls before-finish finish usage done"
"""The places in a stream."""
STALL_NS = 150_000_000_000
"""Longer than the 100 seconds of silence after which Cloudflare's edge gives up."""
Row = list[Chunk]


def _position(events: Sequence[Chunk], place: str) -> int | None:
    """The position of the event that a place means, or None."""
    chunks = [document_of(event) or {} for event in events]
    calls = [n for n, chunk in enumerate(chunks) if has_calls(chunk)]
    usage = [n for n, chunk in enumerate(chunks) if chunk.get("choices") == []]
    done = [n for n, event in enumerate(events) if is_done(event)]
    finish = finish_position(events)
    found: Mapping[str, int | None] = {
        "first": 0,
        "second": 1 if finish > 1 else None,
        "text": middle(content_positions(events)),
        "calls": middle(calls),
        "before-finish": finish - 1 if finish > 1 else None,
        "finish": finish,
        "usage": usage[0] if usage else None,
        "done": done[-1] if done else None,
    }
    return found[place]


def _event(edit: Callable[[Row, int], Row]) -> Operator:
    """An operator that edits the events of a stream around the one at a place."""

    def operator(served: Served, place: str) -> Response:
        if not served.streamed:
            return served.response
        events = split(served.response)
        at = _position(events, place)
        return served.response if at is None else with_chunks(served.response, edit(events, at))

    return operator


def _reordered(order: Callable[[list[int], int], list[int]]) -> Operator:
    """An operator that puts the events in another order at the same times."""

    def edit(events: Row, at: int) -> Row:
        numbers = order(list(range(len(events))), at)
        return [Chunk(events[n].data, old.at_ns) for n, old in zip(numbers, events, strict=True)]

    return _event(edit)


def _rewritten(change: Callable[[bytes], bytes]) -> Operator:
    return _event(lambda e, at: [*e[:at], Chunk(change(e[at].data), e[at].at_ns), *e[at + 1 :]])


def _halved(events: Row, at: int) -> Row:
    """One JSON text in two events."""
    data, at_ns = events[at].data, events[at].at_ns
    half = len(data) // 2
    parts = Chunk(data[:half] + b"\n\n", at_ns), Chunk(b"data: " + data[half:], at_ns)
    return [*events[:at], *parts, *events[at + 1 :]]


def _held(events: Row, at: int) -> Row:
    """Everything from here on comes at the end."""
    return events[:at] + [Chunk(event.data, events[-1].at_ns) for event in events[at:]]


def _stalled(events: Row, at: int) -> Row:
    return events[:at] + [Chunk(event.data, event.at_ns + STALL_NS) for event in events[at:]]


def _foreign(served: Served, place: str) -> Response:
    """The stream with the same event of the stream before it in front of its own."""

    def visited(events: Row, at: int) -> Row:
        stranger, served.memory[place] = served.memory.get(place), events[at].data
        visitor = [] if stranger is None else [Chunk(stranger, events[at].at_ns)]
        return [*events[:at], *visitor, *events[at:]]

    return _event(visited)(served, place)


OF_EVENTS: Mapping[str, Operator] = {
    "event-drop": _event(lambda events, at: events[:at] + events[at + 1 :]),
    "event-twice": _event(lambda events, at: events[: at + 1] + events[at:]),
    "event-swap": _reordered(lambda n, at: [*n[:at], *reversed(n[at : at + 2]), *n[at + 2 :]]),
    "event-last": _reordered(lambda n, at: [*n[:at], *n[at + 1 :], at]),
    "event-first": _reordered(lambda n, at: [at, *n[:at], *n[at + 1 :]]),
    "event-halve": _event(_halved),
    "event-glue": _rewritten(lambda event: event.removesuffix(b"\n")),
    "event-unlabel": _rewritten(lambda event: event.removeprefix(b"data: ")),
    "event-hold": _event(_held),
    "event-stall": _event(_stalled),
    "event-cut": _event(lambda events, at: events[:at]),
    "event-foreign": _foreign,
}

PERCENT = "0 10 25 50 75 90 99 100"
"""The places in a body: at a share of its length."""
_BLOCK = 16


def _body(edit: Callable[[bytes, str], bytes]) -> Operator:
    """An operator that edits the bytes of a body, where there are any."""

    def operator(served: Served, place: str) -> Response:
        body = served.response.body
        return _with_bytes(served.response, edit(body, place) if body else body)

    return operator


def _bytes(edit: Callable[[bytes, int], bytes]) -> Operator:
    """An operator that edits the bytes of a body at a place."""
    return _body(lambda body, place: edit(body, len(body) * int(place) // 100))


def _with_bytes(response: Response, body: bytes) -> Response:
    """Another body in chunks of the old sizes at the old times; what is more comes last."""
    if body == response.body:
        return response
    chunks: list[Chunk] = []
    left = body
    for chunk in response.chunks[:-1]:
        part, left = left[: len(chunk.data)], left[len(chunk.data) :]
        if part:
            chunks.append(Chunk(part, chunk.at_ns))
    if left:
        chunks.append(Chunk(left, response.chunks[-1].at_ns))
    return replace(response, chunks=tuple(chunks))


def _flipped(body: bytes, at: int) -> bytes:
    return body[:at] + bytes((byte ^ 1) for byte in body[at : at + 1]) + body[at + 1 :]


def _broken_off(served: Served, place: str) -> Response:
    """The connection is lost; a plain answer has said how long it would be."""
    response, body = served.response, served.response.body
    if not body:
        return response
    cut = OF_BYTES["byte-cut"](served, place)
    if not served.streamed and "content-length" not in response.headers:
        cut = _with(cut, "content-length", str(len(body)))
    return replace(cut, end=End.CUT)


OF_BYTES: Mapping[str, Operator] = {
    "byte-cut": _bytes(lambda body, at: body[:at]),
    "byte-lost": _bytes(lambda body, at: body[:at] + body[at + 1 :]),
    "byte-flip": _bytes(_flipped),
    "byte-nul": _bytes(lambda body, at: body[:at] + b"\0" + body[at:]),
    "byte-high": _bytes(lambda body, at: body[:at] + b"\xff" + body[at:]),
    "byte-junk": _bytes(lambda body, at: body[:at] + b"junk" + body[at:]),
    "byte-line": _bytes(lambda body, at: body[:at] + b"\n" + body[at:]),
    "block-lost": _bytes(lambda body, at: body[:at] + body[at + _BLOCK :]),
    "block-twice": _bytes(lambda body, at: body[:at] + body[at : at + _BLOCK] + body[at:]),
}
OF_BODIES: Mapping[str, Operator] = {
    "body-marked": _body(lambda body, _: b"\xef\xbb\xbf" + body),
    "body-latin1": _body(
        lambda body, _: body.decode("utf-8", "replace").encode("latin-1", "replace")
    ),
    "body-utf16": _body(lambda body, _: body.decode("utf-8", "replace").encode("utf-16")),
    "body-twice": _body(lambda body, _: body + body),
    "body-quoted": _body(lambda body, _: b'"' + body.replace(b'"', b'\\"') + b'"'),
    "body-mojibake": _body(lambda body, _: body.decode("latin-1").encode("utf-8")),
    "body-empty": _body(lambda body, _: body[:0]),
}
OF_CONNECTIONS: Mapping[str, Operator] = {"broken-off": _broken_off}

FIELDS = (
    "content-type cf-aig-cache-status cf-aig-event-id cf-aig-log-id cf-aig-request-id cf-aig-step "
    "cf-ray x-baseten-request-id"
)
"""The documented header fields, and the one by which Baseten's support finds a request."""
LABELS: Mapping[str, str] = {
    "html": "text/html",
    "text": "text/plain",
    "json": "application/json",
    "events": "text/event-stream",
    "octets": "application/octet-stream",
    "latin1": "application/json; charset=latin-1",
}
STATUSES = (201, 202, 204, 206, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 529)
CLASSES = "ok stream refusal envelope"
"""The places of an operator on the head: which answers get another one."""


def _with(response: Response, name: str, value: str | None) -> Response:
    """The answer with another value in a header field, or without the field."""
    if value == response.headers.get(name):
        return response
    headers = response.headers
    changed = headers.without(name) if value is None else headers.replacing(name, value)
    return replace(response, headers=changed)


def _header(change: Callable[[str], str | None]) -> Operator:
    """An operator on a header field, where the answer has it."""

    def operator(served: Served, name: str) -> Response:
        value = served.response.headers.get(name)
        return served.response if value is None else _with(served.response, name, change(value))

    return operator


def _header_twice(served: Served, name: str) -> Response:
    response, value = served.response, served.response.headers.get(name)
    if value is None or value == value[::-1]:
        return response
    return replace(response, headers=Headers(((name, value[::-1]), *response.headers.fields)))


def _header_stale(served: Served, name: str) -> Response:
    """The field as the answer before had it."""
    value = served.response.headers.get(name)
    if value is None:
        return served.response
    before, served.memory[name] = served.memory.get(name, value), value
    return _with(served.response, name, before)


def _header_fixed(served: Served, name: str) -> Response:
    """The field as the first answer had it."""
    return _header(lambda value: served.memory.setdefault(name, value))(served, name)


OF_HEADERS: Mapping[str, Operator] = {
    "header-drop": _header(lambda _: None),
    "header-empty": _header(lambda _: ""),
    "header-garble": _header(lambda value: value[::-1]),
    "header-case": _header(str.swapcase),
    "header-cut": _header(lambda value: value[:-1]),
    "header-twice": _header_twice,
    "header-stale": _header_stale,
    "header-fixed": _header_fixed,
}


def _class_of(served: Served) -> str:
    """The class of an answer: ok, stream, refusal (the provider's) or envelope (the gateway's)."""
    if served.response.status < 300:
        return "stream" if served.streamed else "ok"
    return kind_of(served.response) or "refusal"


def _head(edit: Callable[[Response], Response]) -> Operator:
    """An operator on the head of the answers of a class."""
    return lambda s, place: edit(s.response) if _class_of(s) == place else s.response


def _status(status: int) -> Operator:
    return _head(lambda response: replace(response, status=status))


def _field(name: str, value: str) -> Operator:
    return _head(lambda response: _with(response, name, value))


OF_HEADS: Mapping[str, Operator] = {
    **{f"status-{status}": _status(status) for status in STATUSES},
    **{f"label-{label}": _field("content-type", value) for label, value in LABELS.items()},
    "encoding-claimed": _field("content-encoding", "gzip"),
}
