"""Errors in other shapes, with other ids, or told in the wrong place."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.edits import (
    content_positions,
    inserted,
    on_events,
    with_body,
    with_header,
)
from harness.defects.http import refused
from harness.defects.rows import rows
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

    return on_events(edited)


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
    *rows(
        "E",
        (
            "in-stream-error-string",
            "an error of plain text breaks a stream off",
            _ending(_ERROR_STRING),
            "stream-no-error",
            "E08, Baseten's string shape in a stream",
        ),
        (
            "event-error-no-key",
            "event: error without an error field breaks a stream off",
            _ending(_ERROR_NAMED),
            "chunk-object stream-no-error",
            "E10, llama.cpp#16104, hebo-gateway#71",
        ),
        (
            "error-event-ignored",
            "an error event in a stream that goes on",
            inserted(_ERROR_STRING),
            "stream-no-error",
        ),
        (
            "error-in-200",
            "a refusal is the body of a 200",
            error_in_200,
            "error-rejected",
            "mozilla-ai/any-llm#847, litellm#25505",
        ),
        (
            "envelope-plural",
            "the gateway's array is called errors",
            _envelope(_plural),
            "error-gateway-form",
            "E04, the v4 API's name",
        ),
        (
            "envelope-object",
            "the gateway's error is an object, not an array",
            _envelope(_object),
            "error-gateway-form",
        ),
        (
            "envelope-nested",
            "the gateway's error has OpenAI's shape",
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
            "auth-token-code",
        ),
        (
            "envelope-success",
            "the gateway's error says success",
            _envelope(lambda e: {**e, "success": True}),
            "error-envelope-types error-gateway-form",
        ),
        ("code-string", "the gateway's code is a string", _envelope(_codes(str)), "error-envelope"),
        (
            "code-renumbered",
            "the gateway's codes are 8000 higher",
            _envelope(_codes(lambda code: code + 8000)),
            "error-envelope-types error-gateway-form",
            "codes were renumbered before: 2041 and 2045",
        ),
        (
            "gateway-error-empty",
            "the gateway's errors have no body",
            lambda served: (
                with_body(served.response, b"") if _own_error(served) else served.response
            ),
            "error-parsable error-shape",
        ),
        (
            "gateway-error-500",
            "the gateway's 400 is a 500",
            _status(400, 500, own=True),
            "unknown-gateway unknown-gateway-code",
        ),
        (
            "error-body-empty",
            "the provider's errors have no body",
            _refusal(lambda r: with_body(r, b"")),
            "error-parsable error-shape",
        ),
        (
            "error-body-html",
            "the provider's errors are web pages",
            _refusal(_body(b"<html><body>Bad Request</body></html>", "text/html")),
            "error-parsable error-shape",
        ),
        (
            "error-body-cut",
            "the provider's errors lose half of their JSON",
            _refusal(lambda r: with_body(r, r.body[: len(r.body) // 2])),
            "error-parsable error-shape",
        ),
        (
            "error-without-message",
            "the provider's errors are empty objects",
            _refusal(lambda r: with_body(r, b"{}")),
            "error-parsable error-shape",
        ),
        (
            "error-other-status",
            "the status inside an error is another",
            _refusal(_other_status),
            "error-status",
        ),
        (
            "not-found-as-403",
            "an unknown model is answered with 403",
            _status(404, 403, own=False),
            "error-status",
            "E13, docs.baseten.co/inference/errors",
        ),
        (
            "unauthorized-as-500",
            "a wrong provider key is answered with 500",
            _status(401, 500, own=False),
            "auth-key-wrong auth-key-status",
            "E13",
        ),
        (
            "event-id-changed",
            "the caller's event id is replaced",
            event_id_changed,
            "event-id-echo",
            "E16",
        ),
        (
            "log-id-reused",
            "all requests have one log id",
            _fixed("cf-aig-log-id"),
            "request-id-is-log-id",
            "E16",
        ),
        (
            "log-id-short",
            "the log id is a number",
            _set("cf-aig-log-id", lambda v: str(int(v[:8], 36) % 10**9)),
            "log-id-form request-id-is-log-id",
        ),
        ("ray-reused", "all requests have one cf-ray", _fixed("cf-ray"), "ray-unique", "E16"),
        (
            "log-id-lost",
            "no answer has a log id",
            _dropped("cf-aig-log-id"),
            "log-id-present",
            "E16",
        ),
        (
            "step-is-one",
            "cf-aig-step says 1 without a fallback",
            _set("cf-aig-step", lambda _value: "1"),
            "step-is-zero",
        ),
    ),
    *rows(
        "E",
        (
            "unauthorized-as-403",
            "a wrong gateway token is answered with 403",
            _status(401, 403, own=True),
            "error-status auth-token-code",
            "E13",
        ),
        needs=("auth",),
    ),
    *rows(
        "E",
        (
            "retry-after-garbage",
            "Retry-After is no number and no date",
            _header("retry-after", "soon", 429),
            "retry-after-form rate-retry-after",
            "E14, command-code#788",
        ),
        (
            "retry-after-past",
            "Retry-After is a date in the past",
            _header("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT", 429),
            "rate-retry-after",
            "E14",
        ),
        (
            "retry-after-negative",
            "Retry-After is negative",
            _header("retry-after", "-5", 429),
            "retry-after-form rate-retry-after",
            "E14",
        ),
        (
            "retry-after-300",
            "Retry-After exceeds the window",
            _header("retry-after", "86400", 429),
            "rate-retry-after",
            "E14, BerriAI/litellm#4695",
        ),
        needs=("rate_limit",),
    ),
)
