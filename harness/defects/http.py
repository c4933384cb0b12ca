"""An answer as HTTP: its framing, its labels, its status, and how it ends on its connection."""

import gzip
from collections.abc import Callable
from dataclasses import replace

from harness.defects.answers import (
    PROVIDER_ID,
    anything,
    asked_as,
    body,
    both,
    completed,
    failed,
    first_kept,
    further_headers,
    header,
    label,
    on,
    page,
    refused,
    rewritten,
    status,
    streamed,
    succeeded,
    where,
    with_status,
    without_headers,
)
from harness.defects.edits import finish_position, on_events, on_plain, with_header
from harness.defects.rows import rows
from harness.gateway.served import Edit, Served
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, End, Headers, Response

_PAGE = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>It works</body></html>"
_EDGE_PAGE = b"<html><head><title>%d</title></head><body>cloudflare</body></html>"
_LATIN1 = "application/json; charset=iso-8859-1"
BAD_GATEWAY = page(
    502, b"<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>"
)
"""The edge's own page in place of an answer."""
_REFUSED = encode({"error": {"message": "refused", "type": "Bad Request", "code": 400}})
_EARLY = (
    body(b"data: " + _REFUSED + b"\n\ndata: [DONE]\n\n"),
    label("text/event-stream"),
    status(200),
)
"""The head of a stream was sent before the provider refused, which then is an event."""

