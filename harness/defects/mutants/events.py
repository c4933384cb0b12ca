"""Generated defects of a stream as a row of events: one lost, moved, cut, glued or late."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.defects.edits import (
    content_positions,
    document_of,
    finish_position,
    has_calls,
    is_done,
    middle,
    split,
    with_chunks,
)
from harness.gateway.served import Served
from harness.wire import Chunk, Response

PLACES = ("first", "second", "text", "calls", "before-finish", "finish", "usage", "done")
STALL_NS = 150_000_000_000
"""Longer than the 100 seconds of silence after which Cloudflare's edge gives up."""
Row = list[Chunk]


def _position(events: Sequence[Chunk], place: str) -> int | None:
    """The position of the event that a place means, or None."""
    documents = [document_of(event) or {} for event in events]
    calls = [n for n, document in enumerate(documents) if has_calls(document)]
    done = [n for n, event in enumerate(events) if is_done(event)]
    usage = [n for n, document in enumerate(documents) if document.get("choices") == []]
    finish = finish_position(events)
    found: Mapping[str, int | None] = {
        "first": 0,
        "second": 1 if finish > 1 else None,
        "text": middle(content_positions(events)),
        "calls": middle(calls),
        "before-finish": finish - 1 if finish > 1 else None,
        "finish": finish,
        "usage": usage[0] if usage else None,
        "done": done[-1] if done else None,
    }
    return found[place]


def _moved(events: Row, order: Sequence[int]) -> Row:
    """The events in another order at the same times."""
    return [Chunk(events[n].data, at.at_ns) for n, at in zip(order, events, strict=True)]


def _dropped(events: Row, at: int) -> Row:
    return events[:at] + events[at + 1 :]


def _twice(events: Row, at: int) -> Row:
    return events[: at + 1] + events[at:]


def _swapped(events: Row, at: int) -> Row:
    order = list(range(len(events)))
    order[at : at + 2] = reversed(order[at : at + 2])
    return _moved(events, order)


def _last(events: Row, at: int) -> Row:
    return _moved(events, [*(n for n in range(len(events)) if n != at), at])


def _first(events: Row, at: int) -> Row:
    return _moved(events, [at, *(n for n in range(len(events)) if n != at)])


def _halved(events: Row, at: int) -> Row:
    """One JSON text in two events."""
    data, at_ns = events[at].data, events[at].at_ns
    half = len(data) // 2
    parts = Chunk(data[:half] + b"\n\n", at_ns), Chunk(b"data: " + data[half:], at_ns)
    return [*events[:at], *parts, *events[at + 1 :]]


def _glued(events: Row, at: int) -> Row:
    """No empty line behind the event."""
    events[at] = Chunk(events[at].data.removesuffix(b"\n"), events[at].at_ns)
    return events


def _unlabelled(events: Row, at: int) -> Row:
    events[at] = Chunk(events[at].data.removeprefix(b"data: "), events[at].at_ns)
    return events


def _held(events: Row, at: int) -> Row:
    """Everything from here on comes at the end."""
    end_ns = events[-1].at_ns
    return events[:at] + [Chunk(event.data, end_ns) for event in events[at:]]


def _stalled(events: Row, at: int) -> Row:
    return events[:at] + [Chunk(event.data, event.at_ns + STALL_NS) for event in events[at:]]


def _cut(events: Row, at: int) -> Row:
    return events[:at]


EDITS: Mapping[str, Callable[[Row, int], Row]] = {
    "event-drop": _dropped,
    "event-twice": _twice,
    "event-swap": _swapped,
    "event-last": _last,
    "event-first": _first,
    "event-halve": _halved,
    "event-glue": _glued,
    "event-unlabel": _unlabelled,
    "event-hold": _held,
    "event-stall": _stalled,
    "event-cut": _cut,
}
FOREIGN = "event-foreign"
OPERATORS = (*EDITS, FOREIGN)


def edit_events(served: Served, place: str, operator: str) -> Response:
    """The stream with its event at the place edited; anything else as it is."""
    if not served.streamed:
        return served.response
    events = split(served.response)
    at = _position(events, place)
    if at is None:
        return served.response
    if operator == FOREIGN:
        return with_chunks(served.response, _visited(events, at, served.memory, place))
    return with_chunks(served.response, EDITS[operator](events, at))


def _visited(events: Row, at: int, memory: dict[str, Any], place: str) -> Row:
    """The stream with the same event of the stream before it in front of its own."""
    stranger, memory[place] = memory.get(place), events[at].data
    if stranger is None:
        return events
    return [*events[:at], Chunk(stranger, events[at].at_ns), *events[at:]]
