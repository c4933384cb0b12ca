"""Class L: timing, which fools a benchmark."""

from dataclasses import replace

from harness.defects.edits import on_events
from harness.defects.rows import rows
from harness.gateway.served import Served
from harness.wire import Chunk, Response

STALL_NS = 10_000_000_000


def full_buffering(served: Served) -> Response:
    """Nothing, not even the head, before the last event is there."""
    last_ns = served.response.end_at_ns
    response = on_events(served, lambda events: [Chunk(e.data, last_ns) for e in events])
    return replace(response, head_at_ns=last_ns) if served.streamed else response


def stall_midstream(served: Served) -> Response:
    """A pause of ten seconds before the second half of a stream."""
    response = on_events(served, _stalled)
    later_ns = response.end_at_ns + STALL_NS
    return replace(response, end_at_ns=later_ns) if served.streamed else response


def _stalled(events: list[Chunk]) -> list[Chunk]:
    half = len(events) // 2
    late = [Chunk(event.data, event.at_ns + STALL_NS) for event in events[half:]]
    return [*events[:half], *late]


PACING = rows(
    "L",
    (
        "full-buffering",
        "all events of a stream arrive together at its end",
        full_buffering,
        "stream-incremental",
        "L01, MiniMax-AI/MiniMax-M3#22, cloudflare/cloudflared#1496",
    ),
    (
        "stall-midstream",
        "a stream pauses for ten seconds half way",
        stall_midstream,
        "body-in-time",
        "L04, Dynamo disconnect.rs (inactivity timeout)",
    ),
)
