"""Failures that are told in the wrong form, or not at all."""

import json
from dataclasses import replace

from harness.defects.edits import (
    content_positions,
    event_of,
    on_events,
    with_body,
    with_header,
)
from harness.defects.rows import rows
from harness.gateway.envelope import UNAUTHORIZED
from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Headers, Response

_IDS = ("cf-aig-log-id", "cf-aig-event-id", "cf-aig-request-id", "cf-ray", "x-baseten-request-id")


def _from_provider(served: Served) -> bool:
    return "x-baseten-request-id" in served.response.headers


def status_remapped(served: Served) -> Response:
    """The provider's 4xx as 500."""
    wrong = _from_provider(served) and 400 <= served.response.status < 500
    return replace(served.response, status=500) if wrong else served.response


def in_stream_error_object(served: Served) -> Response:
    """An error event after the first text, then the end."""
    return on_events(_broken_off)(served)


def _broken_off(events: list[Chunk]) -> list[Chunk]:
    positions = content_positions(events)
    where = positions[0] if positions else 0
    error = {"message": "Internal server error", "type": "internal_server_error", "code": 500}
    failed = event_of({"error": error}, events[where].at_ns)
    return [*events[: where + 1], failed, events[-1]]


def error_as_content(served: Served) -> Response:
    """An error told as the model's words, with status 200."""
    if served.response.status < 400 or not _from_provider(served):
        return served.response
    message = {"role": "assistant", "content": "Error: " + served.response.body.decode("utf-8")}
    document = {
        "id": f"chatcmpl-{served.arrival.serial}",
        "object": "chat.completion",
        "created": served.arrival.now_ns // 1_000_000_000,
        "model": "openai/gpt-oss-120b",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
    return replace(with_body(served.response, encode(document)), status=200)


def unauthorized_confused(served: Served) -> Response:
    """An unknown model reported as a missing permission."""
    wrong = _from_provider(served) and served.response.status == 404
    return replace(served.response, status=401) if wrong else served.response


def request_id_lost(served: Served) -> Response:
    """No id of the request in any header."""
    fields = (field for field in served.response.headers if field[0].lower() not in _IDS)
    return replace(served.response, headers=Headers(fields))


def gateway_error_flattened(served: Served) -> Response:
    """The gateway's errors as a bare string."""
    if _from_provider(served) or served.response.status < 400:
        return served.response
    message = json.loads(served.response.body)["error"][0]["message"]
    return with_body(served.response, encode({"error": message}))


def wrong_layer_401(served: Served) -> Response:
    """The provider's refusal of a key replaced by the gateway's own 401."""
    if served.response.status != 401 or not _from_provider(served):
        return served.response
    return with_body(served.response, UNAUTHORIZED.body("full"))


def tools_fail(served: Served) -> Response:
    """Whatever offers tools is answered by 500."""
    document = served.call.document if served.call else None
    if served.response.status != 200 or not isinstance(document, dict) or "tools" not in document:
        return served.response
    failed = with_body(served.response, encode({"error": "Internal server error"}))
    labelled = with_header(failed, "content-type", "application/json")
    return replace(labelled, status=500)


FAILURES = rows(
    "E",
    (
        "status-remapped",
        "errors of the provider in the 400s become 500",
        status_remapped,
        "error-status",
        "T23, Baseten PATCH-006; Dynamo coerced_backend_error",
    ),
    (
        "in-stream-error-object",
        "an error event breaks the stream off after the first text",
        in_stream_error_object,
        "stream-no-error",
        "E07, OmniRoute#8210, llama.cpp#16109",
    ),
    (
        "error-as-content",
        "an error is told as text of a completion with status 200",
        error_as_content,
        "error-rejected unknown-model",
        "E11, fr0ster/llm-agent#22",
    ),
    (
        "not-found-as-401",
        "an unknown model is answered with 401",
        unauthorized_confused,
        "error-status",
        "E13, docs.baseten.co/inference/errors",
    ),
    (
        "request-id-lost",
        "no header names the request: log id, event id, cf-ray are missing",
        request_id_lost,
        "event-id-echo",
        "E16",
    ),
    (
        "gateway-error-flattened",
        "errors of the gateway are a bare string instead of its envelope",
        gateway_error_flattened,
        "auth-token-code",
        "E01, openai-php#682",
    ),
    (
        "tools-fail",
        "requests with tools are answered by 500, each time",
        tools_fail,
        "no-lasting-500",
        "cloudflare/ai#436: an upstream that fails for one kind of request",
    ),
)
