"""Answers that are carried, labelled or timed in another legal way (RFC 9110, RFC 9112)."""

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from harness.defects.edits import with_body, with_chunks, with_header
from harness.defects.variants.variant import Variant
from harness.gateway.call import Arrival
from harness.gateway.served import Served
from harness.gateway.timing import shifted
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Headers, Response

_MS = 1_000_000
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


def _accepts(served: Served, coding: str) -> bool:
    """Whether the client takes the coding; one that says nothing takes any."""
    accepted = served.arrival.fields.get("accept-encoding")
    return accepted is None or coding in accepted


def _coded(coding: str, wbits: int) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        response = served.response
        if not response.chunks or not _accepts(served, coding):
            return response
        chunks = tuple(_compressed(response.chunks, zlib.compressobj(wbits=wbits)))
        return with_header(with_chunks(response, chunks), "content-encoding", coding)

    return respond


def _compressed(chunks: tuple[Chunk, ...], coder: "zlib._Compress") -> Iterator[Chunk]:
    """The chunks compressed one by one, so that each can be read when it arrives."""
    for number, chunk in enumerate(chunks, 1):
        data = coder.compress(chunk.data) + coder.flush(zlib.Z_SYNC_FLUSH)
        yield Chunk(data + (coder.flush() if number == len(chunks) else b""), chunk.at_ns)


def _cut(size: int) -> Callable[[Served], Response]:
    """Chunk borders every `size` bytes, also inside characters and JSON."""

    def respond(served: Served) -> Response:
        pieces = tuple(
            Chunk(chunk.data[start : start + size], chunk.at_ns)
            for chunk in served.response.chunks
            for start in range(0, len(chunk.data), size)
        )
        return with_chunks(served.response, pieces)

    return respond


def _named(change: Callable[[str], str]) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        fields = ((change(name), value) for name, value in served.response.headers)
        return replace(served.response, headers=Headers(fields))

    return respond


def _added(*fields: tuple[str, str]) -> Callable[[Served], Response]:
    return lambda served: replace(
        served.response, headers=Headers((*served.response.headers.fields, *fields))
    )


def _without_optional(served: Served) -> Response:
    kept = (f for f in served.response.headers if f[0].lower() not in _OPTIONAL_FIELDS)
    return replace(served.response, headers=Headers(kept))


def _chunked(served: Served) -> Response:
    return with_header(served.response, "transfer-encoding", "chunked")


def _with_length(served: Served) -> Response:
    length = str(len(served.response.body))
    return with_header(served.response, "content-length", length)


def _with_charset(served: Served) -> Response:
    media_type = served.response.media_type
    if media_type not in ("application/json", "text/event-stream"):
        return served.response
    return with_header(served.response, "Content-Type", f"{media_type}; charset=UTF-8")


def _slow(served: Served) -> Response:
    """Three seconds to the head and a pause of three more in the middle."""
    if not served.streamed:
        return served.response
    response, half = served.response, len(served.response.chunks) // 2
    chunks = tuple(
        Chunk(chunk.data, chunk.at_ns + (3000 + 3000 * (number >= half)) * _MS)
        for number, chunk in enumerate(response.chunks)
    )
    head_ns, end_ns = response.head_at_ns + 3000 * _MS, response.end_at_ns + 6000 * _MS
    return replace(response, chunks=chunks, head_at_ns=head_ns, end_at_ns=end_ns)


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


def _provider_error(shape: Callable[[int, str], object]) -> Callable[[Served], Response]:
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


