"""What a load notes of one answer, whoever read it."""

from dataclasses import dataclass, field

from harness.measure.odd import (
    IN_TIME_NS,
    MOST_TOKENS_AT_ONCE,
    ONE_PIECE_NS,
    ONE_PIECE_SHARE,
    Odd,
)
from harness.routes.metadata import gateway_metadata
from harness.routes.moments import Moments
from harness.routes.record import Record
from harness.routes.route import Route
from harness.routes.usage import Usage
from harness.transports.gevent.incoming import ResponseParser


@dataclass(slots=True)
class Facts:
    """One answer; `at_ns` and `end_since_ns` bound its last byte, nanoseconds after sending.

    `problems` are what keeps it from being read without loss. `violations` are the clauses that it
    breaks, where it was checked; it was drawn for that with the probability `check_share`.
    """

    chat: bool
    status: int
    moments: Moments
    streamed: bool
    asked_stream: bool
    done: bool
    finish_reason: str | None
    usage: Usage | None
    cache_status: str | None
    log_id: str | None
    cf_ray: str | None
    at_ns: int
    end_since_ns: int
    text_length: int
    failed: bool = False
    coded: bool = False
    problems: bool = False
    violations: list[str] = field(default_factory=list)
    check_share: float | None = None


def facts_of(record: Record, incoming: ResponseParser, *, asked_stream: bool) -> Facts:
    """What the parsers noted."""
    said, completion = gateway_metadata(record.headers), record.completion
    coding = record.headers.get("content-encoding") or "identity"
    return Facts(
        chat=record.route != Route.MODEL,
        status=record.status,
        moments=record.moments,
        streamed=record.streamed,
        asked_stream=asked_stream,
        done=record.done,
        finish_reason=completion.finish_reason,
        usage=completion.usage,
        cache_status=said.cache_status,
        log_id=said.log_id,
        cf_ray=said.cf_ray,
        at_ns=incoming.at_ns,
        end_since_ns=incoming.end_since_ns,
        text_length=completion.text_length,
        failed=record.failure is not None or not record.successful,
        coded=coding.lower() != "identity",
        problems=bool(record.problems),
    )


def suspect(facts: Facts) -> bool:
    """Whether the reading of an answer met anything that may break a clause."""
    usage = facts.usage
    if facts.problems or facts.failed or (facts.chat and facts.streamed and not facts.done):
        return True
    if usage is None or usage.total_tokens is None:
        return False
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    return (
        prompt is not None and completion is not None and prompt + completion != usage.total_tokens
    )


def odd(facts: Facts) -> list[str]:
    """What is odd about a whole answer that is no error; see `reports/README.md`."""
    if facts.failed:
        return []
    found = []
    if facts.streamed and in_one_piece(facts):
        found.append(Odd.ONE_PIECE.value)
    if facts.asked_stream and not facts.streamed:
        found.append(Odd.NOT_STREAMED.value)
    if facts.chat and not facts.moments.outputs:
        found.append(Odd.NO_OUTPUT.value)
    if facts.chat and not facts.finish_reason:
        found.append(Odd.NO_FINISH_REASON.value)
    if facts.coded:
        found.append(Odd.UNASKED_CODING.value)
    if facts.chat and facts.streamed and not facts.done:
        found.append(Odd.NO_DONE.value)
    return found


def in_one_piece(facts: Facts) -> bool:
    """Whether all output of a stream came at once, to a reader that was in time."""
    outputs, since = facts.moments.outputs, facts.moments.outputs_since
    if not outputs or outputs[0] - since[0] > IN_TIME_NS:
        return False
    if len(outputs) == 1:
        usage = facts.usage
        return usage is not None and (usage.completion_tokens or 0) > MOST_TOKENS_AT_ONCE
    return outputs[-1] - outputs[0] <= min(ONE_PIECE_NS, ONE_PIECE_SHARE * outputs[0])
