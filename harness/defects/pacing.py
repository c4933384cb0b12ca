"""Class L: timing, which fools a benchmark."""

from dataclasses import replace

from harness.defects.defect import Defect
from harness.defects.edits import on_events
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


PACING = (
    Defect(
        name="full-buffering",
        catalogue="L01",
        group="L",
        statement="all events of a stream arrive together at its end",
        shown_by="every streamed chat answer of two tokens or more",
        source="MiniMax-AI/MiniMax-M3#22, cloudflare/cloudflared#1496",
        respond=full_buffering,
    ),
    Defect(
        name="stall-midstream",
        catalogue="L04",
        group="L",
        statement="a stream pauses for ten seconds half way",
        shown_by="every streamed chat answer",
        source="Dynamo disconnect.rs (inactivity timeout)",
        respond=stall_midstream,
    ),
)
