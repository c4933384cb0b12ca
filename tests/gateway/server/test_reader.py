"""Bytes into requests: framing of the request, limits, and what is refused."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.server.reader import BadRequest, ParserPause, ReceivedRequest, RequestReader

POST = (
    b"POST /v1/acc/gw/baseten/model/x?y=1 HTTP/1.1\r\nHost: gw\r\n"
    b"X-Case: A\r\nContent-Length: 4\r\n\r\n{\xff}\n"
)
CHUNKED = (
    b"POST /a HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n"
)


def new_reader() -> RequestReader:
    return RequestReader(head_bytes=500, body_bytes=20)


def read_all(*parts: bytes) -> list[ReceivedRequest | BadRequest]:
    reader, found = new_reader(), []
    for part in parts:
        reader.feed(part)
        while (incoming := reader.next()) is not None:
            if isinstance(incoming, ParserPause):
                continue
            found.append(incoming)
            if isinstance(incoming, BadRequest):
                return found
    return found


def only(found: list[ReceivedRequest | BadRequest]) -> ReceivedRequest:
    (incoming,) = found
    assert isinstance(incoming, ReceivedRequest)
    return incoming


def test_a_request_arrives_as_it_was_sent() -> None:
    incoming = only(read_all(POST))

    assert incoming.request.method == "POST"
    assert incoming.request.url == "/v1/acc/gw/baseten/model/x?y=1"
    assert incoming.request.body == b"{\xff}\n"
    assert ("X-Case", "A") in incoming.request.headers.fields
    assert incoming.keep_alive


def test_a_chunked_body_is_joined() -> None:
    assert only(read_all(CHUNKED)).request.body == b"abcde"


@given(st.lists(st.integers(0, len(POST + CHUNKED)), max_size=8).map(sorted))
def test_requests_do_not_depend_on_how_their_bytes_are_cut(cuts: list[int]) -> None:
    whole = POST + CHUNKED
    edges = [0, *cuts, len(whole)]

    parts = [whole[a:b] for a, b in pairwise(edges) if a != b]

    assert read_all(*parts) == read_all(whole)


def test_pipelined_requests_come_out_one_by_one() -> None:
    first, second = read_all(POST + CHUNKED)

    assert isinstance(first, ReceivedRequest)
    assert isinstance(second, ReceivedRequest)
    assert (first.request.path, second.request.path) == ("/v1/acc/gw/baseten/model/x", "/a")


@pytest.mark.parametrize(
    ("bytes_sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03garbage\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: nine\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 600, 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 21\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n" + b"x" * 21,
            413,
        ),
    ],
)
def test_what_is_no_request_is_refused_with_its_status(bytes_sent: bytes, status: int) -> None:
    (refusal,) = read_all(bytes_sent)

    assert isinstance(refusal, BadRequest)
    assert refusal.status == status


def test_a_request_that_breaks_off_is_refused() -> None:
    reader = new_reader()
    reader.feed(POST[:-1])
    assert reader.next() is None

    reader.feed(b"")

    assert isinstance(reader.next(), BadRequest)


def test_a_client_that_leaves_between_requests_is_not_refused() -> None:
    reader = new_reader()
    reader.feed(POST)
    reader.feed(b"")

    assert isinstance(reader.next(), ReceivedRequest)
    assert reader.next() is None


def test_a_wish_to_continue_is_told_once() -> None:
    reader = new_reader()
    reader.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
    assert reader.next() is None

    assert [reader.wants_continue(), reader.wants_continue()] == [True, False]


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: Keep-Alive, Close\r\n", False),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: keep-alive\r\n", True),
    ],
)
def test_persistence_follows_version_and_connection_field(
    version: bytes, connection: bytes, *, kept: bool
) -> None:
    incoming = only(read_all(b"GET / HTTP/" + version + b"\r\nHost: a\r\n" + connection + b"\r\n"))

    assert incoming.keep_alive is kept


@pytest.mark.parametrize(
    ("target", "url"),
    [
        (b"http://gw.example/a?b=c", "/a?b=c"),
        (b"http://gw.example", "/"),
        (b"*", "*"),
        (b"//two/slashes?x", "//two/slashes?x"),
    ],
)
def test_a_target_of_any_form_becomes_path_and_query(target: bytes, url: str) -> None:
    sent = b"OPTIONS " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n"

    assert only(read_all(sent)).request.url == url


def test_a_body_in_many_pieces_is_parsed_a_part_at_a_time() -> None:
    reader = RequestReader(head_bytes=500, body_bytes=10_000)
    head = b"POST / HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n"
    reader.feed(head + b"1\r\nx\r\n" * 2_000 + b"0\r\n\r\n")

    pauses = 0
    while isinstance(found := reader.next(), ParserPause):
        pauses += 1

    assert pauses == 4
    assert isinstance(found, ReceivedRequest)
    assert found.request.body == b"x" * 2_000


def test_a_request_with_two_framings_ends_its_connection() -> None:
    smuggled = CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n", 1)

    assert not only(read_all(smuggled)).keep_alive
    assert only(read_all(CHUNKED)).keep_alive
