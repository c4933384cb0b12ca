"""When a stream comes: held back, in batches, or with a pause in its middle."""

from dataclasses import replace

from harness.defects.edits import content_positions, on_events, split
from harness.defects.rows import rows
from harness.gateway.rng import Rng
from harness.gateway.served import Served
from harness.wire import Chunk, End, Response

STALL_NS = 10_000_000_000


def full_buffering(served: Served) -> Response:
    """Nothing, not even the head, before the last event is there."""
    last_ns = served.response.end_at_ns
    response = on_events(lambda events: [Chunk(e.data, last_ns) for e in events])(served)
    return replace(response, head_at_ns=last_ns) if served.streamed else response


def stall_midstream(served: Served) -> Response:
    """A pause of ten seconds before the second half of a stream."""
    response = on_events(_stalled)(served)
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


_STREAM = "every streamed chat answer of two tokens or more"


_MS, _S = 1_000_000, 1_000_000_000


def _moved(served: Served, times: list[int]) -> Response:
    """The stream with other times for its events; its end is not before them."""
    events = on_events(lambda events: events)(served)
    chunks = tuple(Chunk(c.data, at) for c, at in zip(events.chunks, times, strict=True))
    end_ns = max([events.end_at_ns, *times])
    return replace(events, chunks=chunks, end_at_ns=end_ns)


def _times(served: Served) -> list[int]:
    return [event.at_ns for event in split(served.response)]


def batches(served: Served) -> Response:
    """Events are grouped: each waits for the next full tenth of a stream of 500 ms or more."""
    if not served.streamed:
        return served.response
    times = _times(served)
    first, span = times[0], max(1, times[-1] - times[0])
    step = max(1, span // 2)
    later = [first + -(-(at - first) // step) * step for at in times]
    return _moved(served, later)


def _held_after_first(served: Served) -> Response:
    """The first event at once, everything else at the end."""
    if not served.streamed:
        return served.response
    times = _times(served)
    return _moved(served, [times[0], *([times[-1]] * (len(times) - 1))])


def drip(served: Served) -> Response:
    """One event in the middle arrives byte by byte, a tenth of a second apart."""
    if not served.streamed:
        return served.response
    events = list(on_events(lambda events: events)(served).chunks)
    where = (content_positions(events) or [0])[-1]
    event = events[where]
    pieces = [
        Chunk(event.data[i : i + 1], event.at_ns + i * 100 * _MS) for i in range(len(event.data))
    ]
    late_ns = len(event.data) * 100 * _MS
    rest = [Chunk(e.data, e.at_ns + late_ns) for e in events[where + 1 :]]
    end_ns = served.response.end_at_ns + late_ns
    return replace(served.response, chunks=(*events[:where], *pieces, *rest), end_at_ns=end_ns)


def silence_cut(served: Served) -> Response:
    """A hundred seconds without a byte half way, then the edge cuts the connection."""
    if not served.streamed:
        return served.response
    events = on_events(lambda events: events[: max(1, len(events) // 2)])(served)
    return replace(events, end=End.CUT, end_at_ns=events.end_at_ns + 100 * _S)


def done_late(served: Served) -> Response:
    """`[DONE]` comes eight seconds after the last chunk."""
    if not served.streamed:
        return served.response
    times = _times(served)
    late = _moved(served, [*times[:-1], times[-1] + 8 * _S])
    return replace(late, end_at_ns=times[-1] + 8 * _S)


def end_late(served: Served) -> Response:
    """The body ends eight seconds after `[DONE]`."""
    if not served.streamed:
        return served.response
    return replace(served.response, end_at_ns=served.response.end_at_ns + 8 * _S)


def stalls(served: Served) -> Response:
    """Three pauses of six seconds at drawn places."""
    if not served.streamed:
        return served.response
    times, rng = _times(served), Rng("stalls", served.arrival.serial)
    places = {rng.below(len(times)) for _ in range(3)}
    moved, late_ns = [], 0
    for number, at in enumerate(times):
        late_ns += 6 * _S * (number in places)
        moved.append(at + late_ns)
    return _moved(served, moved)


def keepalives_for_output(served: Served) -> Response:
    """Comments flow at once; every event waits for the end."""
    if not served.streamed:
        return served.response
    times = _times(served)
    comments = tuple(Chunk(b": wait\n\n", at) for at in times)
    events = on_events(lambda events: events)(served).chunks
    return replace(served.response, chunks=(*comments, *(Chunk(e.data, times[-1]) for e in events)))


TEMPO = (
    *rows(
        "L",
        (
            "batch-coalescing",
            "events arrive in two or three groups",
            batches,
            "stream-unbatched",
            "L02",
        ),
        (
            "held-after-first",
            "one event comes at once, the rest at the end",
            _held_after_first,
            "stream-unbatched",
        ),
        ("slow-drip", "one event arrives byte by byte", drip, "body-in-time", "L05"),
        ("done-late", "[DONE] comes eight seconds late", done_late, "stream-no-silence"),
        ("end-late", "the body ends eight seconds after [DONE]", end_late, "stream-end-prompt"),
        ("three-stalls", "three pauses of six seconds", stalls, "stream-no-silence"),
        (
            "comments-for-output",
            "comments flow while every event waits for the end",
            keepalives_for_output,
            "stream-incremental",
        ),
    ),
    *rows(
        "F",
        (
            "silence-cut",
            "no byte for 100 s half way, then the edge cuts",
            silence_cut,
            "body-in-time",
            "F28, MiniMax-AI/MiniMax-M3#22; Cloudflare 524",
        ),
    ),
)
