"""Clauses on an event stream as text."""

from harness.contract.checks import framing
from harness.contract.clause import Clause, Evidence, Level
from harness.contract.clauses.sources import CHAT, CHUNK, SSE

CLAUSES = (
    Clause(
        id="sse-nothing-hidden",
        level=Level.MUST,
        routes=CHAT,
        statement="No line holds JSON where a decoder ignores it.",
        rationale=(
            "`Data:`, or JSON lines without `data:`, give zero content without an exception."
        ),
        source=SSE,
        evidence=Evidence.SPECIFIED,
        check=framing.hides_no_line,
    ),
    Clause(
        id="sse-no-chunk-size",
        level=Level.MUST,
        routes=CHAT,
        statement="No line of a decoded stream is the size of a transfer chunk.",
        rationale="The stream was chunked twice: clients that are strict about fields refuse it.",
        source="RFC 9112, section 7.1",
        evidence=Evidence.SPECIFIED,
        check=framing.holds_no_chunk_size,
    ),
    Clause(
        id="sse-json",
        level=Level.MUST,
        routes=CHAT,
        statement="The data of each event but the last is one JSON object.",
        rationale="JSONDecodeError or SyntaxError in mid-stream, with the answer half shown.",
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=framing.events_hold_json,
    ),
    Clause(
        id="sse-done-exact",
        level=Level.MUST,
        routes=CHAT,
        statement="The terminator is exactly `[DONE]`.",
        rationale=(
            "openai-node 7 and AI SDK compare exactly and try to parse anything else as JSON."
        ),
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=framing.terminator_is_exact,
    ),
    Clause(
        id="sse-event-data",
        level=Level.MUST,
        routes=CHAT,
        statement="A named event carries data.",
        rationale="openai-python and openai-node crash on the empty text.",
        source=SSE,
        evidence=Evidence.SPECIFIED,
        check=framing.named_events_have_data,
    ),
    Clause(
        id="sse-event-name",
        level=Level.MUST,
        routes=CHAT,
        statement="Chunks have no event name, or `message`.",
        rationale="SDKs wrap or skip events of other names: zero content.",
        source=SSE,
        evidence=Evidence.SPECIFIED,
        check=framing.events_are_unnamed,
    ),
    Clause(
        id="sse-terminated",
        level=Level.MUST,
        routes=CHAT,
        statement="The last event ends with a blank line.",
        rationale="Decoders drop an unterminated event: usage is lost.",
        source=SSE,
        evidence=Evidence.SPECIFIED,
        check=framing.last_event_is_terminated,
    ),
    Clause(
        id="sse-no-bom",
        level=Level.MUST,
        routes=CHAT,
        statement="No byte-order mark precedes the first event.",
        rationale="openai-python loses the first event, and the role with it.",
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=framing.has_no_byte_order_mark,
    ),
    Clause(
        id="text-whole",
        level=Level.MUST,
        routes=CHAT,
        statement="No piece of text holds half a surrogate pair.",
        rationale="Python gets a string that cannot be written anywhere.",
        source="RFC 8259, section 8.2",
        evidence=Evidence.SPECIFIED,
        check=framing.text_has_no_lone_surrogate,
    ),
)