clean_eof_midstream = on_events(lambda events: events[: max(1, len(events) // 2)])


def _ended(end: End) -> Edit:
    """Half of a stream, then another end."""
    return where(streamed, lambda served: replace(clean_eof_midstream(served), end=end))


def _closed(served: Served) -> Response:
    return with_header(_ended(End.CUT)(served), "connection", "close")


def _as_event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\ndata: [DONE]\n\n"


def _as_utf16(data: bytes) -> bytes:
    return data.decode("utf-8").encode("utf-16")


def _length_off_by(count: int) -> Callable[[Response], Response]:
    return lambda response: with_header(response, "content-length", str(len(response.body) + count))


def _two_lengths(response: Response) -> Response:
    lengths = (str(len(response.body) + more) for more in (0, 5))
    return further_headers(*(("content-length", length) for length in lengths))(response)


def _chunked_twice(events: list[Chunk]) -> list[Chunk]:
    return [Chunk(b"%x\r\n%b\r\n" % (len(e.data), e.data), e.at_ns) for e in events]


def _redirected(code: int, place: Callable[[str], str]) -> Edit:
    """A redirection without a body in place of an answer."""

    def edit(served: Served) -> Response:
        location = ("location", place(served.arrival.request.path))
        fields = (*served.response.headers.without("content-type").fields, location)
        return replace(served.response, status=code, headers=Headers(fields), chunks=())

    return where(succeeded, edit)


def _ray_twice(served: Served) -> Response:
    value = served.response.headers.get("cf-ray")
    if value is None:
        return served.response
    return further_headers(("cf-ray", f"{value[:16][::-1]}-AMS"))(served.response)


HTTP = (
    *rows(
        "T",
        (
            "trunc-chunked-close",
            "a stream's body is cut before its end and the connection closed",
            where(streamed, _closed),
            "body-whole",
            "T01, ai-dynamo/dynamo#8674",
        ),
        (
            "clean-eof-midstream",
            "a stream ends cleanly half way: no finish_reason, no [DONE]",
            clean_eof_midstream,
            "finish-once stream-done",
            "T04, Dynamo disconnect.rs; BerriAI/litellm#40260",
        ),
        (
            "empty-200",
            "a success without a single byte of body",
            on(succeeded, body(b"")),
            "body-not-empty",
            "T08",
        ),
        (
            "html-200",
            "a web page instead of the answer, with status 200",
            on(succeeded, body(_PAGE), label("text/html")),
            "plain-one-json stream-is-stream label-json",
            "T10, 9router#3492, ramalama#2837",
        ),
        (
            "wrong-ct-sse",
            "an event stream labelled application/json",
            on(streamed, label("application/json")),
            "label-stream",
            "T13, 9router#3301, vllm-ascend#6985",
        ),
        (
            "sse-when-not-asked",
            "a plain request answered with an event stream",
            on(completed, rewritten(_as_event), label("text/event-stream")),
            "plain-one-json",
            "T14, foundry-dev-tools#195",
        ),
        (
            "done-appended-to-json",
            "a JSON body followed by data: [DONE]",
            on(completed, rewritten(lambda data: data + b"\n\ndata: [DONE]\n\n")),
            "plain-one-json",
            "T17",
        ),
        (
            "cf-envelope-200",
            "a completion wrapped in Cloudflare's REST envelope",
            on_plain(lambda d: {"result": d, "success": True, "errors": [], "messages": []}),
            "plain-bare",
            "T22, constructed, after the envelope of api.cloudflare.com",
        ),
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
            on_events(lambda events: events[: finish_position(events) + 1]),
            "stream-done",
            "T05, ik_llama.cpp#467; BerriAI/litellm#40260",
        ),
        (
            "content-length-long",
            "Content-Length is larger than the body",
            on(completed, _length_off_by(9)),
            "body-whole",
            "T07",
        ),
        (
            "content-length-short",
            "Content-Length is smaller than the body",
            on(completed, _length_off_by(-9)),
            "plain-one-json",
        ),
        (
            "content-length-twice",
            "two Content-Length fields that differ",
            on(completed, _two_lengths),
            "answer-is-http",
        ),
        (
            "wrong-ct-text",
            "an event stream labelled text/plain",
            on(streamed, label("text/plain; charset=utf-8")),
            "label-stream",
            "T13, 9router#3492",
        ),
        (
            "json-labelled-html",
            "a completion labelled text/html",
            on(completed, label("text/html; charset=utf-8")),
            "label-json",
        ),
        (
            "json-labelled-sse",
            "a plain completion labelled text/event-stream",
            on(completed, label("text/event-stream")),
            "label-json",
        ),
        (
            "charset-utf16",
            "a completion in UTF-16",
            on(completed, rewritten(_as_utf16), label("application/json; charset=utf-16")),
            "body-utf8 body-charset plain-one-json",
            "T19",
        ),
        (
            "charset-latin1",
            "a completion labelled latin-1",
            on(completed, label(_LATIN1)),
            "body-charset",
            "T19",
        ),
        (
            "stream-charset-latin1",
            "a stream labelled latin-1",
            on(streamed, label("text/event-stream; charset=iso-8859-1")),
            "body-charset",
            "T19",
        ),
        (
            "json-bom",
            "a byte-order mark before the JSON text",
            on(completed, rewritten(lambda data: b"\xef\xbb\xbf" + data)),
            "plain-one-json",
            "RFC 8259, section 8.1",
        ),
        (
            "json-cut",
            "a JSON text without its end, under a right Content-Length",
            on(completed, rewritten(lambda data: data[:-20])),
            "plain-one-json",
        ),
        (
            "json-tail",
            "a brace too many behind the JSON text",
            on(completed, rewritten(lambda data: data + b"}")),
            "plain-one-json",
        ),
        (
            "json-twice",
            "the JSON text comes twice",
            on(completed, rewritten(lambda data: data + b"\n" + data)),
            "plain-one-json",
        ),
        (
            "gzip-unlabelled",
            "gzip without Content-Encoding",
            on(completed, rewritten(lambda data: gzip.compress(data, mtime=0))),
            "body-utf8 plain-one-json",
        ),
        (
            "gzip-mislabelled",
            "Content-Encoding gzip on plain bytes",
            on(completed, header("content-encoding", "gzip")),
            "body-whole",
        ),
        (
            "chunked-twice",
            "chunk sizes stand inside the decoded body",
            on_events(_chunked_twice),
            "sse-no-chunk-size",
        ),
        (
            "redirect-elsewhere",
            "307 to another host",
            _redirected(307, lambda path: f"https://other-host.invalid{path}"),
            "route-answers",
            "T20",
        ),
        (
            "no-content",
            "204 instead of the answer",
            on(succeeded, status(204), body(b"")),
            "status-200 body-not-empty",
        ),
        (
            "stream-status-206",
            "a stream answers 206",
            on(both(succeeded, asked_as(stream=True)), status(206)),
            "status-200",
        ),
        (
            "plain-status-202",
            "a finished answer says 202",
            on(both(succeeded, asked_as(stream=False)), status(202)),
            "status-200",
        ),
        (
            "early-headers-error",
            "200 is sent before the provider refuses; the error is an event",
            on(both(refused, asked_as(stream=True)), *_EARLY),
            "error-rejected",
            "T25, contrast to Baseten PATCH-007",
        ),
        (
            "html-502",
            "a refusal becomes the edge's 502 page",
            on(refused, *BAD_GATEWAY),
            "error-not-outage auth-key-status",
            "T11, Cloudflare edge pages",
        ),
        (
            "bad-request-as-424",
            "400 becomes 424",
            on(with_status(400), status(424)),
            "error-status",
            "T23, Dynamo coerced_backend_error",
        ),
        (
            "bad-request-as-200",
            "400 becomes 200 with the error as its body",
            on(with_status(400), status(200)),
            "error-rejected",
            "T23",
        ),
        (
            "not-found-as-500",
            "404 becomes 500",
            on(with_status(404), status(500)),
            "error-4xx error-status unknown-model",
            "T23, Baseten PATCH-006",
        ),
        (
            "html-503",
            "a refusal becomes the edge's 503 page",
            on(refused, *page(503, _EDGE_PAGE % 503)),
            "error-not-outage auth-key-status",
            "T11, Cloudflare edge pages",
        ),
        (
            "html-524",
            "a refusal becomes the edge's 524 page",
            on(refused, *page(524, _EDGE_PAGE % 524)),
            "error-not-outage auth-key-status",
            "T11, Cloudflare edge pages",
        ),
        (
            "redirect-found",
            "302 to another path",
            _redirected(302, lambda path: f"{path}/"),
            "route-answers",
            "T20",
        ),
        (
            "error-charset-latin1",
            "errors are labelled latin-1",
            on(failed, label(_LATIN1)),
            "body-charset",
        ),
    ),
    *rows(
        "E",
        ("ray-twice", "cf-ray is sent twice", _ray_twice, "fields-once"),
        (
            "cache-control-public",
            "every answer may be kept for a minute by any cache on the way",
            on(anything, header("cache-control", "public, max-age=60")),
            "not-for-shared-caches",
        ),
        (
            "step-now-and-then",
            "every third answer lacks cf-aig-step",
            on(lambda served: not served.arrival.serial % 3, without_headers("cf-aig-step")),
            "fields-always",
        ),
        (
            "provider-id-reused",
            "all answers have one x-baseten-request-id",
            first_kept(PROVIDER_ID),
            "provider-id-unique",
            "E16",
        ),
    ),
)
