"""Answers that are carried, labelled, timed or refused in another legal way (RFC 9110, 9112)."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from harness.defects.edits import with_body, with_chunks, with_header
from harness.defects.variants.variant import Variant, rows
from harness.defects.when import asked
from harness.gateway.call import Arrival
from harness.gateway.served import Edit, Served
from harness.gateway.timing import shifted
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Headers, Response

_MS = 1_000_000
_PAUSE_NS = 3000 * _MS
_CONTEXT = 1024
"""The tokens for which a small model has room."""
_OPTIONAL_FIELDS = ("date", "server", "cache-control", "cf-aig-step", "cf-aig-request-id")
_EDGE_FIELDS = (
    ("alt-svc", 'h3=":443"; ma=86400'),
    ("nel", '{"success_fraction":0,"report_to":"cf-nel","max_age":604800}'),
    ("server-timing", 'cfL4;desc="?proto=TCP"'),
    ("vary", "accept-encoding"),
    ("cf-cache-status", "DYNAMIC"),
    ("set-cookie", "__cf_bm=abc; path=/; HttpOnly; Secure"),
    ("set-cookie", "_cfuvid=def; path=/; HttpOnly; Secure"),
    ("cf-aig-provider", "baseten"),
    ("x-baseten-received-at", "1793491200.123"),
)
_ANY_CODING = "a client that sends no Accept-Encoding takes any coding"
_NO_BORDERS = "chunk borders mean nothing"
_NO_CASE = "names are case-insensitive"
_EITHER = "either framing is legal"
Field = tuple[str, str]


def _coded(coding: str, wbits: int) -> Edit:
    """Bodies in a coding that the client takes; one that says nothing takes any."""

    def respond(served: Served) -> Response:
        response, accepted = served.response, served.arrival.fields.get("accept-encoding")
        if not response.chunks or (accepted is not None and coding not in accepted):
            return response
        chunks = tuple(_compressed(response.chunks, zlib.compressobj(wbits=wbits)))
        return with_header(with_chunks(response, chunks), "content-encoding", coding)

    return respond


def _compressed(chunks: tuple[Chunk, ...], coder: "zlib._Compress") -> Iterator[Chunk]:
    """The chunks compressed one by one, so that each can be read when it arrives."""
    for number, chunk in enumerate(chunks, 1):
        data = coder.compress(chunk.data) + coder.flush(zlib.Z_SYNC_FLUSH)
        yield Chunk(data + (coder.flush() if number == len(chunks) else b""), chunk.at_ns)


def _cut(size: int) -> Edit:
    """Chunk borders every `size` bytes, also inside characters and JSON."""

    def respond(served: Served) -> Response:
        pieces = tuple(
            Chunk(chunk.data[start : start + size], chunk.at_ns)
            for chunk in served.response.chunks
            for start in range(0, len(chunk.data), size)
        )
        return with_chunks(served.response, pieces)

    return respond


def _fields(edit: Callable[[Headers], Iterable[Field]]) -> Edit:
    """Other header fields."""
    return lambda s: replace(s.response, headers=Headers(edit(s.response.headers)))


def _named(change: Callable[[str], str]) -> Edit:
    return _fields(lambda fields: ((change(name), value) for name, value in fields))


def _added(*more: Field) -> Edit:
    return _fields(lambda fields: (*fields, *more))


def _with_charset(served: Served) -> Response:
    media_type = served.response.media_type
    if media_type not in ("application/json", "text/event-stream"):
        return served.response
    return with_header(served.response, "Content-Type", f"{media_type}; charset=UTF-8")


def _slow(served: Served) -> Response:
    """Three seconds to the head and a pause of three more in the middle."""
    if not served.streamed:
        return served.response
    response = shifted(served.response, _PAUSE_NS)
    half = len(response.chunks) // 2
    late = (Chunk(chunk.data, chunk.at_ns + _PAUSE_NS) for chunk in response.chunks[half:])
    chunks = (*response.chunks[:half], *late)
    return replace(response, chunks=chunks, end_at_ns=response.end_at_ns + _PAUSE_NS)


def _redirected(arrival: Arrival) -> Response | None:
    """Every hundredth visit is sent to the same path with a query; 307 keeps method and body."""
    request = arrival.request
    if request.query or request.method != "POST" or arrival.serial % 100 != 1:
        return None
    return Response(307, Headers([("location", f"{request.path}?region=eu")]), (), _MS)


def _pretty(served: Served) -> Response:
    if served.response.media_type != "application/json" or not served.response.body:
        return served.response
    document = json.loads(served.response.body)
    return with_body(served.response, json.dumps(document, indent=2).encode() + b"\n")


def _provider_error(shape: Callable[[int, str], object]) -> Edit:
    """The provider's errors in another of the shapes that it is known for."""

    def respond(served: Served) -> Response:
        response = served.response
        if response.status < 400 or "x-baseten-request-id" not in response.headers:
            return response
        document = json.loads(response.body or b"{}")
        text = document.get("message") or document.get("error") or "Bad Request"
        return with_body(response, encode(shape(response.status, str(text))))

    return respond


