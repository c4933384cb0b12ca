"""The model route and compat: what a gateway breaks when it knows too much or too little."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.edits import (
    Document,
    choices,
    on_chat,
    on_events,
    part_of,
    with_body,
    with_chunks,
    with_header,
)
from harness.defects.http import refused
from harness.defects.request import editing, without
from harness.defects.rows import Decisions, rows
from harness.gateway import envelope
from harness.gateway.rules import Rules
from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Response

_COMPAT, _MODEL = "every compat answer", "every answer of the model route"


def _on(route: str, respond: Callable[[Served], Response]) -> Callable[[Served], Response]:
    """A defect of one route's answers."""

    def wrapped(served: Served) -> Response:
        wanted = served.call is not None and served.call.target.route == route
        return respond(served) if wanted else served.response

    return wrapped


def _plain_model(edit: Callable[[bytes], bytes]) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        response = served.response
        if response.status != 200 or response.media_type != "application/json":
            return response
        return with_body(response, edit(response.body))

    return _on("model", respond)


def _streamed_model(edit: Callable[[Response], Response]) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        octets = served.response.media_type == "application/octet-stream"
        return edit(served.response) if octets else served.response

    return _on("model", respond)


def _sse(response: Response) -> Response:
    chunks = [Chunk(b"data: " + c.data + b"\n\n", c.at_ns) for c in response.chunks]
    chunks.append(Chunk(b"data: [DONE]\n\n", response.end_at_ns))
    return with_header(with_chunks(response, chunks), "content-type", "text/event-stream")


def _sse_unlabelled(response: Response) -> Response:
    return with_header(_sse(response), "content-type", "application/octet-stream")


def _claims_json(response: Response) -> Response:
    return with_header(response, "content-type", "application/json")


def _as_chat(body: bytes) -> bytes:
    text = json.loads(body).get("output", "")
    message = {"role": "assistant", "content": text}
    return encode({"object": "chat.completion", "choices": [{"index": 0, "message": message}]})


def _in_the_middle(
    edit: Callable[[bytes, bytes], list[bytes]],
) -> Callable[[Response], Response]:
    """The two pieces in the middle of a stream edited; one of fewer than four stays as it is."""

    def edited(response: Response) -> Response:
        chunks, half = response.chunks, len(response.chunks) // 2
        if len(chunks) < 4:
            return response
        one, other = chunks[half - 1 : half + 1]
        pieces = [Chunk(data, other.at_ns) for data in edit(one.data, other.data)]
        return with_chunks(response, (*chunks[: half - 1], *pieces, *chunks[half + 1 :]))

    return edited


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    return {("max_new_tokens" if n == "max_tokens" else n): v for n, v in document.items()}


def _lower_keys(document: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in document.items()}


def _prompt_only(document: dict[str, Any]) -> dict[str, Any]:
    return {name: v for name, v in document.items() if name in ("prompt", "stream")}


