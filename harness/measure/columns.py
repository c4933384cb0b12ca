"""The columns of `samples`: one row per logical request, as every file and report names them.

Types are Arrow type names, so that a writer and a reader need no common code beyond this table.
Times are CLOCK_MONOTONIC nanoseconds of the worker's machine and null when it did not happen.

A moment `X_ns` is the latest time at which it can have happened; `X_blur_ns` says how much earlier
it may have been, and is 0 where the time is exact. One read that holds several events has one time
stamp, the last segment's, so that the others lie between it and the last moment at which the
socket was seen empty.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""How a file of rows ends: a continuation marker and a length of zero.

Arrow columnar format, "IPC Streaming Format"; without it the writer did not come to close the file.
"""
COLUMNS: Mapping[str, str] = {
    "run_id": "string",
    "worker": "string",
    "seq": "int64",
    "event_id": "string",
    "scenario": "string",
    "phase": "string",
    "route": "string",
    "stream": "bool",
    "status": "int16",
    "outcome": "string",
    "scheduled_ns": "int64",
    "sent_ns": "int64",
    "headers_ns": "int64",
    "first_byte_ns": "int64",
    "first_event_ns": "int64",
    "first_role_ns": "int64",
    "first_reasoning_ns": "int64",
    "first_output_ns": "int64",
    "first_answer_ns": "int64",
    "last_output_ns": "int64",
    "usage_ns": "int64",
    "done_ns": "int64",
    "closed_ns": "int64",
    "send_blur_ns": "int64",
    "first_byte_blur_ns": "int64",
    "first_output_blur_ns": "int64",
    "first_answer_blur_ns": "int64",
    "last_output_blur_ns": "int64",
    "done_blur_ns": "int64",
    "blur_ns": "int64",
    "gap_ms": "list<float64>",
    "gap_low_ms": "list<float64>",
    "gap_high_ms": "list<float64>",
    "output_chunks": "int32",
    "coalesced": "int32",
    "burst_chunks": "int32",
    "prompt_tokens": "int64",
    "completion_tokens": "int64",
    "reasoning_tokens": "int64",
    "cached_tokens": "int64",
    "finish_reason": "string",
    "violations": "list<string>",
    "checked": "bool",
    "check_share": "float64",
    "odd": "list<string>",
    "cache_status": "string",
    "log_id": "string",
    "cf_ray": "string",
    "message": "string",
    "reused": "bool",
    "dns_ns": "int64",
    "connect_ns": "int64",
    "tls_ns": "int64",
    "rtt_ns": "int64",
    "retransmits": "int32",
    "stage": "int16",
    "turn": "int16",
    "held_ns": "int64",
}


MOST_GAPS = 4096
"""Gaps that one row keeps; a longer stream keeps a sketch of this size."""


def sketch(gaps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The gaps, or of more than `MOST_GAPS` that many in ascending order, evenly spaced by rank.

    Of a long stream the bounds of gaps are sketched like the gaps, each by itself: what stands at
    one place of the three lists is then a rank, not a gap.
    """
    if len(gaps) <= MOST_GAPS:
        return gaps
    ranks = np.linspace(0, len(gaps) - 1, MOST_GAPS).round().astype(np.intp)
    chosen: npt.NDArray[np.float64] = np.sort(gaps)[ranks]
    return chosen
