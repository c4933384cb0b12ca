"""What the gateway's answer is made of, whatever the cuts; and what a request looks like."""

import gzip
import tracemalloc
import zlib
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import Layer, TransportError, TransportKind, UsageError
from harness.transports.gevent.incoming import MAX_BODY_BYTES, Held, ResponseParser
from harness.transports.gevent.outgoing import connect_request, origin_of, serialize
from harness.wire import Chunk, End, Headers, Request

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
SAMPLE = (
    CHUNKED + b"X: y\r\n\r\n" + b"5\r\nhello\r\n" + b"7;a=b\r\n, world\r\n" + b"0\r\nT: v\r\n\r\n"
)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """`data` cut at the given places."""
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[a:b] for a, b in pairwise(places) if a < b]


@given(st.lists(st.integers(min_value=0), max_size=12))
def test_an_answer_does_not_depend_on_how_its_bytes_are_cut(cuts: list[int]) -> None:
    incoming = ResponseParser(sent_ns=0)

    for index, piece in enumerate(pieces(SAMPLE, cuts)):
        incoming.feed(piece, index)

    response = incoming.response(End.COMPLETE)
    assert incoming.reusable
    assert response is not None
    assert response.body == b"hello, world"
    assert response.headers == Headers([("Transfer-Encoding", "chunked"), ("X", "y")])


@given(st.binary(max_size=400), st.lists(st.integers(min_value=0), max_size=6))
def test_a_compressed_body_is_decoded_as_it_comes(body: bytes, cuts: list[int]) -> None:
    data = gzip.compress(body)
    incoming = ResponseParser(sent_ns=0)
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(data)}\r\n\r\n"

    incoming.feed(head.encode(), 0)
    for piece in pieces(data, cuts):
        incoming.feed(piece, 0)

    response = incoming.response(End.COMPLETE)
    assert response is not None
    assert response.body == body


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_fail_in_another_way(data: bytes) -> None:
    incoming = ResponseParser(sent_ns=0)

    with suppress(TransportError):
        incoming.feed(data, 0)


def test_a_body_that_is_not_the_announced_gzip_is_a_protocol_error() -> None:
    incoming = ResponseParser(sent_ns=0)

    with pytest.raises(TransportError, match="broken content coding"):
        incoming.feed(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nplain", 0)


def test_deflate_is_decoded_too() -> None:
    incoming = ResponseParser(sent_ns=0)

    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: deflate\r\n\r\n"
    incoming.feed(head + zlib.compress(b"text"), 0)
    incoming.end_of_stream()

    response = incoming.response(End.COMPLETE)
    assert response is not None
    assert response.body == b"text"


def test_a_body_without_an_end_in_sight_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.transports.gevent.incoming.MAX_BODY_BYTES", 1000)
    incoming = ResponseParser(sent_ns=0)
    incoming.feed(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n", 0)

    with pytest.raises(TransportError, match="longer than 1000 bytes"):
        incoming.feed(gzip.compress(b"0" * 1_000_000), 0)


def test_times_count_from_the_sending_and_never_go_back() -> None:
    incoming = ResponseParser(sent_ns=100)

    incoming.feed(CHUNKED + b"\r\n", 150)
    incoming.feed(b"1\r\na\r\n", 140)
    incoming.feed(b"1\r\nb\r\n", 170)

    response = incoming.response(End.CUT, ended_ns=200)
    assert response is not None
    assert response.head_at_ns == 50
    assert response.chunks == (Chunk(b"a", 50), Chunk(b"b", 70))
    assert response.end_at_ns == 100


def test_a_field_that_would_start_a_new_line_is_refused() -> None:
    request = Request("POST", "http://h/", Headers([("x", "a\r\ny: b")]))

    with pytest.raises(UsageError, match="line break"):
        serialize(request, origin_of(request.url))


def test_a_field_beyond_latin_1_is_refused() -> None:
    request = Request("POST", "http://h/", Headers([("x", "日本")]))

    with pytest.raises(UsageError, match="Latin-1"):
        serialize(request, origin_of(request.url))


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://h/", "h"),
        ("http://h:80/", "h"),
        ("https://h:443/", "h"),
        ("https://h:80/", "h:80"),
        ("http://[::1]:81/", "[::1]:81"),
    ],
)
def test_host_names_the_port_unless_it_is_the_default(url: str, authority: str) -> None:
    assert origin_of(url).authority == authority


def test_a_tunnel_is_asked_for_with_host_and_port() -> None:
    request = connect_request(origin_of("https://h/"), None)

    assert request == b"CONNECT h:443 HTTP/1.1\r\nhost: h:443\r\n\r\n"


def take_all(reads: list[bytes]) -> None:
    """Read an answer that the close ends."""
    incoming = ResponseParser(sent_ns=0)
    for data in reads:
        incoming.feed(data, 0)
    incoming.end_of_stream()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("framing", [b"content-length: %d\r\n", b""])
def test_a_compressed_body_that_is_cut_is_an_error(coding: str, framing: bytes) -> None:
    data = gzip.compress(b"x" * 500) if coding == "gzip" else zlib.compress(b"x" * 500)
    half = data[: len(data) // 2]
    fields = b"content-encoding: " + coding.encode() + b"\r\n"
    fields += framing % len(half) if framing else b""

    with pytest.raises(TransportError, match="ended before its content coding did"):
        take_all([b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n", half])


def test_a_coding_that_cannot_be_undone_is_named() -> None:
    with pytest.raises(TransportError, match="content coding 'br' cannot be undone"):
        ResponseParser(sent_ns=0).feed(b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\nx", 0)


@pytest.mark.parametrize(
    "piece", [b"x: " + b"y" * 4000 + b"\r\n", b"y" * 4000, b"HTTP/1.1 103 Early Hints\r\n\r\n"]
)
def test_a_head_has_a_largest_size(piece: bytes) -> None:
    start = b"" if piece.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\nz: "

    with pytest.raises(TransportError, match="expected a head of at most"):
        take_all([start, *[piece] * 4000])


def test_what_unfinished_answers_hold_together_has_a_bound_that_is_the_clients_own() -> None:
    held = Held(most=1_000)
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n"
    first, second = (ResponseParser(sent_ns=0, held=held) for _ in range(2))
    first.feed(head + b"x" * 900, 0)
    second.feed(head + b"x" * 50, 0)

    with pytest.raises(TransportError) as caught:
        second.feed(b"x" * 100, 0)
    first.release()
    second.release()

    assert caught.value.kind is TransportKind.CLIENT_LIMIT
    assert caught.value.layer is Layer.CLIENT
    assert held.bytes == 0


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(bytes(100_000_000))
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb)
    tracemalloc.start()

    with pytest.raises(TransportError, match="the body is longer than"):
        ResponseParser(sent_ns=0).feed(head + bomb, 0)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * MAX_BODY_BYTES