def _nested(status: int, text: str) -> object:
    error = {"message": text, "type": "invalid_request_error", "param": None, "code": str(status)}
    return {"error": error}


def _queued(served: Served) -> Response:
    """An answer waits until the one before it is over: one request at a time."""
    memory, arrival = served.memory, served.arrival
    wait_ns = max(0, memory.get("busy_until_ns", 0) - arrival.at_ns)
    response = shifted(served.response, wait_ns)
    memory["busy_until_ns"] = arrival.at_ns + response.end_at_ns
    return response


def _no_universal(served: Served) -> Response:
    if served.arrival.request.path.strip("/").count("/") != 2:
        return served.response
    page = with_body(served.response, b"<html><h1>404 Not Found</h1></html>")
    return replace(page, status=404, headers=Headers((("content-type", "text/html"),)))


def _refused(served: Served) -> Response:
    """llama.cpp's refusal of what does not fit, a token counted for each five characters."""
    size = len(str(asked(served.arrival).get("messages", ""))) // 5
    if not (served.completed or served.streamed) or size <= _CONTEXT:
        return served.response
    error = {
        "code": 400,
        "message": "the request exceeds the available context size, try increasing it",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": size,
        "n_ctx": _CONTEXT,
    }
    body = encode({"error": error})
    fields = served.response.headers.without("transfer-encoding").without("content-length")
    headers = fields.replacing("content-type", "application/json")
    headers = headers.replacing("content-length", str(len(body)))
    at_ns = served.response.head_at_ns
    return Response(400, headers, (Chunk(body, at_ns),), at_ns, end_at_ns=at_ns)


