"""Clients that leave in the middle of a stream, and who meets the consequences."""

from collections.abc import Callable
from dataclasses import replace

from harness.defects.edits import with_body, with_chunks
from harness.defects.rows import rows
from harness.gateway import envelope
from harness.gateway.served import LEFT, Served
from harness.gateway.timing import shifted
from harness.wire import Chunk, Response

_STALL_NS = 10_000_000_000
_STREAM = "the last stream"


def _after(edit: Callable[[Response, Response], Response]) -> Callable[[Served], Response]:
    """A defect of the first good answer after a client left; `edit` has it and the stream left."""

    def respond(served: Served) -> Response:
        response, before = served.response, served.memory.get(_STREAM)
        if served.streamed:
            served.memory[_STREAM] = response
        if response.status != 200 or before is None or not served.memory.pop(LEFT, False):
            return response
        return edit(response, before)

    return respond


def _going_on(response: Response, before: Response) -> Response:
    """The rest of the old stream comes before the new answer."""
    half = before.chunks[len(before.chunks) // 2 :]
    rest = [Chunk(chunk.data, response.head_at_ns) for chunk in half]
    return with_chunks(response, [*rest, *response.chunks])


def _again(response: Response, before: Response) -> Response:
    late_ns = max(response.end_at_ns, before.end_at_ns)
    return replace(with_chunks(response, before.chunks), end_at_ns=late_ns)


def _failing(response: Response, _before: Response) -> Response:
    body = envelope.PROVIDER_FAILED.body("full")
    return replace(with_body(response, body), status=500)


def _stalling(response: Response, _before: Response) -> Response:
    return shifted(response, _STALL_NS)


LEAVING = rows(
    "leaving",
    (
        "left-stream-goes-on",
        "the next answer begins with the rest of the left one",
        _after(_going_on),
        "after-leaving-own",
    ),
    (
        "left-answer-again",
        "the next request gets the answer that was left",
        _after(_again),
        "after-leaving-own",
    ),
    (
        "left-then-500",
        "the next request is answered by 500",
        _after(_failing),
        "after-leaving-answered",
    ),
    (
        "left-then-stalls",
        "the next request waits for ten seconds",
        _after(_stalling),
        "after-leaving-prompt",
    ),
)
