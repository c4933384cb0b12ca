"""The reference server: everything it says of its own timing, and that nothing stops it."""

import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

import pytest

from harness.load import reference_server
from harness.load.calibration import ServedAnswer, read_record
from harness.routes.parse import parse
from harness.wire import Chunk, Headers, Request, Response

LIFE_S = "60"
STREAM = b'{"stream": true}'


@contextmanager
def _server(seconds: str = LIFE_S) -> "Iterator[tuple[subprocess.Popen[bytes], int]]":
    """The server without any installed package, and its port."""
    command = [sys.executable, "-I", "-S", str(Path(reference_server.__file__)), seconds]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


@pytest.fixture(name="port")
def _port() -> Iterator[int]:
    with _server() as (_, port):
        yield port


def _request(body: bytes = STREAM, *, rid: int = 7, schedule: str = "1000,500,4") -> bytes:
    head = f"POST /v1/chat HTTP/1.1\r\nHost: h\r\nX-Rid: {rid}\r\nX-Schedule: {schedule}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def _read_to(sock: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        piece = sock.recv(65_536)
        assert piece, data
        data += piece
    return data


def _open(port: int, path: str, body: bytes | None = None, **headers: str) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        content: bytes = answer.read()
    return content


def _record(port: int, since: int = 0) -> dict[int, ServedAnswer]:
    return read_record(_open(port, f"/record?since={since}"))


def test_a_plain_request_is_answered_with_a_completion(port: int) -> None:
    body = _open(port, "/any/path", b'{"messages": []}', **{"x-rid": "3"})

    headers = Headers((("content-type", "application/json"),))
    answer = parse("native", Request("POST", "/", body=b"{}"), _whole(headers, body))
    assert (answer.outcome, answer.finish_reason) == ("ok", "stop")
    assert len(_record(port)[3].sent_ns) == 1


def test_a_stream_has_the_chunks_that_were_asked_for(port: int) -> None:
    body = _open(port, "/", STREAM, **{"x-rid": "3", "x-schedule": "1000,500,9"})

    headers = Headers((("content-type", "text/event-stream"),))
    answer = parse("native", Request("POST", "/", body=STREAM), _whole(headers, body))
    assert (answer.outcome, answer.done, answer.finish_reason) == ("ok", True, "stop")
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 9
    assert answer.text == " word" * 9
    assert len(_record(port)[3].sent_ns) == 9


def test_no_chunk_is_sent_before_it_is_due(port: int) -> None:
    with _connect(port) as sock:
        sock.sendall(_request(schedule="2000,700,6"))
        _read_to(sock, b"0\r\n\r\n")

    served = _record(port)[7]
    offsets = [sent_ns - served.received_ns for sent_ns in served.sent_ns]
    assert offsets == sorted(offsets)
    assert all(offset >= 2_000_000 + at * 700_000 for at, offset in enumerate(offsets))


@pytest.mark.parametrize("size", [1, 7, 64])
def test_an_answer_does_not_depend_on_how_the_request_is_cut(port: int, size: int) -> None:
    request = _request()
    with _connect(port) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(request), size):
            sock.sendall(request[start : start + size])
        cut = _read_to(sock, b"0\r\n\r\n")
        sock.sendall(request)
        whole = _read_to(sock, b"0\r\n\r\n")

    assert cut == whole


def test_requests_sent_ahead_are_answered_in_their_order(port: int) -> None:
    with _connect(port) as sock:
        sock.sendall(_request(rid=1) + _request(rid=2) + _request(rid=3))
        answers = b""
        while answers.count(b"0\r\n\r\n") < 3:
            answers += sock.recv(65_536)

    record = _record(port)
    assert list(record) == [1, 2, 3]
    assert record[1].sent_ns[-1] <= record[2].sent_ns[0]


def test_many_streams_at_once_are_all_served_and_recorded(port: int) -> None:
    sockets = [_connect(port) for _ in range(300)]
    for rid, sock in enumerate(sockets):
        sock.sendall(_request(rid=rid, schedule="50000,2000,10"))
    for sock in sockets:
        _read_to(sock, b"0\r\n\r\n")
        sock.close()

    record = _record(port)
    assert sorted(record) == list(range(300))
    assert {len(served.sent_ns) for served in record.values()} == {10}


def test_a_client_that_leaves_is_recorded_with_what_it_was_sent(port: int) -> None:
    with _connect(port) as sock:
        sock.sendall(_request(rid=1, schedule="0,20000,1000"))
        sock.recv(100)
    with _connect(port) as half:
        half.sendall(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nfour")
    with _connect(port) as other:
        other.sendall(_request(rid=2))
        _read_to(other, b"0\r\n\r\n")

    record = _record(port)
    assert 1 <= len(record[1].sent_ns) < 1000
    assert len(record[2].sent_ns) == 4


def test_a_record_may_leave_out_the_first_requests(port: int) -> None:
    with _connect(port) as sock:
        for rid in (5, 6):
            sock.sendall(_request(rid=rid))
            _read_to(sock, b"0\r\n\r\n")

    assert list(_record(port)) == [5, 6]
    assert list(_record(port, since=1)) == [6]


@pytest.mark.parametrize(
    "request_bytes",
    [
        _request(schedule="1,2"),
        _request(schedule="-1,0,1"),
        _request(schedule="0,0,0"),
        _request(schedule="0,0,1000000000"),
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nX: " + b"x" * 70_000,
    ],
)
def test_what_it_does_not_understand_is_refused_and_harms_nobody(
    port: int, request_bytes: bytes
) -> None:
    with _connect(port) as sock:
        sock.sendall(request_bytes)
        assert sock.recv(12) == b"HTTP/1.1 400"

    assert _record(port) == {}


def test_only_the_record_can_be_had_by_get(port: int) -> None:
    with pytest.raises(HTTPError, match="404"):
        _open(port, "/")


def test_it_ends_when_its_input_is_closed() -> None:
    with _server() as (process, _):
        assert process.stdin is not None
        process.stdin.close()

        assert process.wait(10) == 0


def test_it_ends_after_its_time() -> None:
    with _server("0.05") as (process, _):
        assert process.wait(10) == 0


def _whole(headers: Headers, body: bytes) -> Response:
    return Response(200, headers, (Chunk(body),))
