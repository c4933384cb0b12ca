"""What became of one request as a row of `samples`, in the order of its columns."""

from typing import Any

import numpy as np

from harness.load.facts import Facts, odd
from harness.measure.columns import COLUMNS, sketch
from harness.measure.odd import IN_TIME_NS
from harness.transports.gevent import Conversation
from harness.wire import End

_NO_GAPS = np.zeros(0)

Row = tuple[Any, ...]
"""One value for each of `COLUMNS`."""

PLACE = {name: place for place, name in enumerate(COLUMNS)}
"""Where a column stands in a row."""

_ANSWERED = tuple(COLUMNS)[PLACE["headers_ns"] : PLACE["message"]]
"""The columns that speak of an answer."""


def row(head: Row, talk: Conversation, facts: Facts | None, end: End, message: str | None) -> Row:
    """The row of a request that has ended like this.

    `head` is what is known without its answer: from `run_id` to `scheduled_ns` but for `status`,
    then `stage`, `turn` and `held_ns`.
    """
    network = (talk.reused, talk.dns_ns, talk.connect_ns, talk.tls_ns)
    tail = (message, *network, talk.rtt_ns, talk.retransmits, *head[10:])
    if facts is None:
        return (*head[:8], None, *head[8:10], talk.sent_ns, *_unanswered(talk), *tail)
    return (
        *head[:8],
        facts.status,
        *head[8:10],
        talk.sent_ns,
        *_times(talk, facts, end),
        *_gaps(facts),
        *_said(facts, whole=end is End.COMPLETE),
        *tail,
    )


def unsent(head: Row) -> Row:
    """The row of a request that was due and not sent."""
    made = list(row(head, Conversation(), None, End.OPEN, None))
    for name in ("sent_ns", "send_blur_ns", "reused"):
        made[PLACE[name]] = None
    return tuple(made)


def _unanswered(talk: Conversation) -> Row:
    nothing: dict[str, Any] = {
        "closed_ns": talk.ended_ns or None,
        "send_blur_ns": talk.left_ns - talk.sent_ns,
        "blur_ns": talk.left_ns - talk.sent_ns,
        "gap_ms": _NO_GAPS,
        "output_chunks": 0,
        "coalesced": 0,
        "burst_chunks": 0,
        "violations": [],
        "odd": [],
    }
    return tuple(nothing.get(name) for name in _ANSWERED)


def _times(talk: Conversation, facts: Facts, end: End) -> Row:
    """From `headers_ns` to `blur_ns`."""
    moments, sent_ns = facts.moments, talk.sent_ns
    outputs, since = moments.outputs, moments.outputs_since
    headers, byte, event = moments.headers, moments.first_byte, moments.first_event
    role, reasoning, usage = moments.first_role, moments.first_reasoning, moments.usage
    output, answer = moments.first_output, moments.first_answer
    done_ns = closed_ns = done_blur = last_ns = last_blur = None
    if end is End.COMPLETE:
        done_ns, done_blur = sent_ns + facts.at_ns, facts.at_ns - facts.end_since_ns
    else:
        closed_ns = max(sent_ns + facts.at_ns, talk.ended_ns)
    byte_blur = None if byte is None else byte - moments.first_byte_since
    output_blur = None if output is None else output - moments.first_output_since
    answer_blur = None if answer is None else answer - moments.first_answer_since
    send_blur = talk.left_ns - sent_ns
    blur = max(send_blur, byte_blur or 0, done_blur or 0)
    if outputs:
        last_ns, last_blur = sent_ns + outputs[-1], outputs[-1] - since[-1]
        if outputs != since:
            blur = max(blur, *(at - earliest for at, earliest in zip(outputs, since, strict=True)))
    return (
        None if headers is None else sent_ns + headers,
        None if byte is None else sent_ns + byte,
        None if event is None else sent_ns + event,
        None if role is None else sent_ns + role,
        None if reasoning is None else sent_ns + reasoning,
        None if output is None else sent_ns + output,
        None if answer is None else sent_ns + answer,
        last_ns,
        None if usage is None else sent_ns + usage,
        done_ns,
        closed_ns,
        send_blur,
        byte_blur,
        output_blur,
        answer_blur,
        last_blur,
        done_blur,
        blur,
    )


def _gaps(facts: Facts) -> Row:
    """Gaps, their bounds where they differ, outputs, and how many of those came together."""
    count = len(facts.moments.outputs)
    if count < 2:
        return _NO_GAPS, None, None, count, 0, 0
    outputs = np.array(facts.moments.outputs, dtype=np.int64)
    since = np.array(facts.moments.outputs_since, dtype=np.int64)
    gaps = np.diff(outputs)
    together = gaps == 0
    in_time = outputs[:-1] - since[:-1] <= IN_TIME_NS
    low = np.maximum(since[1:] - outputs[:-1], 0)
    high = outputs[1:] - since[:-1]
    return (
        sketch(gaps / 1e6),
        sketch(low / 1e6),
        sketch(high / 1e6),
        count,
        int(np.count_nonzero(together)),
        int(np.count_nonzero(together & in_time)),
    )


def _said(facts: Facts, *, whole: bool) -> Row:
    """From `prompt_tokens` to `cf_ray`."""
    usage = facts.usage
    return (
        usage and usage.prompt_tokens,
        usage and usage.completion_tokens,
        usage and usage.reasoning_tokens,
        usage and usage.cached_tokens,
        facts.finish_reason,
        facts.violations,
        facts.check_share is not None,
        facts.check_share,
        odd(facts) if whole else [],
        facts.cache_status,
        facts.log_id,
        facts.cf_ray,
    )
