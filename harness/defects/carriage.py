"""Class T, continued: framing, labels and status of an answer."""

import gzip
from collections.abc import Callable
from dataclasses import replace

from harness.defects.defect import Defect, defect
from harness.defects.edits import (
    finish_position,
    on_events,
    streams,
    with_body,
    with_header,
)
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
        response = on_events(served, _half)
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
    page = with_header(with_body(served.response, _BAD_GATEWAY), "content-type", "text/html")
    return replace(page, status=502)


def _error_status(given: int, made: int) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        wrong = served.response.status == given
        return replace(served.response, status=made) if wrong else served.response

    return respond


CARRIAGE: tuple[Defect, ...] = (
    defect(
        "trunc-chunked-keepalive",
        "T02",
        "the body of a kept-alive connection ends without its last chunk",
        _STREAM,
        _ended(End.CUT),
        source="ai-dynamo/dynamo#8674",
    ),
    defect(
        "connection-reset",
        "own",
        "the connection is reset half way through a stream",
        _STREAM,
        _ended(End.RESET),
        group="T",
    ),
    defect(
        "stream-falls-silent",
        "own",
        "a stream stops half way and the connection stays open",
        _STREAM,
        _ended(End.OPEN),
        group="T",
    ),
    defect(
        "eof-after-finish-no-done",
        "T05",
        "the stream ends after its finish chunk: no usage, no [DONE]",
        _STREAM,
        streams(_until_finish),
        source="ik_llama.cpp#467; BerriAI/litellm#40260",
    ),
    defect(
        "content-length-long",
        "T07",
        "Content-Length is larger than the body",
        _PLAIN,
        _length_off_by(9),
    ),
    defect(
        "content-length-short",
        "own",
        "Content-Length is smaller than the body",
        _PLAIN,
        _length_off_by(-9),
        group="T",
    ),
    defect(
        "content-length-twice",
        "own",
        "two Content-Length fields that differ",
        _PLAIN,
        _two_lengths,
        group="T",
    ),
    defect(
        "wrong-ct-text",
        "T13",
        "an event stream labelled text/plain",
        _STREAM,
        _labelled("text/plain; charset=utf-8", streamed=True),
        source="9router#3492",
    ),
    defect(
        "json-labelled-html",
        "own",
        "a completion labelled text/html",
        _PLAIN,
        _labelled("text/html; charset=utf-8", streamed=False),
        group="T",
    ),
    defect(
        "json-labelled-sse",
        "own",
        "a plain completion labelled text/event-stream",
        _PLAIN,
        _labelled("text/event-stream", streamed=False),
        group="T",
    ),
    defect("charset-utf16", "T19", "a completion in UTF-16", _PLAIN, _utf16),
    defect(
        "charset-latin1",
        "T19",
        "a completion labelled latin-1",
        _PLAIN,
        _labelled("application/json; charset=iso-8859-1", streamed=False),
    ),
    defect(
        "stream-charset-latin1",
        "T19",
        "a stream labelled latin-1",
        _STREAM,
        _labelled("text/event-stream; charset=iso-8859-1", streamed=True),
    ),
    defect(
        "json-bom",
        "own",
        "a byte-order mark before the JSON text",
        _PLAIN,
        _plain_body(lambda body: b"\xef\xbb\xbf" + body),
        group="T",
        source="RFC 8259, section 8.1",
    ),
    defect(
        "json-cut",
        "own",
        "a JSON text without its end, under a right Content-Length",
        _PLAIN,
        _plain_body(lambda body: body[:-20]),
        group="T",
    ),
    defect(
        "json-tail",
        "own",
        "a brace too many behind the JSON text",
        _PLAIN,
        _plain_body(lambda body: body + b"}"),
        group="T",
    ),
    defect(
        "json-twice",
        "own",
        "the JSON text comes twice",
        _PLAIN,
        _plain_body(lambda body: body + b"\n" + body),
        group="T",
    ),
    defect(
        "gzip-unlabelled",
        "own",
        "gzip without Content-Encoding",
        _PLAIN,
        _plain_body(lambda body: gzip.compress(body, mtime=0)),
        group="T",
    ),
    defect(
        "gzip-mislabelled",
        "own",
        "Content-Encoding gzip on plain bytes",
        _PLAIN,
        _claims_gzip,
        group="T",
    ),
    defect(
        "chunked-twice",
        "own",
        "chunk sizes stand inside the decoded body",
        _STREAM,
        streams(_chunked_twice),
        group="T",
    ),
    defect("redirect-elsewhere", "T20", "307 to another host", _ALL, _redirected),
    defect("no-content", "own", "204 instead of the answer", _ALL, _no_content, group="T"),
    defect(
        "stream-status-206",
        "own",
        "a stream answers 206",
        _STREAM,
        _as_status(206, stream=True),
        group="T",
    ),
    defect(
        "plain-status-202",
        "own",
        "a finished answer says 202",
        "every plain answer",
        _as_status(202, stream=False),
        group="T",
    ),
    defect(
        "early-headers-error",
        "T25",
        "200 is sent before the provider refuses; the error is an event",
        "streamed requests that the provider refuses",
        early_headers,
        source="contrast to Baseten PATCH-007",
    ),
    defect(
        "html-502",
        "T11",
        "a refusal becomes the edge's 502 page",
        "every request that the provider refuses",
        _edge_page,
        source="Cloudflare edge pages",
    ),
    defect(
        "bad-request-as-424",
        "T23",
        "400 becomes 424",
        "every request that is answered by 400",
        _error_status(400, 424),
        source="Dynamo coerced_backend_error",
    ),
    defect(
        "bad-request-as-200",
        "T23",
        "400 becomes 200 with the error as its body",
        "every request that is answered by 400",
        _error_status(400, 200),
    ),
    defect(
        "not-found-as-500",
        "T23",
        "404 becomes 500",
        "requests for an unknown model",
        _error_status(404, 500),
        source="Baseten PATCH-006",
    ),
)
