"""Class E, continued: errors in other shapes, with other ids, or told in the wrong place."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.carriage import refused
from harness.defects.defect import defect
from harness.defects.edits import (
    content_positions,
    inserted,
    streams,
    with_body,
    with_header,
)
from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Headers, Response

_STREAM, _BY_GATEWAY, _BY_PROVIDER = (
    "every streamed chat answer with text",
    "every request that the gateway refuses",
    "every request that the provider refuses",
)


def _ending(data: bytes) -> Callable[[Served], Response]:
    """A stream that breaks off in its middle with an event, then `[DONE]`."""

    def edited(events: list[Chunk]) -> list[Chunk]:
        positions = content_positions(events)
        where = positions[len(positions) // 2] if positions else 0
        return [*events[: where + 1], Chunk(data, events[where].at_ns), events[-1]]

    return streams(edited)


def _own_error(served: Served) -> bool:
    """Whether the gateway itself refused."""
    provider = "x-baseten-request-id" in served.response.headers
    return served.response.status >= 400 and not provider


def _envelope(edit: Callable[[dict[str, Any]], Any]) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        if not _own_error(served):
            return served.response
        return with_body(served.response, encode(edit(json.loads(served.response.body))))

    return respond


def _refusal(edit: Callable[[Response], Response]) -> Callable[[Served], Response]:
    return lambda served: edit(served.response) if refused(served) else served.response


def _status(given: int, made: int, *, own: bool) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        wanted = served.response.status == given and own is _own_error(served)
        return replace(served.response, status=made) if wanted else served.response

    return respond


def _plural(envelope: dict[str, Any]) -> dict[str, Any]:
    return {("errors" if name == "error" else name): v for name, v in envelope.items()}


def _codes(change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def edited(envelope: dict[str, Any]) -> dict[str, Any]:
        for error in envelope.get("error") or ():
            error["code"] = change(error["code"])
        return envelope

    return edited


def _object(envelope: dict[str, Any]) -> dict[str, Any]:
    return {**envelope, "error": (envelope.get("error") or [{}])[0]}


def _body(text: bytes, media_type: str) -> Callable[[Response], Response]:
    return lambda response: with_header(with_body(response, text), "content-type", media_type)


def _other_status(response: Response) -> Response:
    document = {"message": "refused", "type": "Bad Request", "code": 418}
    return with_body(response, encode(document))


def _header(name: str, value: str, status: int) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        wrong = served.response.status == status
        return with_header(served.response, name, value) if wrong else served.response

    return respond


def event_id_changed(served: Served) -> Response:
    """The caller's event id replaced by the log id."""
    log_id = served.response.headers.get("cf-aig-log-id")
    return with_header(served.response, "cf-aig-event-id", log_id) if log_id else served.response


def _fixed(name: str) -> Callable[[Served], Response]:
    """One value of a header for all requests: the first one's."""

    def respond(served: Served) -> Response:
        value = served.response.headers.get(name)
        if value is None:
            return served.response
        return with_header(served.response, name, served.memory.setdefault(name, value))

    return respond


def _dropped(name: str) -> Callable[[Served], Response]:
    return lambda served: replace(
        served.response, headers=Headers(served.response.headers.without(name))
    )


def _set(name: str, change: Callable[[str], str]) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        value = served.response.headers.get(name)
        return (
            served.response if value is None else with_header(served.response, name, change(value))
        )

    return respond


def error_in_200(served: Served) -> Response:
    """The provider's refusal of a plain request as the body of a success."""
    if not refused(served, stream=False):
        return served.response
    document = {"error": {"message": "refused", "type": "invalid_request_error", "code": 400}}
    return replace(with_body(served.response, encode(document)), status=200)


_ERROR_STRING = b'data: {"error":"Internal server error"}\n\n'
_ERROR_NAMED = b'event: error\ndata: {"message":"Internal server error"}\n\n'

