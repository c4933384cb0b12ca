"""How an answer becomes bytes: framing rules and what a client makes of them."""

import http.client
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.framing import Framed, frame, pieces, received
from harness.wire import Chunk, End, Headers, Response

PLAIN = Response(200, Headers([("content-type", "application/json")]), (Chunk(b"{}"),))
STREAM = Response(
    200,
    Headers([("content-type", "text/event-stream")]),
    (Chunk(b"data: 1\n\n", 5), Chunk(b"data: 2\n\n", 7)),
    head_at_ns=3,
    end_at_ns=9,
)


def on_the_wire(framed: Framed) -> bytes:
    return b"".join(data for _, data in pieces(framed))


def fields(framed: Framed) -> dict[bytes, bytes]:
    return dict(framed.fields)


def test_a_whole_plain_answer_gets_a_content_length() -> None:
    framed = frame(PLAIN)

    assert fields(framed)[b"content-length"] == b"2"
    assert on_the_wire(framed).endswith(b"\r\n\r\n{}")
    assert framed.keep_alive


def test_a_stream_is_chunked_and_every_piece_has_its_time() -> None:
    framed = frame(STREAM)

    assert [at for at, _ in pieces(framed)] == [3, 5, 7, 9]
    assert on_the_wire(framed).endswith(b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n")


def test_an_answer_that_is_cut_has_no_last_chunk_and_ends_the_connection() -> None:
    cut = Response(200, STREAM.headers, STREAM.chunks, end=End.CUT)

    framed = frame(cut)

    assert not on_the_wire(framed).endswith(b"0\r\n\r\n")
    assert not framed.keep_alive


def test_an_http_1_0_client_gets_no_chunks_and_reads_to_the_end() -> None:
    framed = frame(STREAM, version="1.0", keep_alive=False)

    assert b"transfer-encoding" not in fields(framed)
    assert on_the_wire(framed).endswith(b"\r\n\r\n" + STREAM.body)
    assert not framed.keep_alive


def test_a_head_answer_has_the_fields_and_no_body() -> None:
    framed = frame(PLAIN, method="HEAD")

    assert fields(framed)[b"content-length"] == b"2"
    assert on_the_wire(framed).endswith(b"content-length: 2\r\n\r\n")
    assert framed.keep_alive


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_declares_none(status: int) -> None:
    framed = frame(Response(status))

    assert not framed.fields
    assert received(framed).end is End.COMPLETE


def test_an_empty_chunk_never_looks_like_the_last_one() -> None:
    framed = frame(Response(200, STREAM.headers, (Chunk(b""), Chunk(b"a"))))

    assert on_the_wire(framed).endswith(b"\r\n\r\n1\r\na\r\n0\r\n\r\n")


def test_a_length_that_is_too_long_is_sent_as_it_is_and_received_as_a_cut() -> None:
    lie = Response(200, Headers([("content-length", "10")]), (Chunk(b"12345"),))

    framed = frame(lie)

    assert b"content-length: 10\r\n" in on_the_wire(framed)
    assert not framed.keep_alive
    assert received(framed).end is End.CUT


def test_bytes_beyond_a_declared_length_are_sent_but_not_received() -> None:
    lie = Response(200, Headers([("content-length", "3")]), (Chunk(b"12345"),))

    framed = frame(lie)

    assert on_the_wire(framed).endswith(b"12345")
    assert [chunk.data for chunk in received(framed).chunks] == [b"123"]
    assert not framed.keep_alive


def test_a_close_that_the_answer_declares_ends_the_connection() -> None:
    framed = frame(Response(200, Headers([("connection", "close")]), (Chunk(b"x"),)))

    assert not framed.keep_alive
    assert framed.fields.count((b"connection", b"close")) == 1


@given(
    parts=st.lists(st.binary(max_size=40), max_size=6),
    media_type=st.sampled_from(["application/json", "text/event-stream", "text/plain"]),
    version=st.sampled_from(["1.0", "1.1"]),
)
def test_any_whole_answer_is_read_back_by_the_standard_library(
    parts: list[bytes], media_type: str, version: str
) -> None:
    response = Response(
        200, Headers([("content-type", media_type)]), tuple(Chunk(part) for part in parts)
    )

    wire = on_the_wire(frame(response, version=version, keep_alive=False))

    assert parsed(wire) == (200, response.body)


def parsed(wire: bytes) -> tuple[int, bytes]:
    server, client = socket.socketpair()
    with client, http.client.HTTPResponse(client) as response:
        with server:
            server.sendall(wire)
        response.begin()
        return response.status, response.read()


def test_an_answer_that_insists_keeps_its_connection_although_its_length_lies() -> None:
    fields = Headers([("content-length", "1"), ("connection", "keep-alive")])

    framed = frame(Response(400, fields, (Chunk(b"{}"),)))

    assert framed.keep_alive
    assert on_the_wire(framed).endswith(b"\r\n\r\n{}")