EXCHANGE = rows(
    (
        "queue",
        "requests in flight together are answered one after the other",
        _queued,
        "L10, docs.baseten.co: autoscaling",
        "a deployment's concurrency target may be 1",
    ),
    (
        "skewed-timestamps",
        "the provider's clock is an hour ahead",
        _added(("x-baseten-received-at", "1793494800.5"), ("x-baseten-sent-at", "1793494800.1")),
        "L16, declared x-baseten-* headers without a documented meaning",
        "no client may rely on another machine's clock",
    ),
    (
        "gzip",
        "bodies are compressed with gzip and labelled so",
        _coded("gzip", 31),
        "RFC 9110, section 12.5.3",
        _ANY_CODING,
    ),
    (
        "deflate",
        "bodies are compressed with deflate and labelled so",
        _coded("deflate", 15),
        "RFC 9110, section 8.4.1.2",
        _ANY_CODING,
    ),
    (
        "split-anywhere",
        "chunk borders fall inside characters, JSON and line ends",
        _cut(7),
        "RFC 9112, section 7.1",
        _NO_BORDERS,
    ),
    (
        "single-bytes",
        "each chunk has one byte",
        _cut(1),
        "RFC 9112, section 7.1",
        _NO_BORDERS,
    ),
    (
        "upper-case-headers",
        "header names are in upper case",
        _named(str.upper),
        "RFC 9110, section 5.1",
        _NO_CASE,
    ),
    (
        "title-case-headers",
        "header names are capitalised",
        _named(str.title),
        "RFC 9110, section 5.1",
        _NO_CASE,
    ),
    (
        "edge-headers",
        "the edge adds headers of its own, some of them twice",
        _added(*_EDGE_FIELDS),
        "RFC 9110, section 5.1; developers.cloudflare.com/fundamentals/reference/",
        "a client ignores fields that it does not know",
    ),
    (
        "few-headers",
        "optional headers are absent: date, server, step and request id",
        _fields(lambda fields: (f for f in fields if f[0].lower() not in _OPTIONAL_FIELDS)),
        "no complete list of headers is published",
        "no document promises them on every answer",
    ),
    (
        "charset",
        "media types have the parameter charset=UTF-8",
        _with_charset,
        "RFC 9110, section 8.3.2",
        "the parameter is allowed and case-insensitive",
    ),
    (
        "chunked-json",
        "plain answers are chunked instead of having a Content-Length",
        lambda s: with_header(s.response, "transfer-encoding", "chunked"),
        "RFC 9112, section 6",
        _EITHER,
    ),
    (
        "length-on-stream",
        "a stream declares its Content-Length",
        lambda s: with_header(s.response, "content-length", str(len(s.response.body))),
        "RFC 9112, section 6",
        _EITHER,
    ),
    (
        "connection-close",
        "each answer closes its connection",
        _added(("connection", "close")),
        "L08, RFC 9112, section 9.6",
        "a server may",
    ),
    (
        "slow-stream",
        "streams take three seconds to the first byte and pause for three half way",
        _slow,
        "docs.baseten.co: cold starts, queueing",
        "no document bounds it so tightly",
    ),
    (
        "early-headers",
        "the head of a stream comes before its first token",
        Variant(behaviour={"early_headers": True}),
        "L07, ai-dynamo/dynamo openai.rs",
        "nothing says when the head is due",
    ),
    (
        "redirect",
        "307 to the same host, where the answer is",
        Variant(before=_redirected),
        "T20, RFC 9110, section 15.4.8",
        "SDKs follow it and keep method and body",
    ),
    (
        "pretty-json",
        "plain JSON is indented, escaped, and ends with a line feed",
        _pretty,
        "RFC 8259, section 2",
        "white space between tokens means nothing",
    ),
    (
        "error-string",
        'the provider\'s errors are {"error": "text"}',
        _provider_error(lambda _status, text: {"error": text}),
        "E01, basetenlabs/truss truss_server.py",
        "the platform edge and truss send it",
    ),
    (
        "error-flat",
        "the provider's errors are flat: message, type and an integer code",
        _provider_error(
            lambda status, text: {"message": text, "type": "Bad Request", "code": status}
        ),
        "E02, E05, basetenlabs/baseten-switch multimodal.go",
        "Model APIs send it",
    ),
    (
        "error-nested",
        "the provider's errors are nested as OpenAI's are",
        _provider_error(_nested),
        "openai/openai-openapi: Error",
        "the specification that the route follows",
    ),
    (
        "envelope-seven-fields",
        "the gateway's errors have no message and description beside the array",
        Variant(behaviour={"error_envelope": "short"}),
        "can1357/oh-my-pi#11327",
        "captured so in September 2026",
    ),
    (
        "envelope-four-fields",
        "the gateway's errors have four fields",
        Variant(behaviour={"error_envelope": "minimal"}),
        "cloudflare/ai#436",
        "captured so in 2025",
    ),
    (
        "ulid-log-ids",
        "log ids are ULIDs",
        Variant(behaviour={"log_id": "ulid"}),
        "developers.cloudflare.com/changelog/ 2026-10-08",
        "their form before October 2026",
    ),
    (
        "prefixed-model",
        "compat answers name the model with its prefix",
        Variant(behaviour={"compat_model": "prefixed"}),
        "developers.cloudflare.com/ai-gateway/usage/chat-completion/",
        "no document says which name is sent",
    ),
    (
        "no-universal-endpoint",
        "a list of steps is answered by a web page and 404",
        _no_universal,
        "developers.cloudflare.com/ai-gateway/usage/universal/",
        "the endpoint is legacy, and no server but the gateway has it",
    ),
    (
        "sliding-window",
        "the rate limit counts in sliding windows",
        Variant(rate_limit={"technique": "sliding"}),
        "developers.cloudflare.com/ai-gateway/features/rate-limiting/",
        "a gateway is configured for one or the other",
    ),
    (
        "thinking",
        "the model reasons unasked: short answers have reasoning and no content",
        Variant(behaviour={"thinks_by_default": True}),
        "docs.baseten.co/inference/model-apis/reasoning",
        "gpt-oss and others do by default",
    ),
    (
        "small-context",
        f"the model has room for {_CONTEXT} tokens, and refuses more with 400",
        _refused,
        "ggml-org/llama.cpp server: exceed_context_size_error",
        "a model may be served with any context",
    ),
)
