"""An event stream as text (WHATWG HTML, section 9.2.5): nothing hidden, nothing lost."""

import re

from harness.contract.answer.reading import Reading
from harness.contract.clause import EvidenceGrade, Finding, Level
from harness.contract.fault import event, fault, told
from harness.contract.observation import Observation
from harness.contract.topics.sources import CHAT, CHUNK, SSE
from harness.contract.topics.topic import Topic

_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")
_LONE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Halves of surrogate pairs; U+DC80 to U+DCFF stand for bytes that are not UTF-8 (PEP 383)."""

topic = Topic("framing", routes=CHAT, evidence=EvidenceGrade.SPECIFIED, source=SSE)


def stream_of(seen: Observation) -> Reading | None:
    """The reading of a whole, accepted, asked-for stream, or None."""
    reading = seen.reading
    asked = seen.good and seen.case.stream and seen.exchange.whole
    return reading if asked and reading is not None and reading.streamed else None


@topic.exchange(
    "sse-nothing-hidden",
    Level.MUST,
    why="`Data:`, or JSON lines without `data:`, give zero content without an exception.",
)
def hides_no_line(seen: Observation) -> Finding:
    """No line holds JSON where a decoder ignores it."""
    reading = stream_of(seen)
    if reading is None:
        return None
    hidden = [
        (offset, line)
        for offset, line in reading.stray
        if line.lstrip()[:1] in (b"{", b"[") or line[:5].lower() == b"data:"
    ]
    return tuple(
        fault("a field (`data:`) or a comment", line, f"offset {offset}", line)
        for offset, line in hidden[:3]
    )


@topic.exchange(
    "sse-no-chunk-size",
    Level.MUST,
    why="The stream was chunked twice: clients that are strict about fields refuse it.",
    source="RFC 9112, section 7.1",
)
def holds_no_chunk_size(seen: Observation) -> Finding:
    """No line of a decoded stream is the size of a transfer chunk."""
    reading = stream_of(seen)
    if reading is None:
        return None
    sizes = [(offset, line) for offset, line in reading.stray if _SIZE.fullmatch(line)]
    return tuple(
        fault("an event or a comment", line, f"offset {offset}", line) for offset, line in sizes[:1]
    )


@topic.exchange(
    "sse-json",
    Level.MUST,
    why="JSONDecodeError or SyntaxError in mid-stream, with the answer half shown.",
    source=CHUNK,
)
def events_hold_json(seen: Observation) -> Finding:
    """The data of each event but the last is one JSON object."""
    reading = stream_of(seen)
    if reading is None:
        return None
    wrong = [
        e
        for e in reading.events
        if e.data is not None and not isinstance(e.document, dict) and not _terminates(e.data)
    ]
    return tuple(
        fault("one JSON object", e.data, event(e.number), (e.data or "").encode("utf-8", "replace"))
        for e in wrong[:3]
    )


@topic.exchange(
    "sse-done-exact",
    Level.MUST,
    why="openai-node 7 and AI SDK compare exactly and try to parse anything else as JSON.",
    source=CHUNK,
)
def terminator_is_exact(seen: Observation) -> Finding:
    """The terminator is exactly `[DONE]`."""
    reading = stream_of(seen)
    if reading is None:
        return None
    return tuple(
        fault("`[DONE]` exactly", e.data, event(e.number), (e.data or "").encode())
        for e in reading.events
        if not isinstance(e.document, dict) and not e.done and _terminates(e.data or "")
    )


def _terminates(data: str) -> bool:
    return data.strip().strip('"').upper().rstrip(".;") == "[DONE]"


@topic.exchange(
    "sse-event-data", Level.MUST, why="openai-python and openai-node crash on the empty text."
)
def named_events_have_data(seen: Observation) -> Finding:
    """A named event carries data."""
    reading = stream_of(seen)
    if reading is None:
        return None
    return tuple(
        told("a data line", f"event: {e.name} alone", event(e.number))
        for e in reading.events
        if e.data is None and e.name is not None
    )


@topic.exchange(
    "sse-event-name", Level.MUST, why="SDKs wrap or skip events of other names: zero content."
)
def events_are_unnamed(seen: Observation) -> Finding:
    """Chunks have no event name, or `message`."""
    reading = stream_of(seen)
    if reading is None:
        return None
    return tuple(
        fault("no event name, or `message`", e.name, event(e.number))
        for e in reading.events
        if e.data is not None and e.name not in (None, "", "message", "error")
    )[:3]


@topic.exchange(
    "sse-terminated", Level.MUST, why="Decoders drop an unterminated event: usage is lost."
)
def last_event_is_terminated(seen: Observation) -> Finding:
    """The last event ends with a blank line."""
    reading = stream_of(seen)
    if reading is None:
        return None
    if not reading.unterminated:
        return ()
    rest = reading.unterminated
    return (fault("a blank line after the last event", rest, "end of body", rest),)


@topic.exchange(
    "sse-no-bom",
    Level.MUST,
    why="openai-python loses the first event, and the role with it.",
    source=CHUNK,
)
def has_no_byte_order_mark(seen: Observation) -> Finding:
    """No byte-order mark precedes the first event."""
    reading = stream_of(seen)
    if reading is None:
        return None
    if not reading.mark:
        return ()
    return (fault("`data:`", reading.body[:12], "offset 0", reading.body),)


@topic.exchange(
    "text-whole",
    Level.MUST,
    why="Python gets a string that cannot be written anywhere.",
    source="RFC 8259, section 8.2",
)
def text_has_no_lone_surrogate(seen: Observation) -> Finding:
    """No piece of text holds half a surrogate pair."""
    if not seen.good or seen.reading is None or not seen.choices:
        return None
    faults = []
    for choice in seen.choices:
        for number, piece in (*choice.content, *choice.reasoning):
            if _LONE.search(piece):
                faults.append(fault("whole characters", piece, event(number)))
    return tuple(faults[:3])
