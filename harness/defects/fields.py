"""Header fields and values that contradict each other, the status, or the documents."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.edits import (
    choices,
    on_chat,
    on_events,
    with_body,
    with_chunks,
    with_header,
)
from harness.defects.request import editing
from harness.defects.rows import rows
from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Headers, Response

_CHAT = "every chat answer"
_PAGE = b"<html><head><title>%d</title></head><body>cloudflare</body></html>"


def _ray_twice(served: Served) -> Response:
    response = served.response
    value = response.headers.get("cf-ray")
    if value is None:
        return response
    fields = (*response.headers.fields, ("cf-ray", f"{value[:16][::-1]}-AMS"))
    return replace(response, headers=Headers(fields))


def _third_lacks(name: str) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        if served.arrival.serial % 3:
            return served.response
        return replace(served.response, headers=served.response.headers.without(name))

    return respond


def _provider_id_kept(served: Served) -> Response:
    name = "x-baseten-request-id"
    value = served.response.headers.get(name)
    if value is None:
        return served.response
    return with_header(served.response, name, served.memory.setdefault(name, value))


def _answer_under_503(served: Served) -> Response:
    beyond = any(byte > 127 for byte in served.response.body[:400])
    if not (served.completed or served.streamed) or not beyond:
        return served.response
    return replace(served.response, status=503)


def _fourth_limited(served: Served) -> Response:
    response, call = served.response, served.call
    if call is None or call.target.route != "model" or response.status != 200:
        return response
    count = served.memory["answers"] = served.memory.get("answers", 0) + 1
    return replace(response, status=429) if count % 4 == 0 else response


def _mojibake(served: Served) -> Response:
    response, call = served.response, served.call
    plain = response.media_type == "application/json" and response.status == 200
    if call is None or call.target.route != "model" or not plain:
        return response
    return with_body(response, response.body.decode("latin-1").encode())


def _edge_page(status: int) -> Callable[[Served], Response]:
    """A refusal of the provider as a page of the edge."""

    def respond(served: Served) -> Response:
        by_provider = "x-baseten-request-id" in served.response.headers
        if served.response.status < 400 or not by_provider:
            return served.response
        page = with_header(with_body(served.response, _PAGE % status), "content-type", "text/html")
        return replace(page, status=status)

    return respond


def _redirected_as_get(served: Served) -> Response:
    if served.response.status != 200:
        return served.response
    fields = served.response.headers.without("content-type").fields
    location = ("location", served.arrival.request.path + "/")
    return replace(served.response, status=302, headers=Headers((*fields, location)), chunks=())


def _on_error(edit: Callable[[Response], Response]) -> Callable[[Served], Response]:
    return lambda served: (
        edit(served.response) if served.response.status >= 400 else served.response
    )


def _labelled_stream(served: Served) -> Response:
    asked = b'"stream":true' in served.arrival.request.body.replace(b" ", b"")
    wrong = with_header(served.response, "content-type", "text/event-stream")
    return wrong if asked and served.response.status >= 400 else served.response


def _on_limit(edit: Callable[[Response], Response]) -> Callable[[Served], Response]:
    return lambda served: (
        edit(served.response) if served.response.status == 429 else served.response
    )


def _other_code(response: Response) -> Response:
    if b'"error_code"' not in response.body:
        return response
    return with_body(response, encode({**json.loads(response.body), "error_code": "E1042"}))


def _wrapped_code(response: Response) -> Response:
    if not response.body.startswith(b'{"message"'):
        return response
    document = json.loads(response.body)
    return with_body(response, encode({**document, "code": {"status": document.get("code")}}))


def _without_success(response: Response) -> Response:
    if b'"success"' not in response.body:
        return response
    document = json.loads(response.body)
    return with_body(response, encode({n: v for n, v in document.items() if n != "success"}))


def _held(events: list[Chunk]) -> list[Chunk]:
    half, end_ns = len(events) // 2, events[-1].at_ns
    return [*events[:half], *(Chunk(event.data, end_ns) for event in events[half:])]


def _model_twice(served: Served) -> Response:
    """The model's name twice in each JSON text: the asked one and another."""
    if not (served.completed or served.streamed):
        return served.response
    both = b'"model":"gateway","model":'
    chunks = [
        Chunk(chunk.data.replace(b'"model":', both, 1), chunk.at_ns)
        for chunk in served.response.chunks
    ]
    return with_chunks(served.response, chunks)


def _details_as_text(document: dict[str, Any]) -> dict[str, Any]:
    usage = document.get("usage")
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    if isinstance(details, dict):
        details["cached_tokens"] = str(details.get("cached_tokens", 0))
    return document


