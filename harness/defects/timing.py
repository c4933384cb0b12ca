"""When a stream comes: held back, in batches, or with a pause in its middle."""

from dataclasses import replace

from harness.defects.answers import streamed, where
from harness.defects.edits import content_positions, on_events, split, with_chunks
from harness.defects.rows import rows
from harness.gateway.rng import Rng
from harness.gateway.served import Served
from harness.wire import Chunk, End, Response

_MS, _S = 1_000_000, 1_000_000_000
STALL_NS = 10 * _S


def _moved(served: Served, times: list[int]) -> Response:
    """The stream with other times for its events; its end is not before them."""
    response = served.response
    moved = [Chunk(e.data, at) for e, at in zip(split(response), times, strict=True)]
    return replace(with_chunks(response, moved), end_at_ns=max([response.end_at_ns, *times]))


def _times(served: Served) -> list[int]:
    return [event.at_ns for event in split(served.response)]


def _buffered(served: Served) -> Response:
    """Nothing, not even the head, before the last event is there."""
    last_ns = served.response.end_at_ns
    late = [Chunk(event.data, last_ns) for event in split(served.response)]
    return replace(with_chunks(served.response, late), head_at_ns=last_ns)


def _stalled(served: Served) -> Response:
    """A pause of ten seconds before the second half of a stream."""
    times = _times(served)
    half = len(times) // 2
    moved = _moved(served, [*times[:half], *(at + STALL_NS for at in times[half:])])
    return replace(moved, end_at_ns=served.response.end_at_ns + STALL_NS)


def _batched(served: Served) -> Response:
    """Each event waits for the next of three moments."""
    times = _times(served)
    first, span = times[0], max(1, times[-1] - times[0])
    step = max(1, span // 2)
    return _moved(served, [first + -(-(at - first) // step) * step for at in times])


def _held_after_first(served: Served) -> Response:
    """The first event at once, everything else at the end."""
    times = _times(served)
    return _moved(served, [times[0], *([times[-1]] * (len(times) - 1))])


def _half_held(events: list[Chunk]) -> list[Chunk]:
    half, end_ns = len(events) // 2, events[-1].at_ns
    return [*events[:half], *(Chunk(event.data, end_ns) for event in events[half:])]


def _dripping(served: Served) -> Response:
    """One event in the middle arrives byte by byte, a tenth of a second apart."""
    events = split(served.response)
    at = (content_positions(events) or [0])[-1]
    event = events[at]
    pieces = [
        Chunk(event.data[i : i + 1], event.at_ns + i * 100 * _MS) for i in range(len(event.data))
    ]
    late_ns = len(event.data) * 100 * _MS
    rest = [Chunk(e.data, e.at_ns + late_ns) for e in events[at + 1 :]]
    end_ns = served.response.end_at_ns + late_ns
    return replace(with_chunks(served.response, [*events[:at], *pieces, *rest]), end_at_ns=end_ns)


def _silence_cut(served: Served) -> Response:
    """A hundred seconds without a byte half way, then the edge cuts the connection."""
    events = split(served.response)
    half = with_chunks(served.response, events[: max(1, len(events) // 2)])
    return replace(half, end=End.CUT, end_at_ns=half.end_at_ns + 100 * _S)


def _done_late(served: Served) -> Response:
    """`[DONE]` comes eight seconds after the last chunk."""
    times = _times(served)
    late_ns = times[-1] + 8 * _S
    return replace(_moved(served, [*times[:-1], late_ns]), end_at_ns=late_ns)


def _end_late(served: Served) -> Response:
    """The body ends eight seconds after `[DONE]`."""
    return replace(served.response, end_at_ns=served.response.end_at_ns + 8 * _S)


def _three_stalls(served: Served) -> Response:
    """Three pauses of six seconds at drawn places."""
    times, rng = _times(served), Rng("stalls", served.arrival.serial)
    places = {rng.below(len(times)) for _ in range(3)}
    moved, late_ns = [], 0
    for number, at in enumerate(times):
        late_ns += 6 * _S * (number in places)
        moved.append(at + late_ns)
    return _moved(served, moved)


def _comments_for_output(served: Served) -> Response:
    """Comments flow at once; every event waits for the end."""
    events = split(served.response)
    comments = [Chunk(b": wait\n\n", event.at_ns) for event in events]
    late = [Chunk(event.data, events[-1].at_ns) for event in events]
    return with_chunks(served.response, [*comments, *late])


TIMING = (
    *rows(
        "L",
        (
            "full-buffering",
            "all events of a stream arrive together at its end",
            where(streamed, _buffered),
            "stream-incremental",
            "L01, MiniMax-AI/MiniMax-M3#22, cloudflare/cloudflared#1496",
        ),
        (
            "stall-midstream",
            "a stream pauses for ten seconds half way",
            where(streamed, _stalled),
            "body-in-time",
            "L04, Dynamo disconnect.rs (inactivity timeout)",
        ),
        (
            "batch-coalescing",
            "events arrive in two or three groups",
            where(streamed, _batched),
            "stream-unbatched",
            "L02",
        ),
        (
            "held-after-first",
            "one event comes at once, the rest at the end",
            where(streamed, _held_after_first),
            "stream-unbatched",
        ),
        (
            "slow-drip",
            "one event arrives byte by byte",
            where(streamed, _dripping),
            "body-in-time",
            "L05",
        ),
        (
            "done-late",
            "[DONE] comes eight seconds late",
            where(streamed, _done_late),
            "stream-no-silence",
        ),
        (
            "end-late",
            "the body ends eight seconds after [DONE]",
            where(streamed, _end_late),
            "stream-end-prompt",
        ),
        (
            "three-stalls",
            "three pauses of six seconds",
            where(streamed, _three_stalls),
            "stream-no-silence",
        ),
        (
            "comments-for-output",
            "comments flow while every event waits for the end",
            where(streamed, _comments_for_output),
            "stream-incremental",
        ),
        (
            "second-half-held",
            "the second half of a stream comes at its end",
            on_events(_half_held),
            "stream-not-held",
            "L01",
        ),
    ),
    *rows(
        "F",
        (
            "silence-cut",
            "no byte for 100 s half way, then the edge cuts",
            where(streamed, _silence_cut),
            "body-in-time",
            "F28, MiniMax-AI/MiniMax-M3#22; Cloudflare 524",
        ),
    ),
)
