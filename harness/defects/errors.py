"""Errors in other shapes, under another status, told in the wrong place, or not at all."""

from collections.abc import Callable
from typing import Any

from harness.defects.answers import (
    anything,
    asked_as,
    body,
    both,
    by_gateway,
    changed_header,
    completed,
    document,
    failed,
    first_kept,
    label,
    on,
    refused,
    rewritten,
    status,
    streamed,
    succeeded,
    where,
    with_status,
    without_headers,
)
from harness.defects.edits import (
    Change,
    Document,
    content_positions,
    event_of,
    having,
    inserted,
    on_events,
    with_body,
    with_header,
    without,
)
from harness.defects.rows import rows
from harness.gateway.served import Edit, Served
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Response

_IDS = ("cf-aig-log-id", "cf-aig-event-id", "cf-aig-request-id", "cf-ray", "x-baseten-request-id")
_FAILED = encode({"error": "Internal server error"})
_REFUSED = {"error": {"message": "refused", "type": "invalid_request_error", "code": 400}}
_ERROR_STRING = b'data: {"error":"Internal server error"}\n\n'
_ERROR_NAMED = b'event: error\ndata: {"message":"Internal server error"}\n\n'


def _broken_off(events: list[Chunk]) -> list[Chunk]:
    """An error event after the first text, then the end."""
    positions = content_positions(events)
    at = positions[0] if positions else 0
    error = {"message": "Internal server error", "type": "internal_server_error", "code": 500}
    told = event_of({"error": error}, events[at].at_ns)
    return [*events[: at + 1], told, events[-1]]


