"""The contract's own reading of bytes, checked against the client's incremental decoder."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.contract.answer.choices import choices, tokens
from harness.contract.answer.reading import ABSENT, malformed_utf8, parse_json, read
from harness.sse import Decoder, Event
from harness.wire import Chunk, Headers, Response
from tests.contract.answers import chunk, good_chunks, plain, sse


def response(
    body: bytes, *, media: str = "text/event-stream", cuts: tuple[int, ...] = ()
) -> Response:
    edges = sorted({0, len(body), *(min(cut, len(body)) for cut in cuts)})
    parts = [body[a:b] for a, b in pairwise(edges)]
    chunks = tuple(Chunk(part, at_ns) for at_ns, part in enumerate(parts, 1) if part)
    return Response(200, Headers((("content-type", media),)), chunks)


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=12)
_FIELD = st.one_of(
    _TEXT.map(lambda text: f"data: {text}"),
    _TEXT.map(lambda text: f":{text}"),
    st.sampled_from(["data", "event: message", "id: 1", "retry: 5", "data:x"]),
)
_EVENT = st.lists(_FIELD, min_size=1, max_size=4)


@given(st.lists(_EVENT, max_size=5), st.sampled_from(["\n", "\r", "\r\n"]))
def test_both_readings_of_a_stream_find_the_same_data(
    events: list[list[str]], end_of_line: str
) -> None:
    text = "".join(end_of_line.join(lines) + end_of_line * 2 for lines in events)
    body = text.encode()

    decoder = Decoder()
    items = [*decoder.feed(body)]
    decoder.finish()

    decoded = [item.data for item in items if isinstance(item, Event) and item.data is not None]
    mine = [event.data for event in read(response(body)).events if event.data is not None]
    assert mine == decoded


@given(st.lists(st.integers(0, 400), max_size=6).map(tuple))
def test_events_do_not_depend_on_how_the_bytes_are_cut(cuts: tuple[int, ...]) -> None:
    body = sse(good_chunks())

    whole, parts = read(response(body)), read(response(body, cuts=cuts))

    assert [e.data for e in whole.events] == [e.data for e in parts.events]


def test_an_event_arrives_with_the_chunk_that_completes_it() -> None:
    body = sse(good_chunks()[:2], done=False)
    first = body.index(b"\n\n") + 2

    reading = read(response(body, cuts=(first - 1, first + 5)))

    assert [event.at_ns for event in reading.events] == [2, 3]


def test_lines_that_a_decoder_ignores_are_kept() -> None:
    reading = read(response(b'data: {}\n\nData: x\n{"a": 1}\n\ndata: rest'))

    assert [line for _, line in reading.stray] == [b"Data: x", b'{"a": 1}']
    assert reading.unterminated == b"data: rest"
    assert len(reading.events) == 1


def test_a_mark_and_comments_are_noticed() -> None:
    reading = read(response(b"\xef\xbb\xbf: hello\n\ndata: 1\n\n"))

    assert reading.mark
    assert reading.comments == 1
    assert [event.document for event in reading.events] == [1]


@given(st.binary(max_size=40))
def test_malformed_bytes_are_found_exactly_where_they_are(body: bytes) -> None:
    found = malformed_utf8(body)

    assert bool(found) == (body.decode("utf-8", "replace") != body.decode("utf-8", "ignore"))
    assert all(body[offset : offset + len(data)] == data for offset, data in found)


@given(st.binary(max_size=200), st.sampled_from(["text/event-stream", "application/json", ""]))
def test_any_bytes_can_be_read(body: bytes, media: str) -> None:
    reading = read(response(body, media=media))

    assert reading.body == body


def test_what_json_does_not_allow_is_no_document() -> None:
    assert parse_json('{"a": NaN}')[0] is ABSENT
    assert parse_json("[" * 100_000)[0] is ABSENT
    assert parse_json("null") == (None, None)


def test_pieces_of_a_stream_are_put_together_per_choice() -> None:
    one = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x'}}
    two = {"index": 0, "function": {"arguments": '":1}'}}
    made = [*good_chunks(), chunk({"tool_calls": [one]}), chunk({"tool_calls": [two]})]

    (choice,) = choices(read(response(sse(made))))

    assert choice.text == "Hello wörld 😀"
    assert choice.finish == "stop"
    assert [(call.name, call.arguments) for call in choice.calls] == [("f", '{"x":1}')]


def test_token_counts_take_the_largest_report_and_never_add() -> None:
    usages = [
        {"prompt_tokens": 9, "completion_tokens": n, "total_tokens": 9 + n} for n in (1, 2, 4)
    ]
    made = [chunk({"content": "a"}, usage=usage) for usage in usages]

    assert tokens(read(response(sse(made))), "completion_tokens") == 4
    body = json.dumps(plain()).encode()
    assert tokens(read(response(body, media="application/json")), "completion_tokens") == 4
