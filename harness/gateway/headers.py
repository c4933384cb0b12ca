"""The gateway's own header fields and framing around an answer.

Names: developers.cloudflare.com/ai-gateway/ and the changelog of 2026-10-08 (UUIDv7 log ids).
"""

import json
from dataclasses import dataclass, replace
from email.utils import formatdate

from harness.gateway.behaviour import Behaviour
from harness.gateway.call import Arrival
from harness.gateway.identity import cf_ray, ulid, uuid7
from harness.gateway.rng import Rng
from harness.wire import Chunk, Headers, Response

STREAMED = ("text/event-stream", "application/octet-stream")


@dataclass(frozen=True, slots=True)
class RequestIds:
    """The ids of one request; on a single step the request id is the log id."""

    event_id: str
    log_id: str
    cf_ray: str
    request_id: str


def name(arrival: Arrival, event_id: str | None, form: str) -> RequestIds:
    """Fresh ids; the caller's event id is kept."""
    make = ulid if form == "ulid" else uuid7
    log_id = make(max(0, arrival.now_ns) // 1_000_000, arrival.rng)
    return RequestIds(event_id or log_id, log_id, cf_ray(arrival.rng), log_id)


def of_several(names: RequestIds, arrival: Arrival, form: str) -> RequestIds:
    """The ids of a request that took more than one step: each step has a log of its own."""
    make = ulid if form == "ulid" else uuid7
    drawn = make(max(0, arrival.now_ns) // 1_000_000, arrival.rng.fork("request id"))
    return replace(names, request_id=drawn)


def dress(
    response: Response,
    names: RequestIds,
    now_ns: int,
    *,
    cache_status: str | None,
    known: bool,
    step: int = 0,
) -> Response:
    """The response with the gateway's headers; `known` is whether the gateway exists at all."""
    fields = [("date", formatdate(now_ns // 1_000_000_000 % 253_402_300_800, usegmt=True))]
    fields += [*response.headers.fields, ("server", "cloudflare"), ("cf-ray", names.cf_ray)]
    if known:
        fields += [
            ("cf-aig-event-id", names.event_id),
            ("cf-aig-log-id", names.log_id),
            ("cf-aig-request-id", names.request_id),
            ("cf-aig-step", str(step)),
        ]
    if cache_status is not None:
        fields.append(("cf-aig-cache-status", cache_status))
    return replace(response, headers=Headers(fields))


def framed(response: Response, *, method: str, streamed: bool) -> Response:
    """With Content-Length unless it is streamed or framed already; without a body for HEAD."""
    declared = "content-length" in response.headers or "transfer-encoding" in response.headers
    if not streamed and not declared:
        fields = (*response.headers.fields, ("content-length", str(len(response.body))))
        response = replace(response, headers=Headers(fields))
    return replace(response, chunks=()) if method == "HEAD" else response


def padded(response: Response, behaviour: Behaviour, rng: Rng) -> Response:
    """Each JSON event with a `p` of random length, where the switch asks for padding."""
    if not behaviour.pad_chunks or response.media_type != "text/event-stream":
        return response
    chunks = tuple(Chunk(_padded(chunk.data, rng), chunk.at_ns) for chunk in response.chunks)
    return replace(response, chunks=chunks)


def _padded(data: bytes, rng: Rng) -> bytes:
    padding = b"abcdefghijklmnopqrstuvwxyz0123456789"[: rng.between(1, 36)]
    return data.replace(b'data: {"id"', b'data: {"p":"' + padding + b'","id"', 1)


def renamed(response: Response, model: str, behaviour: Behaviour) -> Response:
    """A compat answer under the name that was asked for, where the switch says so."""
    if behaviour.compat_model != "prefixed" or response.status != 200:
        return response
    ours, theirs = (
        b'"model":' + json.dumps(name, ensure_ascii=False).encode("utf-8", "replace")
        for name in (model, model.removeprefix("baseten/"))
    )
    chunks = (Chunk(chunk.data.replace(theirs, ours, 1), chunk.at_ns) for chunk in response.chunks)
    return replace(response, chunks=tuple(chunks))
