"""The event-stream decoder against the standard's own algorithm, on any bytes cut anywhere."""

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.sse import Comment, Decoder, Event, Malformed, Unterminated

LINE_ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
LINES = st.one_of(
    st.sampled_from(
        [
            b"",
            b"data: x",
            b"data:x",
            b"data",
            b"data:  two spaces",
            b"data: a: b",
            b"event: error",
            b"id: 7",
            b"id: nul\x00",
            b"retry: 1500",
            b"retry: -1",
            b": comment",
            b":",
            b"Data: upper",
            b'{"bare": "json"}',
            b"data: \xe2\x80\xa8 line separator",
            b"data: \xff\xfe",
            b"data: \xf0\x9f\x98",
            b"\xef\xbb\xbfdata: mark",
        ]
    ),
    st.binary(max_size=12),
    st.text(max_size=12).map(str.encode),
)
BODIES = st.lists(st.tuples(LINES, LINE_ENDS), max_size=12).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    bounds = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    return [body[start:stop] for start, stop in pairwise(bounds)]


def decode(pieces: list[bytes]) -> tuple[list[Event | Comment], Unterminated | None]:
    decoder = Decoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events, decoder.finish()


def by_the_standard(body: bytes) -> list[tuple[str, str, str]]:
    """What WHATWG 9.2.6 dispatches: type, data and last event id, decoded with U+FFFD."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = re.split("\r\n|\n|\r", text)[:-1]
    dispatched, data, event, last_id = [], "", "", ""
    for line in lines:
        if not line:
            if data:
                dispatched.append((event or "message", data.removesuffix("\n"), last_id))
            data, event = "", ""
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data += value + "\n"
        elif name == "event":
            event = value
        elif name == "id" and "\0" not in value:
            last_id = value
    return dispatched


def as_a_browser(events: list[Event | Comment]) -> list[tuple[str, str, str]]:
    dispatched, last_id = [], ""
    for event in events:
        if isinstance(event, Comment):
            continue
        last_id = last_id if event.id is None else event.id
        if event.data is not None:
            data = event.data.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            kind = (event.event or "message").encode("utf-8", "surrogateescape")
            dispatched.append((kind.decode("utf-8", "replace"), data, last_id))
    return [
        (kind, data, last.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
        for kind, data, last in dispatched
    ]


@given(BODIES, st.lists(st.integers(0, 400), max_size=8))
@example(b"data: a\r\n\r\ndata: b\r\r\n", [8, 9, 10])
@example(b"\xef\xbb\xbfdata: a\n\n", [1, 2, 4])
@example(b"id: 7\rid: 7\n:\n\n", [11])
def test_events_do_not_depend_on_how_the_bytes_are_cut(body: bytes, places: list[int]) -> None:
    whole = decode([body])

    assert decode(cut(body, places)) == whole
    assert decode([body[at : at + 1] for at in range(len(body))]) == whole


@given(BODIES)
def test_events_with_data_are_those_that_the_standard_dispatches(body: bytes) -> None:
    events, _ = decode([body])

    assert as_a_browser(events) == by_the_standard(body)


@given(BODIES)
def test_every_run_of_invalid_bytes_is_reported_where_it_was(body: bytes) -> None:
    events, unterminated = decode([body])
    everything = [*events, unterminated.event] if unterminated else events
    reported = [run for event in everything for run in event.malformed]

    for run in reported:
        assert body[run.offset : run.offset + len(run.data)] == run.data
    if not reported:
        lines = re.split(b"\r\n|\n|\r", body)
        lines = lines if unterminated else lines[:-1]
        assert all(line.decode() is not None for line in lines)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_each_line_end_separates_lines_and_events(end: bytes) -> None:
    body = end.join([b"event: e", b"data: one", b"data: two", b"", b"data: three", b"", b""])

    events, rest = decode([body])

    assert events == [Event("one\ntwo", event="e"), Event("three")]
    assert rest is None


def test_a_carriage_return_ends_the_event_before_the_next_byte_is_known() -> None:
    decoder = Decoder()

    assert decoder.feed(b"data: x\r\r") == [Event("x")]
    assert decoder.feed(b"\ndata: y\r\n\r") == [Event("y")]


def test_a_field_without_colon_or_space_is_read_like_one_with_both() -> None:
    events, _ = decode([b"data\n\ndata:\n\ndata:x\n\ndata:  x\n\n"])

    assert events == [Event(""), Event(""), Event("x"), Event(" x")]


def test_an_event_without_data_is_reported_with_what_it_has() -> None:
    events, _ = decode([b"event: ping\n\nid: 3\nretry: 10\n\n\n\n"])

    assert events == [Event(None, event="ping"), Event(None, id="3", retry=10)]


def test_comments_come_in_their_place_among_the_events() -> None:
    events, _ = decode([b": one\n\ndata: x\n:two\n\n: three\n"])

    assert events == [Comment("one"), Comment("two"), Event("x"), Comment("three")]


def test_an_error_told_in_a_comment_keeps_its_text() -> None:
    events, _ = decode([b"event: error\n: backend gone\n\ndata: [DONE]\n\n"])

    assert events == [Comment("backend gone"), Event(None, event="error"), Event("[DONE]")]


def test_lines_that_no_rule_covers_are_reported_as_they_are() -> None:
    events, _ = decode([b'Data: x\n{"a": 1}\nretry: soon\nid: a\x00b\n\n'])

    assert events == [Event(None, ignored=("Data: x", '{"a": 1}', "retry: soon", "id: a\x00b"))]


def test_a_retry_of_absurd_length_is_an_ignored_line() -> None:
    line = b"retry: " + b"9" * 5000

    events, _ = decode([line + b"\n\n"])

    assert events == [Event(None, ignored=(line.decode(),))]


def test_a_line_separator_inside_data_ends_no_line() -> None:
    text = "a\u2028b\u2029c\x85d\x0be\x0cf"

    events, _ = decode([f"data: {text}\n\n".encode()])

    assert events == [Event(text)]


def test_a_byte_order_mark_is_skipped_only_at_the_start() -> None:
    decoder = Decoder()

    events = decoder.feed(b"\xef\xbb\xbfdata: x\n\n\xef\xbb\xbfdata: y\n\n")

    assert events == [Event("x"), Event(None, ignored=("\ufeffdata: y",))]
    assert decoder.byte_order_mark


def test_the_end_of_the_body_gives_up_the_event_it_cut_off() -> None:
    assert decode([b"data: x\n\ndata: y\ndata: z"]) == (
        [Event("x")],
        Unterminated(Event("y\nz")),
    )
    assert decode([b"data: x\n"])[1] == Unterminated(Event("x"))
    assert decode([b"data: x\n\n: bye"])[1] is None


def test_invalid_bytes_are_kept_and_reported_with_their_offset() -> None:
    events, _ = decode([b"data: ok\n\ndata: a\xffb\xc3\n\n"])

    assert events[1] == Event(
        "a\udcffb\udcc3", malformed=(Malformed(17, b"\xff"), Malformed(19, b"\xc3"))
    )


def test_a_character_cut_between_two_reads_is_whole() -> None:
    body = "data: 😀é\n\n".encode()

    assert decode([body[:7], body[7:9], body[9:]])[0] == [Event("😀é")]


def test_an_encoded_surrogate_is_invalid() -> None:
    events, _ = decode([b"data: \xed\xa0\xbd\n\n"])

    assert [run.data for run in events[0].malformed] == [b"\xed\xa0\xbd"]


def test_an_event_of_64_mib_in_small_reads_is_copied_a_bounded_number_of_times() -> None:
    """Joining at each of the 65,536 reads would copy 2 TiB: this test would never end."""
    piece = b"x" * 1024
    decoder = Decoder()

    decoder.feed(b"data: ")
    pending = [decoder.feed(piece) for _ in range(65_536)]
    (event,) = decoder.feed(b"\n\n")

    assert not any(pending)
    assert isinstance(event, Event)
    assert event.data == "x" * (64 << 20)


def test_an_event_of_many_lines_is_joined_once() -> None:
    lines = 50_000
    decoder = Decoder()
    for _ in range(lines):
        decoder.feed(b"data: x\n")

    (event,) = decoder.feed(b"\n")

    assert event == Event("\n".join("x" * lines))