REFUSALS = (
    defect(
        "in-stream-error-string",
        "E08",
        "an error of plain text breaks a stream off",
        _STREAM,
        _ending(_ERROR_STRING),
        source="Baseten's string shape in a stream",
    ),
    defect(
        "event-error-no-key",
        "E10",
        "event: error without an error field breaks a stream off",
        _STREAM,
        _ending(_ERROR_NAMED),
        source="llama.cpp#16104, hebo-gateway#71",
    ),
    defect(
        "error-event-ignored",
        "own",
        "an error event in a stream that goes on",
        _STREAM,
        inserted(_ERROR_STRING),
        group="E",
    ),
    defect(
        "error-in-200",
        "own",
        "a refusal is the body of a 200",
        _BY_PROVIDER,
        error_in_200,
        group="E",
        source="mozilla-ai/any-llm#847, litellm#25505",
    ),
    defect(
        "envelope-plural",
        "E04",
        "the gateway's array is called errors",
        _BY_GATEWAY,
        _envelope(_plural),
        source="the v4 API's name",
    ),
    defect(
        "envelope-object",
        "own",
        "the gateway's error is an object, not an array",
        _BY_GATEWAY,
        _envelope(_object),
        group="E",
    ),
    defect(
        "envelope-nested",
        "own",
        "the gateway's error has OpenAI's shape",
        _BY_GATEWAY,
        _envelope(
            lambda e: {
                "error": {
                    "message": e.get("message"),
                    "type": "gateway_error",
                    "param": None,
                    "code": None,
                }
            }
        ),
        group="E",
    ),
    defect(
        "envelope-success",
        "own",
        "the gateway's error says success",
        _BY_GATEWAY,
        _envelope(lambda e: {**e, "success": True}),
        group="E",
    ),
    defect(
        "code-string",
        "own",
        "the gateway's code is a string",
        _BY_GATEWAY,
        _envelope(_codes(str)),
        group="E",
    ),
    defect(
        "code-renumbered",
        "own",
        "the gateway's codes are 8000 higher",
        _BY_GATEWAY,
        _envelope(_codes(lambda code: code + 8000)),
        group="E",
        source="codes were renumbered before: 2041 and 2045",
    ),
    defect(
        "gateway-error-empty",
        "own",
        "the gateway's errors have no body",
        _BY_GATEWAY,
        lambda served: with_body(served.response, b"") if _own_error(served) else served.response,
        group="E",
    ),
    defect(
        "gateway-error-500",
        "own",
        "the gateway's 400 is a 500",
        "requests that the gateway answers by 400",
        _status(400, 500, own=True),
        group="E",
    ),
    defect(
        "error-body-empty",
        "own",
        "the provider's errors have no body",
        _BY_PROVIDER,
        _refusal(lambda r: with_body(r, b"")),
        group="E",
    ),
    defect(
        "error-body-html",
        "own",
        "the provider's errors are web pages",
        _BY_PROVIDER,
        _refusal(_body(b"<html><body>Bad Request</body></html>", "text/html")),
        group="E",
    ),
    defect(
        "error-body-cut",
        "own",
        "the provider's errors lose half of their JSON",
        _BY_PROVIDER,
        _refusal(lambda r: with_body(r, r.body[: len(r.body) // 2])),
        group="E",
    ),
    defect(
        "error-without-message",
        "own",
        "the provider's errors are empty objects",
        _BY_PROVIDER,
        _refusal(lambda r: with_body(r, b"{}")),
        group="E",
    ),
    defect(
        "error-other-status",
        "own",
        "the status inside an error is another",
        _BY_PROVIDER,
        _refusal(_other_status),
        group="E",
    ),
    defect(
        "not-found-as-403",
        "E13",
        "an unknown model is answered with 403",
        "requests for an unknown model",
        _status(404, 403, own=False),
        source="docs.baseten.co/inference/errors",
    ),
    defect(
        "unauthorized-as-403",
        "E13",
        "a wrong gateway token is answered with 403",
        "requests with a wrong token",
        _status(401, 403, own=True),
        needs=("auth",),
    ),
    defect(
        "unauthorized-as-500",
        "E13",
        "a wrong provider key is answered with 500",
        "requests with a wrong provider key",
        _status(401, 500, own=False),
    ),
    defect(
        "retry-after-garbage",
        "E14",
        "Retry-After is no number and no date",
        "requests above the rate limit",
        _header("retry-after", "soon", 429),
        source="command-code#788",
        needs=("rate_limit",),
    ),
    defect(
        "retry-after-past",
        "E14",
        "Retry-After is a date in the past",
        "requests above the rate limit",
        _header("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT", 429),
        needs=("rate_limit",),
    ),
    defect(
        "retry-after-negative",
        "E14",
        "Retry-After is negative",
        "requests above the rate limit",
        _header("retry-after", "-5", 429),
        needs=("rate_limit",),
    ),
    defect(
        "retry-after-300",
        "E14",
        "Retry-After exceeds the window",
        "requests above the rate limit",
        _header("retry-after", "86400", 429),
        source="BerriAI/litellm#4695",
        needs=("rate_limit",),
    ),
    defect(
        "event-id-changed",
        "E16",
        "the caller's event id is replaced",
        "requests with cf-aig-event-id",
        event_id_changed,
    ),
    defect(
        "log-id-reused",
        "E16",
        "all requests have one log id",
        "every second answer",
        _fixed("cf-aig-log-id"),
    ),
    defect(
        "log-id-short",
        "own",
        "the log id is a number",
        "every answer",
        _set("cf-aig-log-id", lambda v: str(int(v[:8], 36) % 10**9)),
        group="E",
    ),
    defect(
        "ray-reused", "E16", "all requests have one cf-ray", "every second answer", _fixed("cf-ray")
    ),
    defect(
        "log-id-lost", "E16", "no answer has a log id", "every answer", _dropped("cf-aig-log-id")
    ),
    defect(
        "step-is-one",
        "own",
        "cf-aig-step says 1 without a fallback",
        "every answer",
        _set("cf-aig-step", lambda _value: "1"),
        group="E",
    ),
)
