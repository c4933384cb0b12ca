"""Defects that show only now and then: by count, by size, by what came before."""

from harness.defects.answers import Holds, completed, streamed, where
from harness.defects.completions import role_every_chunk
from harness.defects.edits import in_usage, on_plain, without
from harness.defects.framing import without_done
from harness.defects.http import clean_eof_midstream
from harness.defects.rows import rows
from harness.defects.sizes import above
from harness.defects.stream_pieces import drop_chunk, dup_chunk
from harness.defects.usage import total_off, usage_after_done, usage_zero
from harness.gateway.served import Edit, Served
from harness.wire import Response


def every(number: int, kind: Holds, edit: Edit) -> Edit:
    """The edit on every so manieth answer of a kind only."""

    def now_and_then(served: Served) -> Response:
        if not kind(served):
            return served.response
        count = served.memory["answers"] = served.memory.get("answers", 0) + 1
        return edit(served) if count % number == 0 else served.response

    return now_and_then


def first(kind: Holds, edit: Edit) -> Edit:
    """The edit on a gateway's first answer of a kind only."""

    def once(served: Served) -> Response:
        if (
            not kind(served)
            or served.memory.setdefault("first", served.arrival.serial) != served.arrival.serial
        ):
            return served.response
        return edit(served)

    return once


def after_an_error(edit: Edit) -> Edit:
    """The edit on the answer that follows a refusal only."""

    def once(served: Served) -> Response:
        failed = served.memory.get("failed", False)
        served.memory["failed"] = served.response.status >= 400
        return edit(served) if failed else served.response

    return once


def _with_event_id(served: Served) -> bool:
    return "cf-aig-event-id" in served.arrival.fields


RARE = rows(
    "rare",
    (
        "rare-missing-done",
        "every fifth stream has no [DONE]",
        every(5, streamed, without_done),
        "stream-done",
    ),
    (
        "rare-dropped-chunk",
        "every third stream loses a delta",
        every(3, streamed, drop_chunk),
        "json-schema given-values",
    ),
    (
        "rare-repeated-chunk",
        "every third stream repeats a delta",
        every(3, streamed, dup_chunk),
        "json-schema given-values",
    ),
    (
        "rare-cut-stream",
        "every seventh stream ends half way",
        every(7, streamed, clean_eof_midstream),
        "finish-once stream-done",
    ),
    (
        "rare-late-usage",
        "every fourth stream has its usage behind [DONE]",
        every(4, streamed, usage_after_done),
        "stream-done-last usage-stream",
    ),
    (
        "rare-zero-usage",
        "every fifth plain answer has no usage",
        every(5, completed, usage_zero),
        "usage-details usage-positive",
    ),
    (
        "rare-wrong-total",
        "every tenth plain answer has a wrong total",
        every(10, completed, on_plain(in_usage(total_off))),
        "usage-sum",
    ),
    (
        "rare-id-missing",
        "every sixth plain answer has no id",
        every(6, completed, on_plain(without("id"))),
        "plain-fields",
    ),
    (
        "first-stream-cut",
        "the first stream of a gateway ends half way",
        first(streamed, clean_eof_midstream),
        "finish-once stream-done",
    ),
    (
        "large-request-loses-done",
        "streams for requests above 4 KiB have no [DONE]",
        where(above(4096), without_done),
        "stream-done",
    ),
    (
        "large-request-role-repeated",
        "streams for requests above 1 KiB repeat the role",
        where(above(1024), role_every_chunk),
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
        where(_with_event_id, without_done),
        "stream-done",
    ),
    rare=True,
)
