"""Header fields and values that contradict each other, the status, or the documents."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.bodies import editing
from harness.defects.defect import Defect, defect
from harness.defects.edits import (
    boths,
    choices,
    streams,
    with_body,
    with_chunks,
    with_header,
)
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


def _sent(
    name: str,
    statement: str,
    shown_by: str,
    edit: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    catalogue: str = "own",
) -> Defect:
    made = Defect(name, catalogue, "P", statement, shown_by, "constructed")
    return replace(made, rules=editing(edit))


FIELDS = (
    defect("ray-twice", "own", "cf-ray is sent twice", "every answer", _ray_twice, group="E"),
    defect(
        "step-now-and-then",
        "own",
        "every third answer lacks cf-aig-step",
        "three answers of a kind",
        _third_lacks("cf-aig-step"),
        group="E",
    ),
    defect(
        "provider-id-reused",
        "E16",
        "all answers have one x-baseten-request-id",
        "every second answer",
        _provider_id_kept,
    ),
    defect(
        "answer-under-503",
        "own",
        "a finished answer with characters outside ASCII says 503",
        "chat answers with such text",
        _answer_under_503,
        group="E",
    ),
    defect(
        "model-answer-under-429",
        "own",
        "every fourth finished answer of the model route says 429",
        "four answers of the model route",
        _fourth_limited,
        group="model",
    ),
    defect(
        "model-plain-mojibake",
        "own",
        "plain answers of the model route are decoded as latin-1 and encoded again",
        "plain answers of the model route",
        _mojibake,
        group="model",
    ),
    defect(
        "html-503",
        "T11",
        "a refusal becomes the edge's 503 page",
        "every request that the provider refuses",
        _edge_page(503),
        source="Cloudflare edge pages",
    ),
    defect(
        "html-524",
        "T11",
        "a refusal becomes the edge's 524 page",
        "every request that the provider refuses",
        _edge_page(524),
        source="Cloudflare edge pages",
    ),
    defect("redirect-found", "T20", "302 to another path", "every request", _redirected_as_get),
    defect(
        "rate-limit-500",
        "T23",
        "the limit answers 500",
        "requests above the rate limit",
        _on_limit(lambda response: replace(response, status=500)),
        needs=("rate_limit",),
    ),
    defect(
        "retry-after-milliseconds",
        "E14",
        "Retry-After is in milliseconds",
        "requests above the rate limit",
        _on_limit(lambda response: with_header(response, "retry-after", "60000")),
        source="BerriAI/litellm#4695",
        needs=("rate_limit",),
    ),
    defect(
        "error-charset-latin1",
        "own",
        "errors are labelled latin-1",
        "every refused request",
        _on_error(lambda r: with_header(r, "content-type", "application/json; charset=iso-8859-1")),
        group="T",
    ),
    defect(
        "error-code-object",
        "own",
        "the code of an error is an object",
        "errors of the provider with a code",
        _on_error(_wrapped_code),
        group="E",
    ),
    defect(
        "error-code-unknown",
        "own",
        "error_code is none of the published ones",
        "refusals of the model route",
        _on_error(_other_code),
        group="E",
    ),
    defect(
        "envelope-without-success",
        "E04",
        "the gateway's errors do not say that nothing succeeded",
        "every error of the gateway",
        _on_error(_without_success),
    ),
    defect(
        "second-half-held",
        "L01",
        "the second half of a stream comes at its end",
        "every stream",
        streams(_held),
    ),
    defect(
        "error-labelled-stream",
        "own",
        "errors to stream: true are labelled as an event stream, and are bare JSON",
        "refused requests that ask for a stream",
        _labelled_stream,
        group="E",
    ),
    defect(
        "json-name-twice",
        "own",
        "each completion names two models under one name",
        _CHAT,
        _model_twice,
        group="S",
    ),
    defect(
        "usage-details-text",
        "own",
        "cached_tokens is a string",
        _CHAT,
        boths(_details_as_text),
        group="U",
    ),
    defect("finish-error", "S16", "finish_reason is error", _CHAT, boths(_finish_error)),
    _sent(
        "history-dropped",
        "only the last message reaches the provider",
        "chat requests with a history",
        _last_message,
        catalogue="P11",
    ),
    _sent(
        "top-logprobs-clamped",
        "top_logprobs above 1 become 1",
        "requests with top_logprobs",
        _fewer_alternatives,
    ),
)
