"""Class T: HTTP and transport."""

from dataclasses import replace

from harness.defects.defect import Defect
from harness.defects.edits import on_events, on_plain, with_body, with_chunks, with_header
from harness.gateway.served import Served
from harness.wire import Chunk, End, Response

_PAGE = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>It works</body></html>"


def _half(events: list[Chunk]) -> list[Chunk]:
    return events[: max(1, len(events) // 2)]


def trunc_chunked_close(served: Served) -> Response:
    """Half of the stream, then the connection closes inside the chunked body."""
    if not served.streamed:
        return served.response
    response = with_header(on_events(served, _half), "connection", "close")
    return replace(response, end=End.CUT)


def clean_eof_midstream(served: Served) -> Response:
    """Half of the stream, then a well-formed end of the body."""
    return on_events(served, _half)


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
    return on_plain(served, lambda document: {"result": document, **envelope})


TRANSPORT = (
    Defect(
        name="trunc-chunked-close",
        catalogue="T01",
        group="T",
        statement="a stream's body is cut before its end and the connection closed",
        shown_by="every streamed chat answer",
        source="ai-dynamo/dynamo#8674",
        respond=trunc_chunked_close,
    ),
    Defect(
        name="clean-eof-midstream",
        catalogue="T04",
        group="T",
        statement="a stream ends cleanly half way: no finish_reason, no [DONE]",
        shown_by="every streamed chat answer",
        source="Dynamo disconnect.rs; BerriAI/litellm#40260",
        respond=clean_eof_midstream,
    ),
    Defect(
        name="empty-200",
        catalogue="T08",
        group="T",
        statement="a success without a single byte of body",
        shown_by="every successful answer",
        source="constructed",
        respond=empty_200,
    ),
    Defect(
        name="html-200",
        catalogue="T10",
        group="T",
        statement="a web page instead of the answer, with status 200",
        shown_by="every successful answer",
        source="9router#3492, ramalama#2837",
        respond=html_200,
    ),
    Defect(
        name="wrong-ct-sse",
        catalogue="T13",
        group="T",
        statement="an event stream labelled application/json",
        shown_by="every streamed chat answer",
        source="9router#3301, vllm-ascend#6985",
        respond=wrong_ct_sse,
    ),
    Defect(
        name="sse-when-not-asked",
        catalogue="T14",
        group="T",
        statement="a plain request answered with an event stream",
        shown_by="every plain chat answer",
        source="foundry-dev-tools#195",
        respond=sse_when_not_asked,
    ),
    Defect(
        name="done-appended-to-json",
        catalogue="T17",
        group="T",
        statement="a JSON body followed by data: [DONE]",
        shown_by="every plain chat answer",
        source="constructed",
        respond=done_appended_to_json,
    ),
    Defect(
        name="cf-envelope-200",
        catalogue="T22",
        group="T",
        statement="a completion wrapped in Cloudflare's REST envelope",
        shown_by="every plain chat answer",
        source="constructed, after the envelope of api.cloudflare.com",
        respond=cf_envelope_200,
    ),
)