def _model_fields(edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Decisions:
    return editing(edit, routes=("model",))


def _compat_fields(edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Decisions:
    return editing(edit, routes=("compat",))


def _zeroed(document: Document) -> Document:
    if isinstance(document.get("usage"), dict):
        names = ("prompt_tokens", "completion_tokens", "total_tokens")
        document["usage"] = {**document["usage"], **dict.fromkeys(names, 0)}
    return document


def _calls_lost(document: Document) -> Document:
    for choice in choices(document):
        part_of(choice).pop("tool_calls", None)
    return document


def _finish_translated(document: Document) -> Document:
    names = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
    for choice in choices(document):
        reason = choice.get("finish_reason")
        if reason:
            choice["finish_reason"] = names.get(reason, reason)
    return document


def _system_added(document: dict[str, Any]) -> dict[str, Any]:
    if isinstance(document.get("messages"), list):
        extra = {"role": "system", "content": "You are a helpful assistant. " * 20}
        document["messages"] = [extra, *document["messages"]]
    return document


def _wrapped(served: Served) -> Response:
    """The provider's errors hidden behind the gateway's 2005."""
    if not refused(served):
        return served.response
    body = envelope.PROVIDER_FAILED.body("full")
    return replace(with_body(served.response, body), status=500)


def _buffered(events: list[Chunk]) -> list[Chunk]:
    return [Chunk(b"".join(e.data for e in events), events[-1].at_ns)] if events else []


def _unknown_served(rules: Rules) -> Rules:
    """Any model that the provider does not know becomes one that it knows."""

    def forward(call: Any, document: Any) -> Any:
        if not isinstance(document, dict) or call.target.route not in ("native", "compat"):
            return document
        known = document.get("model") in call.config.catalogue
        return document if known else {**document, "model": call.config.catalogue[0]}

    return replace(rules, forward=forward)


PASSAGE = (
    *rows(
        "model",
        (
            "model-limit-renamed",
            "max_tokens becomes max_new_tokens on the model route",
            _model_fields(_renamed),
            "",
        ),
        (
            "model-keys-dropped",
            "only prompt and stream pass the model route",
            _model_fields(_prompt_only),
            "",
        ),
        (
            "model-keys-lower-cased",
            "keys are in lower case on the model route",
            _model_fields(_lower_keys),
            "",
        ),
        upstream_only=True,
    ),
    *rows(
        "model",
        (
            "model-stream-dropped",
            "stream does not pass the model route",
            _model_fields(without("stream")),
            "model-stream",
        ),
        (
            "model-as-chat",
            "answers of the model route are made into completions",
            _plain_model(_as_chat),
            "model-own-form",
        ),
        (
            "model-enveloped",
            "answers of the model route are inside Cloudflare's envelope",
            _plain_model(
                lambda body: b'{"success":true,"errors":[],"messages":[],"result":' + body + b"}"
            ),
            "model-unwrapped",
        ),
        (
            "model-json-cut",
            "JSON of the model route is cut off",
            _plain_model(lambda body: body[:-8]),
            "model-json",
        ),
        (
            "model-json-string",
            "JSON of the model route is JSON text in a JSON string",
            _plain_model(lambda body: encode(body.decode("utf-8"))),
            "model-encoded-once",
        ),
        (
            "model-sse-added",
            "raw streams of the model route are made into events",
            _streamed_model(_sse),
            "model-events",
        ),
        (
            "model-sse-unlabelled",
            "raw streams get event framing and keep their label",
            _streamed_model(_sse_unlabelled),
            "model-events",
        ),
        (
            "model-stream-as-json",
            "raw streams are labelled JSON",
            _streamed_model(_claims_json),
            "model-json",
        ),
        (
            "model-stream-latin1",
            "raw streams are encoded in latin-1",
            _streamed_model(
                lambda r: with_chunks(
                    r,
                    [
                        Chunk(c.data.decode("utf-8").encode("latin-1", "replace"), c.at_ns)
                        for c in r.chunks
                    ],
                )
            ),
            "model-utf8",
        ),
        (
            "model-stream-halved",
            "raw streams lose their second half",
            _streamed_model(lambda r: with_chunks(r, r.chunks[: max(1, len(r.chunks) // 2)])),
            "model-stream-whole",
        ),
        (
            "model-stream-piece-lost",
            "raw streams lose a piece in their middle",
            _streamed_model(_in_the_middle(lambda _one, other: [other])),
            "model-stream-same",
        ),
        (
            "model-stream-piece-doubled",
            "raw streams repeat a piece in their middle",
            _streamed_model(_in_the_middle(lambda one, other: [one, one, other])),
            "model-stream-same",
        ),
        (
            "model-stream-pieces-swapped",
            "two pieces in the middle of raw streams change places",
            _streamed_model(_in_the_middle(lambda one, other: [other, one])),
            "model-stream-same",
        ),
        (
            "model-stream-buffered",
            "raw streams come at their end",
            _streamed_model(
                lambda r: replace(
                    r,
                    chunks=tuple(Chunk(c.data, r.end_at_ns) for c in r.chunks),
                    head_at_ns=r.end_at_ns,
                )
            ),
            "model-incremental",
        ),
        (
            "model-errors-as-200",
            "refusals of the model route are 200",
            _on("model", lambda s: replace(s.response, status=200) if refused(s) else s.response),
            "auth-key-missing auth-key-wrong",
        ),
    ),
    *rows(
        "compat",
        (
            "compat-usage-zeroed",
            "usage is 0 on compat",
            _on("compat", on_chat(_zeroed)),
            "usage-positive",
        ),
        (
            "compat-usage-dropped",
            "streams have no usage on compat",
            _on("compat", on_chat(lambda d: {n: v for n, v in d.items() if n != "usage"})),
            "usage-stream",
        ),
        (
            "compat-tools-dropped",
            "tools do not pass compat",
            _compat_fields(without("tools", "tool_choice", "parallel_tool_calls")),
            "tool-required",
        ),
        (
            "compat-calls-lost",
            "tool calls are removed on compat",
            _on("compat", on_chat(_calls_lost)),
            "tool-required tool-finish",
        ),
        (
            "compat-model-rewritten",
            "compat answers name another model",
            _on("compat", on_chat(lambda d: {**d, "model": "gpt-4o-mini"})),
            "model-is-asked",
        ),
        (
            "compat-finish-translated",
            "finish reasons are another API's on compat",
            _on("compat", on_chat(_finish_translated)),
            "finish-known",
        ),
        (
            "compat-stop-dropped",
            "stop does not pass compat",
            _compat_fields(without("stop")),
            "stop-absent",
        ),
        (
            "compat-limit-dropped",
            "limits do not pass compat",
            _compat_fields(without("max_tokens", "max_completion_tokens")),
            "max-tokens",
        ),
        (
            "compat-format-dropped",
            "response_format does not pass compat",
            _compat_fields(without("response_format")),
            "json-mode json-schema",
        ),
        (
            "compat-logprobs-dropped",
            "logprobs do not pass compat",
            _compat_fields(without("logprobs", "top_logprobs")),
            "logprobs-given",
        ),
        (
            "compat-stream-dropped",
            "streams are answered plain on compat",
            _compat_fields(without("stream", "stream_options")),
            "stream-is-stream label-stream",
        ),
        (
            "compat-system-added",
            "a system message is added on compat",
            _compat_fields(_system_added),
            "error-rejected",
        ),
        (
            "compat-stream-in-one-write",
            "compat streams come in one piece",
            _on("compat", on_events(_buffered)),
            "stream-incremental",
        ),
        (
            "compat-errors-hidden",
            "the provider's refusals become 500 on compat",
            _on("compat", _wrapped),
            "error-4xx error-status",
        ),
        (
            "unknown-model-served",
            "an unknown model is answered by another",
            Decisions(_unknown_served),
            "error-rejected unknown-model",
        ),
    ),
)
