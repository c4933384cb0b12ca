"""Defects that show only now and then: by count, by size, by what came before."""

from collections.abc import Callable

from harness.defects.edits import boths, is_done, on_both, streams
from harness.defects.rows import rows
from harness.defects.stream_pieces import drop_chunk, dup_chunk
from harness.defects.structure import role_every_chunk
from harness.defects.transport import clean_eof_midstream
from harness.defects.usage import usage_after_done, usage_zero
from harness.gateway.served import Served
from harness.wire import Response

Respond = Callable[[Served], Response]


def _counted(served: Served, name: str, *, counts: bool) -> int:
    """How many answers of a kind there were, this one included."""
    served.memory[name] = served.memory.get(name, 0) + counts
    count: int = served.memory[name]
    return count


def every_nth_stream(number: int, respond: Respond) -> Respond:
    """The defect on every so manieth stream only."""

    def rarely(served: Served) -> Response:
        count = _counted(served, "streams", counts=served.streamed)
        return respond(served) if served.streamed and count % number == 0 else served.response

    return rarely


def every_nth_plain(number: int, respond: Respond) -> Respond:
    """The defect on every so manieth plain completion only."""

    def rarely(served: Served) -> Response:
        count = _counted(served, "plains", counts=served.completed)
        return respond(served) if served.completed and count % number == 0 else served.response

    return rarely


def above(size: int, respond: Respond) -> Respond:
    """The defect on requests with a body above a size only."""
    return lambda s: respond(s) if len(s.arrival.request.body) > size else s.response


def after_an_error(respond: Respond) -> Respond:
    """The defect on the answer that follows a refusal only."""

    def once(served: Served) -> Response:
        failed = served.memory.get("failed", False)
        served.memory["failed"] = served.response.status >= 400
        return respond(served) if failed else served.response

    return once


def first_stream(respond: Respond) -> Respond:
    """The defect on a gateway's first stream only."""

    def once(served: Served) -> Response:
        count = _counted(served, "streams", counts=served.streamed)
        return respond(served) if served.streamed and count == 1 else served.response

    return once


def with_event_id(respond: Respond) -> Respond:
    """The defect on requests that carry an event id only."""
    return lambda s: respond(s) if "cf-aig-event-id" in s.arrival.fields else s.response


_without_done = streams(lambda events: [event for event in events if not is_done(event)])


def _total_off(served: Served) -> Response:
    def edited(document: dict[str, object]) -> dict[str, object]:
        usage = document.get("usage")
        if isinstance(usage, dict):
            usage["total_tokens"] += 1
        return document

    return on_both(served, edited)


RARE = rows(
    "rare",
    (
        "rare-missing-done",
        "every fifth stream has no [DONE]",
        every_nth_stream(5, _without_done),
        "stream-done",
    ),
    (
        "rare-dropped-chunk",
        "every third stream loses a delta",
        every_nth_stream(3, drop_chunk),
        "json-schema given-values",
    ),
    (
        "rare-repeated-chunk",
        "every third stream repeats a delta",
        every_nth_stream(3, dup_chunk),
        "json-schema given-values",
    ),
    (
        "rare-cut-stream",
        "every seventh stream ends half way",
        every_nth_stream(7, clean_eof_midstream),
        "finish-once stream-done",
    ),
    (
        "rare-late-usage",
        "every fourth stream has its usage behind [DONE]",
        every_nth_stream(4, usage_after_done),
        "stream-done-last usage-stream",
    ),
    (
        "rare-zero-usage",
        "every fifth plain answer has no usage",
        every_nth_plain(5, usage_zero),
        "usage-details usage-positive",
    ),
    (
        "rare-wrong-total",
        "every tenth plain answer has a wrong total",
        every_nth_plain(10, _total_off),
        "usage-sum",
    ),
    (
        "rare-id-missing",
        "every sixth plain answer has no id",
        every_nth_plain(6, boths(lambda d: {n: v for n, v in d.items() if n != "id"})),
        "plain-fields",
    ),
    (
        "first-stream-cut",
        "the first stream of a gateway ends half way",
        first_stream(clean_eof_midstream),
        "finish-once stream-done",
    ),
    (
        "large-request-loses-done",
        "streams for requests above 4 KiB have no [DONE]",
        above(4096, _without_done),
        "stream-done",
    ),
    (
        "large-request-role-repeated",
        "streams for requests above 1 KiB repeat the role",
        above(1024, role_every_chunk),
        "role-once",
    ),
    (
        "after-error-no-usage",
        "the answer after an error has usage 0",
        after_an_error(usage_zero),
        "usage-positive length-at-limit",
    ),
    (
        "after-error-cut",
        "the stream after an error ends half way",
        after_an_error(clean_eof_midstream),
        "finish-once stream-done",
    ),
    (
        "event-id-loses-done",
        "streams with an event id have no [DONE]",
        with_event_id(_without_done),
        "stream-done",
    ),
    rare=True,
)
