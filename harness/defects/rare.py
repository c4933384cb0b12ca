"""Defects that show only now and then: by count, by size, by what came before."""

from harness.defects.completions import role_every_chunk
from harness.defects.edits import in_usage, on_plain, without
from harness.defects.framing import without_done
from harness.defects.http import clean_eof_midstream
from harness.defects.rows import rows
from harness.defects.stream_pieces import drop_chunk, dup_chunk
from harness.defects.usage import total_off, usage_after_done, usage_zero
from harness.defects.when import Past, above, after_error, every, first, of_request, only
from harness.gateway.call import Arrival
from harness.gateway.served import Served


def _stream(served: Served, _: Past) -> bool:
    return served.streamed


def _plain(served: Served, _: Past) -> bool:
    return served.completed


def _event_id(arrival: Arrival) -> bool:
    return "cf-aig-event-id" in arrival.fields


RARE = rows(
    "rare",
    (
        "rare-missing-done",
        "every fifth stream has no [DONE]",
        only(_stream, without_done, every(5)),
        "stream-done",
    ),
    (
        "rare-dropped-chunk",
        "every third stream loses a delta",
        only(_stream, drop_chunk, every(3)),
        "json-schema given-values",
    ),
    (
        "rare-repeated-chunk",
        "every third stream repeats a delta",
        only(_stream, dup_chunk, every(3)),
        "json-schema given-values",
    ),
    (
        "rare-cut-stream",
        "every seventh stream ends half way",
        only(_stream, clean_eof_midstream, every(7)),
        "finish-once stream-done",
    ),
    (
        "rare-late-usage",
        "every fourth stream has its usage behind [DONE]",
        only(_stream, usage_after_done, every(4)),
        "stream-done-last usage-stream",
    ),
    (
        "rare-zero-usage",
        "every fifth plain answer has no usage",
        only(_plain, usage_zero, every(5)),
        "usage-details usage-positive",
    ),
    (
        "rare-wrong-total",
        "every tenth plain answer has a wrong total",
        only(_plain, on_plain(in_usage(total_off)), every(10)),
        "usage-sum",
    ),
    (
        "rare-id-missing",
        "every sixth plain answer has no id",
        only(_plain, on_plain(without("id")), every(6)),
        "plain-fields",
    ),
    (
        "first-stream-cut",
        "the first stream of a gateway ends half way",
        only(_stream, clean_eof_midstream, first),
        "finish-once stream-done",
    ),
    (
        "large-request-loses-done",
        "streams for requests above 4 KiB have no [DONE]",
        only(of_request(above(4096)), without_done),
        "stream-done",
    ),
    (
        "large-request-role-repeated",
        "streams for requests above 1 KiB repeat the role",
        only(of_request(above(1024)), role_every_chunk),
        "role-once",
    ),
    (
        "after-error-no-usage",
        "the answer after an error has usage 0",
        only(after_error, usage_zero),
        "usage-positive length-at-limit",
    ),
    (
        "after-error-cut",
        "the stream after an error ends half way",
        only(after_error, clean_eof_midstream),
        "finish-once stream-done",
    ),
    (
        "event-id-loses-done",
        "streams with an event id have no [DONE]",
        only(of_request(_event_id), without_done),
        "stream-done",
    ),
    rare=True,
)