def _finish_error(document: dict[str, Any]) -> dict[str, Any]:
    for choice in choices(document):
        if choice.get("finish_reason"):
            choice["finish_reason"] = "error"
    return document


def _last_message(document: dict[str, Any]) -> dict[str, Any]:
    messages = document.get("messages")
    kept = messages[-1:] if isinstance(messages, list) else messages
    return document if kept is None else {**document, "messages": kept}


def _fewer_alternatives(document: dict[str, Any]) -> dict[str, Any]:
    asked = document.get("top_logprobs")
    fewer = isinstance(asked, int) and asked > 1
    return {**document, "top_logprobs": 1} if fewer else document


FIELDS = (
    *rows(
        "E",
        ("ray-twice", "cf-ray is sent twice", _ray_twice, "fields-once"),
        (
            "cache-control-public",
            "every answer may be kept for a minute by any cache on the way",
            lambda s: with_header(s.response, "cache-control", "public, max-age=60"),
            "not-for-shared-caches",
        ),
        (
            "step-now-and-then",
            "every third answer lacks cf-aig-step",
            _third_lacks("cf-aig-step"),
            "fields-always",
        ),
        (
            "provider-id-reused",
            "all answers have one x-baseten-request-id",
            _provider_id_kept,
            "provider-id-unique",
            "E16",
        ),
        (
            "answer-under-503",
            "a finished answer with characters outside ASCII says 503",
            _answer_under_503,
            "error-no-answer",
        ),
        (
            "error-code-object",
            "the code of an error is an object",
            _on_error(_wrapped_code),
            "error-types",
        ),
        (
            "error-code-unknown",
            "error_code is none of the published ones",
            _on_error(_other_code),
            "error-code-words",
        ),
        (
            "envelope-without-success",
            "the gateway's errors do not say that nothing succeeded",
            _on_error(_without_success),
            "error-envelope-types",
            "E04",
        ),
        (
            "error-labelled-stream",
            "errors to stream: true are labelled as an event stream, and are bare JSON",
            _labelled_stream,
            "error-label-streamed",
        ),
    ),
    *rows(
        "model",
        (
            "model-answer-under-429",
            "every fourth finished answer of the model route says 429",
            _fourth_limited,
            "error-no-model-answer",
        ),
        (
            "model-plain-mojibake",
            "plain answers of the model route are decoded as latin-1 and encoded again",
            _mojibake,
            "body-encoded-once model-stream-same",
        ),
    ),
    *rows(
        "T",
        (
            "html-503",
            "a refusal becomes the edge's 503 page",
            _edge_page(503),
            "error-not-outage auth-key-status",
            "T11, Cloudflare edge pages",
        ),
        (
            "html-524",
            "a refusal becomes the edge's 524 page",
            _edge_page(524),
            "error-not-outage auth-key-status",
            "T11, Cloudflare edge pages",
        ),
        ("redirect-found", "302 to another path", _redirected_as_get, "route-answers", "T20"),
        (
            "error-charset-latin1",
            "errors are labelled latin-1",
            _on_error(
                lambda r: with_header(r, "content-type", "application/json; charset=iso-8859-1")
            ),
            "body-charset",
        ),
    ),
    *rows(
        "T",
        (
            "rate-limit-500",
            "the limit answers 500",
            _on_limit(lambda response: replace(response, status=500)),
            "rate-refuses",
            "T23",
        ),
        needs=("rate_limit",),
    ),
    *rows(
        "E",
        (
            "retry-after-milliseconds",
            "Retry-After is in milliseconds",
            _on_limit(lambda response: with_header(response, "retry-after", "60000")),
            "rate-retry-after",
            "E14, BerriAI/litellm#4695",
        ),
        needs=("rate_limit",),
    ),
    *rows(
        "L",
        (
            "second-half-held",
            "the second half of a stream comes at its end",
            on_events(_held),
            "stream-not-held",
            "L01",
        ),
    ),
    *rows(
        "S",
        (
            "json-name-twice",
            "each completion names two models under one name",
            _model_twice,
            "body-names-once",
        ),
        ("finish-error", "finish_reason is error", on_chat(_finish_error), "finish-known", "S16"),
    ),
    *rows(
        "U",
        (
            "usage-details-text",
            "cached_tokens is a string",
            on_chat(_details_as_text),
            "usage-details-integers",
        ),
    ),
    *rows(
        "P",
        (
            "history-dropped",
            "only the last message reaches the provider",
            editing(_last_message),
            "usage-words",
            "P11",
        ),
        (
            "top-logprobs-clamped",
            "top_logprobs above 1 become 1",
            editing(_fewer_alternatives),
            "logprobs-top",
        ),
    ),
)
