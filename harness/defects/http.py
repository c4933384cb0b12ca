"""An answer as HTTP: its framing, its labels and its status."""

import gzip
from collections.abc import Callable
from dataclasses import replace

from harness.defects.edits import (
    finish_position,
    on_events,
    with_body,
    with_header,
)
from harness.defects.rows import rows
from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, End, Headers, Response

_STREAM, _PLAIN, _ALL = (
    "every streamed chat answer",
    "every plain chat answer",
    "every successful answer",
)
_BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>"


def _half(events: list[Chunk]) -> list[Chunk]:
    return events[: max(1, len(events) // 2)]


def _ended(end: End) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        response = on_events(_half)(served)
        return replace(response, end=end) if served.streamed else response

    return respond


def _until_finish(events: list[Chunk]) -> list[Chunk]:
    return events[: finish_position(events) + 1]


def _length_off_by(count: int) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        if not served.completed:
            return served.response
        length = len(served.response.body) + count
        return with_header(served.response, "content-length", str(length))

    return respond


def _two_lengths(served: Served) -> Response:
    if not served.completed:
        return served.response
    length = len(served.response.body)
    lengths = (("content-length", str(length)), ("content-length", str(length + 5)))
    return replace(served.response, headers=Headers((*served.response.headers.fields, *lengths)))


def _labelled(media_type: str, *, streamed: bool) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        wanted = served.streamed if streamed else served.completed
        return (
            with_header(served.response, "content-type", media_type) if wanted else served.response
        )

    return respond


def _utf16(served: Served) -> Response:
    if not served.completed:
        return served.response
    body = served.response.body.decode("utf-8").encode("utf-16")
    return with_header(
        with_body(served.response, body), "content-type", "application/json; charset=utf-16"
    )


def _plain_body(edit: Callable[[bytes], bytes]) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        if not served.completed:
            return served.response
        return with_body(served.response, edit(served.response.body))

    return respond


def _claims_gzip(served: Served) -> Response:
    if not served.completed:
        return served.response
    return with_header(served.response, "content-encoding", "gzip")


def _chunked_twice(events: list[Chunk]) -> list[Chunk]:
    return [Chunk(b"%x\r\n%b\r\n" % (len(e.data), e.data), e.at_ns) for e in events]


def _as_status(status: int, *, stream: bool) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        call = served.call
        wanted = served.response.status == 200 and call is not None and call.stream is stream
        return replace(served.response, status=status) if wanted else served.response

    return respond


def _no_content(served: Served) -> Response:
    if served.response.status != 200:
        return served.response
    return replace(served.response, status=204, chunks=())


def _redirected(served: Served) -> Response:
    if served.response.status != 200:
        return served.response
    fields = (*served.response.headers.without("content-type").fields,)
    location = ("location", "https://other-host.invalid" + served.arrival.request.path)
    return replace(served.response, status=307, headers=Headers((*fields, location)), chunks=())


def refused(served: Served, *, stream: bool | None = None) -> bool:
    """Whether the provider refused the request, streamed or not as asked."""
    by_provider = "x-baseten-request-id" in served.response.headers
    wanted = stream is None or (served.call is not None and served.call.stream is stream)
    return served.response.status >= 400 and by_provider and wanted


def early_headers(served: Served) -> Response:
    """The head of a stream before the provider's refusal, which then is an event."""
    if not refused(served, stream=True):
        return served.response
    error = encode({"error": {"message": "refused", "type": "Bad Request", "code": 400}})
    body = b"data: " + error + b"\n\ndata: [DONE]\n\n"
    response = with_header(with_body(served.response, body), "content-type", "text/event-stream")
    return replace(response, status=200)


def _edge_page(served: Served) -> Response:
    if not refused(served):
        return served.response
    return bad_gateway(served.response)


def bad_gateway(response: Response) -> Response:
    """The edge's 502 page in place of an answer."""
    page = with_header(with_body(response, _BAD_GATEWAY), "content-type", "text/html")
    return replace(page, status=502)


def _error_status(given: int, made: int) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        wrong = served.response.status == given
        return replace(served.response, status=made) if wrong else served.response

    return respond


CARRIAGE = rows(
    "T",
    (
        "trunc-chunked-keepalive",
        "the body of a kept-alive connection ends without its last chunk",
        _ended(End.CUT),
        "body-whole",
        "T02, ai-dynamo/dynamo#8674",
    ),
    (
        "connection-reset",
        "the connection is reset half way through a stream",
        _ended(End.RESET),
        "body-whole",
    ),
    (
        "stream-falls-silent",
        "a stream stops half way and the connection stays open",
        _ended(End.OPEN),
        "body-in-time",
    ),
    (
        "eof-after-finish-no-done",
        "the stream ends after its finish chunk: no usage, no [DONE]",
        on_events(_until_finish),
        "stream-done",
        "T05, ik_llama.cpp#467; BerriAI/litellm#40260",
    ),
    (
        "content-length-long",
        "Content-Length is larger than the body",
        _length_off_by(9),
        "body-whole",
        "T07",
    ),
    (
        "content-length-short",
        "Content-Length is smaller than the body",
        _length_off_by(-9),
        "plain-one-json",
    ),
    (
        "content-length-twice",
        "two Content-Length fields that differ",
        _two_lengths,
        "answer-is-http",
    ),
    (
        "wrong-ct-text",
        "an event stream labelled text/plain",
        _labelled("text/plain; charset=utf-8", streamed=True),
        "label-stream",
        "T13, 9router#3492",
    ),
    (
        "json-labelled-html",
        "a completion labelled text/html",
        _labelled("text/html; charset=utf-8", streamed=False),
        "label-json",
    ),
    (
        "json-labelled-sse",
        "a plain completion labelled text/event-stream",
        _labelled("text/event-stream", streamed=False),
        "label-json",
    ),
    (
        "charset-utf16",
        "a completion in UTF-16",
        _utf16,
        "body-utf8 body-charset plain-one-json",
        "T19",
    ),
    (
        "charset-latin1",
        "a completion labelled latin-1",
        _labelled("application/json; charset=iso-8859-1", streamed=False),
        "body-charset",
        "T19",
    ),
    (
        "stream-charset-latin1",
        "a stream labelled latin-1",
        _labelled("text/event-stream; charset=iso-8859-1", streamed=True),
        "body-charset",
        "T19",
    ),
    (
        "json-bom",
        "a byte-order mark before the JSON text",
        _plain_body(lambda body: b"\xef\xbb\xbf" + body),
        "plain-one-json",
        "RFC 8259, section 8.1",
    ),
    (
        "json-cut",
        "a JSON text without its end, under a right Content-Length",
        _plain_body(lambda body: body[:-20]),
        "plain-one-json",
    ),
    (
        "json-tail",
        "a brace too many behind the JSON text",
        _plain_body(lambda body: body + b"}"),
        "plain-one-json",
    ),
    (
        "json-twice",
        "the JSON text comes twice",
        _plain_body(lambda body: body + b"\n" + body),
        "plain-one-json",
    ),
    (
        "gzip-unlabelled",
        "gzip without Content-Encoding",
        _plain_body(lambda body: gzip.compress(body, mtime=0)),
        "body-utf8 plain-one-json",
    ),
    ("gzip-mislabelled", "Content-Encoding gzip on plain bytes", _claims_gzip, "body-whole"),
    (
        "chunked-twice",
        "chunk sizes stand inside the decoded body",
        on_events(_chunked_twice),
        "sse-no-chunk-size",
    ),
    ("redirect-elsewhere", "307 to another host", _redirected, "route-answers", "T20"),
    ("no-content", "204 instead of the answer", _no_content, "status-200 body-not-empty"),
    ("stream-status-206", "a stream answers 206", _as_status(206, stream=True), "status-200"),
    ("plain-status-202", "a finished answer says 202", _as_status(202, stream=False), "status-200"),
    (
        "early-headers-error",
        "200 is sent before the provider refuses; the error is an event",
        early_headers,
        "error-rejected",
        "T25, contrast to Baseten PATCH-007",
    ),
    (
        "html-502",
        "a refusal becomes the edge's 502 page",
        _edge_page,
        "error-not-outage auth-key-status",
        "T11, Cloudflare edge pages",
    ),
    (
        "bad-request-as-424",
        "400 becomes 424",
        _error_status(400, 424),
        "error-status",
        "T23, Dynamo coerced_backend_error",
    ),
    (
        "bad-request-as-200",
        "400 becomes 200 with the error as its body",
        _error_status(400, 200),
        "error-rejected",
        "T23",
    ),
    (
        "not-found-as-500",
        "404 becomes 500",
        _error_status(404, 500),
        "error-4xx error-status unknown-model",
        "T23, Baseten PATCH-006",
    ),
)
