"""The model route and compat: what a gateway breaks when it knows too much or too little."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.answers import (
    body,
    both,
    document,
    label,
    labelled,
    of_route,
    on,
    refused,
    rewritten,
    status,
    succeeded,
    where,
)
from harness.defects.edits import (
    Change,
    Document,
    having,
    in_choices,
    in_parts,
    on_chat,
    on_events,
    with_chunks,
    without,
)
from harness.defects.request import changing, editing
from harness.defects.rows import Decisions, deciding, rows
from harness.defects.usage import usage_zero
from harness.gateway import envelope
from harness.gateway.call import Call
from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Response

_RENAMED = {"max_tokens": "max_new_tokens"}
_FINISHES = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_ENVELOPE = b'{"success":true,"errors":[],"messages":[],"result":'
_SYSTEM = {"role": "system", "content": "You are a helpful assistant. " * 20}
_compat = of_route("compat")
_model_json = both(of_route("model"), succeeded, labelled("application/json"))
_model_stream = both(of_route("model"), labelled("application/octet-stream"))


def _on_model(change: Change) -> Decisions:
    return editing(change, routes=("model",))


def _on_compat(change: Change) -> Decisions:
    return editing(change, routes=("compat",))


def _as_events(response: Response) -> Response:
    events = [Chunk(b"data: " + c.data + b"\n\n", c.at_ns) for c in response.chunks]
    return with_chunks(response, [*events, Chunk(b"data: [DONE]\n\n", response.end_at_ns)])


def _as_latin1(response: Response) -> Response:
    pieces = (
        (c.data.decode("utf-8").encode("latin-1", "replace"), c.at_ns) for c in response.chunks
    )
    return with_chunks(response, [Chunk(*piece) for piece in pieces])


def _at_the_end(response: Response) -> Response:
    late = [Chunk(c.data, response.end_at_ns) for c in response.chunks]
    return replace(with_chunks(response, late), head_at_ns=response.end_at_ns)


def _as_chat(own: Document) -> Document:
    message = {"role": "assistant", "content": own.get("output", "")}
    return {"object": "chat.completion", "choices": [{"index": 0, "message": message}]}


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


def _fourth_limited(served: Served) -> Response:
    """Every fourth answer says 429."""
    if not both(of_route("model"), succeeded)(served):
        return served.response
    count = served.memory["answers"] = served.memory.get("answers", 0) + 1
    return replace(served.response, status=429) if count % 4 == 0 else served.response


def _finish_translated(choice: Document) -> None:
    reason = choice.get("finish_reason")
    if reason:
        choice["finish_reason"] = _FINISHES.get(reason, reason)


def _buffered(events: list[Chunk]) -> list[Chunk]:
    return [Chunk(b"".join(e.data for e in events), events[-1].at_ns)] if events else []


def _known(call: Call, asked: Any) -> Any:
    """Any model that the provider does not know becomes one that it knows."""
    if not isinstance(asked, dict) or call.target.route not in ("native", "compat"):
        return asked
    known = asked.get("model") in call.config.catalogue
    return asked if known else {**asked, "model": call.config.catalogue[0]}


COMPAT_AND_MODEL = (
    *rows(
        "model",
        (
            "model-limit-renamed",
            "max_tokens becomes max_new_tokens on the model route",
            _on_model(lambda d: {_RENAMED.get(n, n): v for n, v in d.items()}),
            "",
        ),
        (
            "model-keys-dropped",
            "only prompt and stream pass the model route",
            _on_model(lambda d: {n: v for n, v in d.items() if n in ("prompt", "stream")}),
            "",
        ),
        (
            "model-keys-lower-cased",
            "keys are in lower case on the model route",
            _on_model(lambda d: {n.lower(): v for n, v in d.items()}),
            "",
        ),
        upstream_only=True,
    ),
    *rows(
        "model",
        (
            "model-stream-dropped",
            "stream does not pass the model route",
            _on_model(without("stream")),
            "model-stream",
        ),
        (
            "model-as-chat",
            "answers of the model route are made into completions",
            on(_model_json, document(_as_chat)),
            "model-own-form",
        ),
        (
            "model-enveloped",
            "answers of the model route are inside Cloudflare's envelope",
            on(_model_json, rewritten(lambda data: _ENVELOPE + data + b"}")),
            "model-unwrapped",
        ),
        (
            "model-json-cut",
            "JSON of the model route is cut off",
            on(_model_json, rewritten(lambda data: data[:-8])),
            "model-json",
        ),
        (
            "model-json-string",
            "JSON of the model route is JSON text in a JSON string",
            on(_model_json, rewritten(lambda data: encode(data.decode("utf-8")))),
            "model-encoded-once",
        ),
        (
            "model-sse-added",
            "raw streams of the model route are made into events",
            on(_model_stream, _as_events, label("text/event-stream")),
            "model-events",
        ),
        (
            "model-sse-unlabelled",
            "raw streams get event framing and keep their label",
            on(_model_stream, _as_events, label("application/octet-stream")),
            "model-events",
        ),
        (
            "model-stream-as-json",
            "raw streams are labelled JSON",
            on(_model_stream, label("application/json")),
            "model-json",
        ),
        (
            "model-stream-latin1",
            "raw streams are encoded in latin-1",
            on(_model_stream, _as_latin1),
            "model-utf8",
        ),
        (
            "model-stream-halved",
            "raw streams lose their second half",
            on(_model_stream, lambda r: with_chunks(r, r.chunks[: max(1, len(r.chunks) // 2)])),
            "model-stream-whole",
        ),
        (
            "model-stream-piece-lost",
            "raw streams lose a piece in their middle",
            on(_model_stream, _in_the_middle(lambda _, other: [other])),
            "model-stream-same",
        ),
        (
            "model-stream-piece-doubled",
            "raw streams repeat a piece in their middle",
            on(_model_stream, _in_the_middle(lambda one, other: [one, one, other])),
            "model-stream-same",
        ),
        (
            "model-stream-pieces-swapped",
            "two pieces in the middle of raw streams change places",
            on(_model_stream, _in_the_middle(lambda one, other: [other, one])),
            "model-stream-same",
        ),
        (
            "model-stream-buffered",
            "raw streams come at their end",
            on(_model_stream, _at_the_end),
            "model-incremental",
        ),
        (
            "model-errors-as-200",
            "refusals of the model route are 200",
            on(both(of_route("model"), refused), status(200)),
            "auth-key-missing auth-key-wrong",
        ),
        (
            "model-answer-under-429",
            "every fourth finished answer of the model route says 429",
            _fourth_limited,
            "error-no-model-answer",
        ),
        (
            "model-plain-mojibake",
            "plain answers of the model route are decoded as latin-1 and encoded again",
            on(_model_json, rewritten(lambda data: data.decode("latin-1").encode())),
            "body-encoded-once model-stream-same",
        ),
    ),
    *rows(
        "compat",
        (
            "compat-usage-zeroed",
            "usage is 0 on compat",
            where(_compat, usage_zero),
            "usage-positive",
        ),
        (
            "compat-usage-dropped",
            "streams have no usage on compat",
            where(_compat, on_chat(without("usage"))),
            "usage-stream",
        ),
        (
            "compat-tools-dropped",
            "tools do not pass compat",
            _on_compat(without("tools", "tool_choice", "parallel_tool_calls")),
            "tool-required",
        ),
        (
            "compat-calls-lost",
            "tool calls are removed on compat",
            where(_compat, on_chat(in_parts(lambda part: part.pop("tool_calls", None)))),
            "tool-required tool-finish",
        ),
        (
            "compat-model-rewritten",
            "compat answers name another model",
            where(_compat, on_chat(having(model="gpt-4o-mini"))),
            "model-is-asked",
        ),
        (
            "compat-finish-translated",
            "finish reasons are another API's on compat",
            where(_compat, on_chat(in_choices(_finish_translated))),
            "finish-known",
        ),
        (
            "compat-stop-dropped",
            "stop does not pass compat",
            _on_compat(without("stop")),
            "stop-absent",
        ),
        (
            "compat-limit-dropped",
            "limits do not pass compat",
            _on_compat(without("max_tokens", "max_completion_tokens")),
            "max-tokens",
        ),
        (
            "compat-format-dropped",
            "response_format does not pass compat",
            _on_compat(without("response_format")),
            "json-mode json-schema",
        ),
        (
            "compat-logprobs-dropped",
            "logprobs do not pass compat",
            _on_compat(without("logprobs", "top_logprobs")),
            "logprobs-given",
        ),
        (
            "compat-stream-dropped",
            "streams are answered plain on compat",
            _on_compat(without("stream", "stream_options")),
            "stream-is-stream label-stream",
        ),
        (
            "compat-system-added",
            "a system message is added on compat",
            _on_compat(changing(list, lambda messages: [_SYSTEM, *messages], "messages")),
            "error-rejected",
        ),
        (
            "compat-stream-in-one-write",
            "compat streams come in one piece",
            where(_compat, on_events(_buffered)),
            "stream-incremental",
        ),
        (
            "compat-errors-hidden",
            "the provider's refusals become 500 on compat",
            on(both(_compat, refused), body(envelope.PROVIDER_FAILED.body("full")), status(500)),
            "error-4xx error-status",
        ),
        (
            "unknown-model-served",
            "an unknown model is answered by another",
            deciding(forward=_known),
            "error-rejected unknown-model",
        ),
    ),
)