EXCHANGE = (
    Variant(
        name="queue",
        catalogue=("L10",),
        statement="requests in flight together are answered one after the other",
        why="a deployment's concurrency target may be 1",
        source="docs.baseten.co: autoscaling",
        respond=_queued,
    ),
    Variant(
        name="skewed-timestamps",
        catalogue=("L16",),
        statement="the provider's clock is an hour ahead",
        why="no client may rely on another machine's clock",
        source="declared x-baseten-* headers without a documented meaning",
        respond=_added(
            ("x-baseten-received-at", "1793494800.5"), ("x-baseten-sent-at", "1793494800.1")
        ),
    ),
    Variant(
        name="gzip",
        statement="bodies are compressed with gzip and labelled so",
        why="a client that sends no Accept-Encoding takes any coding",
        source="RFC 9110, section 12.5.3",
        respond=_coded("gzip", 31),
    ),
    Variant(
        name="deflate",
        statement="bodies are compressed with deflate and labelled so",
        why="a client that sends no Accept-Encoding takes any coding",
        source="RFC 9110, section 8.4.1.2",
        respond=_coded("deflate", 15),
    ),
    Variant(
        name="split-anywhere",
        statement="chunk borders fall inside characters, JSON and line ends",
        why="chunk borders mean nothing",
        source="RFC 9112, section 7.1",
        respond=_cut(7),
    ),
    Variant(
        name="single-bytes",
        statement="each chunk has one byte",
        why="chunk borders mean nothing",
        source="RFC 9112, section 7.1",
        respond=_cut(1),
    ),
    Variant(
        name="upper-case-headers",
        statement="header names are in upper case",
        why="names are case-insensitive",
        source="RFC 9110, section 5.1",
        respond=_named(str.upper),
    ),
    Variant(
        name="title-case-headers",
        statement="header names are capitalised",
        why="names are case-insensitive",
        source="RFC 9110, section 5.1",
        respond=_named(str.title),
    ),
    Variant(
        name="edge-headers",
        statement="the edge adds headers of its own, some of them twice",
        why="a client ignores fields that it does not know",
        source="RFC 9110, section 5.1; developers.cloudflare.com/fundamentals/reference/",
        respond=_added(*_EDGE_FIELDS),
    ),
    Variant(
        name="few-headers",
        statement="optional headers are absent: date, server, step and request id",
        why="no document promises them on every answer",
        source="no complete list of headers is published",
        respond=_without_optional,
    ),
    Variant(
        name="charset",
        statement="media types have the parameter charset=UTF-8",
        why="the parameter is allowed and case-insensitive",
        source="RFC 9110, section 8.3.2",
        respond=_with_charset,
    ),
    Variant(
        name="chunked-json",
        statement="plain answers are chunked instead of having a Content-Length",
        why="either framing is legal",
        source="RFC 9112, section 6",
        respond=_chunked,
    ),
    Variant(
        name="length-on-stream",
        statement="a stream declares its Content-Length",
        why="either framing is legal",
        source="RFC 9112, section 6",
        respond=_with_length,
    ),
    Variant(
        name="connection-close",
        catalogue=("L08",),
        statement="each answer closes its connection",
        why="a server may",
        source="RFC 9112, section 9.6",
        respond=_added(("connection", "close")),
    ),
    Variant(
        name="slow-stream",
        statement="streams take three seconds to the first byte and pause for three half way",
        why="no document bounds it so tightly",
        source="docs.baseten.co: cold starts, queueing",
        respond=_slow,
    ),
    Variant(
        name="early-headers",
        catalogue=("L07",),
        statement="the head of a stream comes before its first token",
        why="nothing says when the head is due",
        source="ai-dynamo/dynamo openai.rs",
        behaviour={"early_headers": True},
    ),
    Variant(
        name="redirect",
        catalogue=("T20",),
        statement="307 to the same host, where the answer is",
        why="SDKs follow it and keep method and body",
        source="RFC 9110, section 15.4.8",
        before=_redirected,
    ),
    Variant(
        name="pretty-json",
        statement="plain JSON is indented, escaped, and ends with a line feed",
        why="white space between tokens means nothing",
        source="RFC 8259, section 2",
        respond=_pretty,
    ),
    Variant(
        name="error-string",
        catalogue=("E01",),
        statement='the provider\'s errors are {"error": "text"}',
        why="the platform edge and truss send it",
        source="basetenlabs/truss truss_server.py",
        respond=_provider_error(lambda _status, text: {"error": text}),
    ),
    Variant(
        name="error-flat",
        catalogue=("E02", "E05"),
        statement="the provider's errors are flat: message, type and an integer code",
        why="Model APIs send it",
        source="basetenlabs/baseten-switch multimodal.go",
        respond=_provider_error(
            lambda status, text: {"message": text, "type": "Bad Request", "code": status}
        ),
    ),
    Variant(
        name="error-nested",
        statement="the provider's errors are nested as OpenAI's are",
        why="the specification that the route follows",
        source="openai/openai-openapi: Error",
        respond=_provider_error(_nested),
    ),
    Variant(
        name="envelope-seven-fields",
        statement="the gateway's errors have no message and description beside the array",
        why="captured so in September 2026",
        source="can1357/oh-my-pi#11327",
        behaviour={"error_envelope": "short"},
    ),
    Variant(
        name="envelope-four-fields",
        statement="the gateway's errors have four fields",
        why="captured so in 2025",
        source="cloudflare/ai#436",
        behaviour={"error_envelope": "minimal"},
    ),
    Variant(
        name="ulid-log-ids",
        statement="log ids are ULIDs",
        why="their form before October 2026",
        source="developers.cloudflare.com/changelog/ 2026-10-08",
        behaviour={"log_id": "ulid"},
    ),
    Variant(
        name="prefixed-model",
        statement="compat answers name the model with its prefix",
        why="no document says which name is sent",
        source="developers.cloudflare.com/ai-gateway/usage/chat-completion/",
        behaviour={"compat_model": "prefixed"},
    ),
    Variant(
        name="no-universal-endpoint",
        statement="a list of steps is answered by a web page and 404",
        why="the endpoint is legacy, and no server but the gateway has it",
        source="developers.cloudflare.com/ai-gateway/usage/universal/",
        respond=_no_universal,
    ),
    Variant(
        name="sliding-window",
        statement="the rate limit counts in sliding windows",
        why="a gateway is configured for one or the other",
        source="developers.cloudflare.com/ai-gateway/features/rate-limiting/",
        rate_limit={"technique": "sliding"},
    ),
    Variant(
        name="thinking",
        statement="the model reasons unasked: short answers have reasoning and no content",
        why="gpt-oss and others do by default",
        source="docs.baseten.co/inference/model-apis/reasoning",
        behaviour={"thinks_by_default": True},
    ),
)