def _ending(data: bytes) -> Edit:
    """A stream that breaks off in its middle with an event, then `[DONE]`."""

    def changed(events: list[Chunk]) -> list[Chunk]:
        positions = content_positions(events)
        at = positions[len(positions) // 2] if positions else 0
        return [*events[: at + 1], Chunk(data, events[at].at_ns), events[-1]]

    return on_events(changed)


def _told_as_content(served: Served) -> Response:
    """An error told as the model's words, with status 200."""
    message = {"role": "assistant", "content": "Error: " + served.response.body.decode("utf-8")}
    made = {
        "id": f"chatcmpl-{served.arrival.serial}",
        "object": "chat.completion",
        "created": served.arrival.now_ns // 1_000_000_000,
        "model": "openai/gpt-oss-120b",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
    return status(200)(with_body(served.response, encode(made)))


def _served_tools(served: Served) -> bool:
    asked = served.call.document if served.call else None
    return succeeded(served) and isinstance(asked, dict) and "tools" in asked


def _answers_beyond_ascii(served: Served) -> bool:
    beyond = any(byte > 127 for byte in served.response.body[:400])
    return (completed(served) or streamed(served)) and beyond


def _refuses_a_stream(served: Served) -> bool:
    asked = b'"stream":true' in served.arrival.request.body.replace(b" ", b"")
    return failed(served) and asked


def _event_id_changed(served: Served) -> Response:
    """The caller's event id replaced by the log id."""
    log_id = served.response.headers.get("cf-aig-log-id")
    return with_header(served.response, "cf-aig-event-id", log_id) if log_id else served.response


def _other_code(error: Document) -> Document:
    return {**error, "error_code": "E1042"} if "error_code" in error else error


def _wrapped_code(error: Document) -> Document:
    first = next(iter(error), None)
    return {**error, "code": {"status": error.get("code")}} if first == "message" else error


def _plural(envelope: Document) -> Document:
    return {("errors" if name == "error" else name): v for name, v in envelope.items()}


def _object(envelope: Document) -> Document:
    return {**envelope, "error": (envelope.get("error") or [{}])[0]}


def _nested(envelope: Document) -> Document:
    """OpenAI's shape."""
    told = {"message": envelope.get("message"), "type": "gateway_error"}
    return {"error": {**told, "param": None, "code": None}}


def _codes(change: Callable[[Any], Any]) -> Change:
    def changed(envelope: Document) -> Document:
        for error in envelope.get("error") or ():
            error["code"] = change(error["code"])
        return envelope

    return changed


ERRORS = (
    *rows(
        "E",
        (
            "status-remapped",
            "errors of the provider in the 400s become 500",
            on(both(refused, lambda served: served.response.status < 500), status(500)),
            "error-status",
            "T23, Baseten PATCH-006; Dynamo coerced_backend_error",
        ),
        (
            "in-stream-error-object",
            "an error event breaks the stream off after the first text",
            on_events(_broken_off),
            "stream-no-error",
            "E07, OmniRoute#8210, llama.cpp#16109",
        ),
        (
            "error-as-content",
            "an error is told as text of a completion with status 200",
            where(refused, _told_as_content),
            "error-rejected unknown-model",
            "E11, fr0ster/llm-agent#22",
        ),
        (
            "not-found-as-401",
            "an unknown model is answered with 401",
            on(both(refused, with_status(404)), status(401)),
            "error-status",
            "E13, docs.baseten.co/inference/errors",
        ),
        (
            "request-id-lost",
            "no header names the request: log id, event id, cf-ray are missing",
            on(anything, without_headers(*_IDS)),
            "event-id-echo",
            "E16",
        ),
        (
            "gateway-error-flattened",
            "errors of the gateway are a bare string instead of its envelope",
            on(by_gateway, document(lambda d: {"error": d["error"][0]["message"]})),
            "auth-token-code",
            "E01, openai-php#682",
        ),
        (
            "tools-fail",
            "requests with tools are answered by 500, each time",
            on(_served_tools, status(500), body(_FAILED), label("application/json")),
            "no-lasting-500",
            "cloudflare/ai#436: an upstream that fails for one kind of request",
        ),
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
            on(both(refused, asked_as(stream=False)), body(encode(_REFUSED)), status(200)),
            "error-rejected",
            "mozilla-ai/any-llm#847, litellm#25505",
        ),
        (
            "envelope-plural",
            "the gateway's array is called errors",
            on(by_gateway, document(_plural)),
            "error-gateway-form",
            "E04, the v4 API's name",
        ),
        (
            "envelope-object",
            "the gateway's error is an object, not an array",
            on(by_gateway, document(_object)),
            "error-gateway-form",
        ),
        (
            "envelope-nested",
            "the gateway's error has OpenAI's shape",
            on(by_gateway, document(_nested)),
            "auth-token-code",
        ),
        (
            "envelope-success",
            "the gateway's error says success",
            on(by_gateway, document(having(success=True))),
            "error-envelope-types error-gateway-form",
        ),
        (
            "code-string",
            "the gateway's code is a string",
            on(by_gateway, document(_codes(str))),
            "error-envelope",
        ),
        (
            "code-renumbered",
            "the gateway's codes are 8000 higher",
            on(by_gateway, document(_codes(lambda code: code + 8000))),
            "error-envelope-types error-gateway-form",
            "codes were renumbered before: 2041 and 2045",
        ),
        (
            "gateway-error-empty",
            "the gateway's errors have no body",
            on(by_gateway, body(b"")),
            "error-parsable error-shape",
        ),
        (
            "gateway-error-500",
            "the gateway's 400 is a 500",
            on(both(by_gateway, with_status(400)), status(500)),
            "unknown-gateway unknown-gateway-code",
        ),
        (
            "error-body-empty",
            "the provider's errors have no body",
            on(refused, body(b"")),
            "error-parsable error-shape",
        ),
        (
            "error-body-html",
            "the provider's errors are web pages",
            on(refused, body(b"<html><body>Bad Request</body></html>"), label("text/html")),
            "error-parsable error-shape",
        ),
        (
            "error-body-cut",
            "the provider's errors lose half of their JSON",
            on(refused, rewritten(lambda data: data[: len(data) // 2])),
            "error-parsable error-shape",
        ),
        (
            "error-without-message",
            "the provider's errors are empty objects",
            on(refused, body(b"{}")),
            "error-parsable error-shape",
        ),
        (
            "error-other-status",
            "the status inside an error is another",
            on(refused, body(encode({"message": "refused", "type": "Bad Request", "code": 418}))),
            "error-status",
        ),
        (
            "not-found-as-403",
            "an unknown model is answered with 403",
            on(both(refused, with_status(404)), status(403)),
            "error-status",
            "E13, docs.baseten.co/inference/errors",
        ),
        (
            "unauthorized-as-500",
            "a wrong provider key is answered with 500",
            on(both(refused, with_status(401)), status(500)),
            "auth-key-wrong auth-key-status",
            "E13",
        ),
        (
            "event-id-changed",
            "the caller's event id is replaced",
            _event_id_changed,
            "event-id-echo",
            "E16",
        ),
        (
            "log-id-reused",
            "all requests have one log id",
            first_kept("cf-aig-log-id"),
            "request-id-is-log-id",
            "E16",
        ),
        (
            "log-id-short",
            "the log id is a number",
            on(anything, changed_header("cf-aig-log-id", lambda v: str(int(v[:8], 36) % 10**9))),
            "log-id-form request-id-is-log-id",
        ),
        ("ray-reused", "all requests have one cf-ray", first_kept("cf-ray"), "ray-unique", "E16"),
        (
            "log-id-lost",
            "no answer has a log id",
            on(anything, without_headers("cf-aig-log-id")),
            "log-id-present",
            "E16",
        ),
        (
            "step-is-one",
            "cf-aig-step says 1 without a fallback",
            on(anything, changed_header("cf-aig-step", lambda _: "1")),
            "step-is-zero",
        ),
        (
            "answer-under-503",
            "a finished answer with characters outside ASCII says 503",
            on(_answers_beyond_ascii, status(503)),
            "error-no-answer",
        ),
        (
            "error-code-object",
            "the code of an error is an object",
            on(failed, document(_wrapped_code)),
            "error-types",
        ),
        (
            "error-code-unknown",
            "error_code is none of the published ones",
            on(failed, document(_other_code)),
            "error-code-words",
        ),
        (
            "envelope-without-success",
            "the gateway's errors do not say that nothing succeeded",
            on(failed, document(without("success"))),
            "error-envelope-types",
            "E04",
        ),
        (
            "error-labelled-stream",
            "errors to stream: true are labelled as an event stream, and are bare JSON",
            on(_refuses_a_stream, label("text/event-stream")),
            "error-label-streamed",
        ),
    ),
    *rows(
        "E",
        (
            "unauthorized-as-403",
            "a wrong gateway token is answered with 403",
            on(both(by_gateway, with_status(401)), status(403)),
            "error-status auth-token-code",
            "E13",
        ),
        needs=("auth",),
    ),
)
