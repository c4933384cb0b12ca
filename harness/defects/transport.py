"""How an answer ends on its connection, and what stands in its place."""

from dataclasses import replace

from harness.defects.edits import on_events, on_plain, with_body, with_chunks, with_header
from harness.defects.rows import rows
from harness.gateway.served import Served
from harness.wire import Chunk, End, Response

_PAGE = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>It works</body></html>"


def _half(events: list[Chunk]) -> list[Chunk]:
    return events[: max(1, len(events) // 2)]


def trunc_chunked_close(served: Served) -> Response:
    """Half of the stream, then the connection closes inside the chunked body."""
    if not served.streamed:
        return served.response
    response = with_header(on_events(_half)(served), "connection", "close")
    return replace(response, end=End.CUT)


def clean_eof_midstream(served: Served) -> Response:
    """Half of the stream, then a well-formed end of the body."""
    return on_events(_half)(served)


def empty_200(served: Served) -> Response:
    """No body at all under a success."""
    return with_chunks(served.response, ()) if served.response.status == 200 else served.response


def html_200(served: Served) -> Response:
    """A web page under a success."""
    if served.response.status != 200:
        return served.response
    return with_header(with_body(served.response, _PAGE), "content-type", "text/html")


def wrong_ct_sse(served: Served) -> Response:
    """The right bytes under the wrong media type."""
    if not served.streamed:
        return served.response
    return with_header(served.response, "content-type", "application/json")


def sse_when_not_asked(served: Served) -> Response:
    """A plain completion as one event and `[DONE]`."""
    if not served.completed:
        return served.response
    body = b"data: " + served.response.body + b"\n\ndata: [DONE]\n\n"
    return with_header(with_body(served.response, body), "content-type", "text/event-stream")


def done_appended_to_json(served: Served) -> Response:
    """A plain completion with the stream's end marker behind it."""
    if not served.completed:
        return served.response
    return with_body(served.response, served.response.body + b"\n\ndata: [DONE]\n\n")


def cf_envelope_200(served: Served) -> Response:
    """A plain completion inside Cloudflare's v4 envelope."""
    envelope = {"success": True, "errors": [], "messages": []}
    return on_plain(lambda document: {"result": document, **envelope})(served)


TRANSPORT = rows(
    "T",
    (
        "trunc-chunked-close",
        "a stream's body is cut before its end and the connection closed",
        trunc_chunked_close,
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
    ("empty-200", "a success without a single byte of body", empty_200, "body-not-empty", "T08"),
    (
        "html-200",
        "a web page instead of the answer, with status 200",
        html_200,
        "plain-one-json stream-is-stream label-json",
        "T10, 9router#3492, ramalama#2837",
    ),
    (
        "wrong-ct-sse",
        "an event stream labelled application/json",
        wrong_ct_sse,
        "label-stream",
        "T13, 9router#3301, vllm-ascend#6985",
    ),
    (
        "sse-when-not-asked",
        "a plain request answered with an event stream",
        sse_when_not_asked,
        "plain-one-json",
        "T14, foundry-dev-tools#195",
    ),
    (
        "done-appended-to-json",
        "a JSON body followed by data: [DONE]",
        done_appended_to_json,
        "plain-one-json",
        "T17",
    ),
    (
        "cf-envelope-200",
        "a completion wrapped in Cloudflare's REST envelope",
        cf_envelope_200,
        "plain-bare",
        "T22, constructed, after the envelope of api.cloudflare.com",
    ),
)
