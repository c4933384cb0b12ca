"""The socket face with clients that misbehave: none of them stops it."""

import http.client
import json
import resource
import select
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from harness.gateway.server import LocalGateway
from harness.gateway.server.connection import ConnectionLimits
from harness.wire import Chunk, Headers, Request, Response

SSE = Headers([("content-type", "text/event-stream")])
BIG = tuple(Chunk(b"x" * 1_000_000) for _ in range(30))
DRIP = tuple(Chunk(b"data: %d\n\n" % number, number * 2_000_000) for number in range(5000))
SHORT = tuple(Chunk(b"data: %d\n\n" % number, number * 1_000_000) for number in range(10))
STREAMS = {"/big": BIG, "/drip": DRIP, "/short": SHORT}


class Streams:
    def handle(self, request: Request, at_ns: int) -> Response:
        del at_ns
        chunks = STREAMS.get(request.path, (Chunk(b"ok"),))
        return Response(200, SSE, chunks, end_at_ns=chunks[-1].at_ns)


@pytest.fixture
def local() -> Iterator[LocalGateway]:
    with LocalGateway(Streams()) as running:
        yield running


def connect(local: LocalGateway) -> socket.socket:
    url = urlsplit(local.url)
    return socket.create_connection((url.hostname, url.port), timeout=10)


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: gw\r\n\r\n".encode()


def read_to_end(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def page(local: LocalGateway, path: str) -> bytes:
    url = urlsplit(local.url)
    with closing(http.client.HTTPConnection(str(url.hostname), url.port, timeout=10)) as client:
        client.request("GET", path)
        return client.getresponse().read()


def log_of(local: LocalGateway) -> list[dict[str, object]]:
    return [json.loads(line) for line in page(local, "/__harness/log").splitlines()]


def wait_for(condition: Callable[[], bool]) -> None:
    """Poll until the server has got so far; the deadline only ends a test that failed."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "the server did not get there"
        time.sleep(0.005)


def answers(local: LocalGateway) -> bool:
    return page(local, "/still-there").startswith(b"ok")


@pytest.mark.parametrize(
    ("garbage", "status"),
    [
        (b"\x16\x03\x01\x00\xa5 this is no HTTP\r\n\r\n", b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"505"),
        (b"GET / HTTP/1.1\r\nHost: gw\r\nX: " + b"y" * 70_000, b"431"),
        (b"POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 999999999999\r\n\r\n", b"413"),
    ],
)
def test_what_is_no_request_is_refused_by_the_server_itself(
    local: LocalGateway, garbage: bytes, status: bytes
) -> None:
    with connect(local) as connection:
        connection.sendall(garbage)

        answer = read_to_end(connection)

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nx-gateway-harness: server\r\n" in answer
    assert b"\r\nconnection: close\r\n" in answer
    assert log_of(local) == []
    assert json.loads(page(local, "/__harness/health"))["refused"] == 1


def test_a_refusal_arrives_although_the_client_goes_on_sending(local: LocalGateway) -> None:
    with connect(local) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 999999999\r\n\r\n")
        connection.sendall(b"x" * 5_000_000)

        assert read_to_end(connection).startswith(b"HTTP/1.1 413")


def test_a_half_closed_client_still_gets_its_whole_stream(local: LocalGateway) -> None:
    with connect(local) as connection:
        connection.sendall(get("/short"))
        connection.shutdown(socket.SHUT_WR)

        assert read_to_end(connection).endswith(b"data: 9\n\n\r\n0\r\n\r\n")


def test_a_half_closed_client_gets_all_its_pipelined_answers(local: LocalGateway) -> None:
    with connect(local) as connection:
        connection.sendall(get("/short") + get("/plain") + get("/short"))
        connection.shutdown(socket.SHUT_WR)

        assert read_to_end(connection).count(b"HTTP/1.1 200 OK") == 3


def test_a_half_close_between_two_answers_loses_none(local: LocalGateway) -> None:
    for _ in range(20):
        with connect(local) as connection:
            connection.sendall(get("/plain") * 20)
            connection.shutdown(socket.SHUT_WR)

            assert read_to_end(connection).count(b"HTTP/1.1 200 OK") == 20


def test_a_client_that_leaves_inside_its_request_is_refused(local: LocalGateway) -> None:
    with connect(local) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\n\r\n12345")
        connection.shutdown(socket.SHUT_WR)

        assert read_to_end(connection).startswith(b"HTTP/1.1 400")
    assert answers(local)


def test_a_client_that_leaves_stops_its_answer_and_the_log_says_so(local: LocalGateway) -> None:
    with connect(local) as connection:
        connection.sendall(get("/drip"))
        connection.recv(100)

    wait_for(lambda: log_of(local)[0]["end"] is not None)

    (line,) = log_of(local)
    assert line["end"] == "disconnected"
    assert 0 < int(str(line["sent_bytes"])) < sum(len(chunk.data) for chunk in DRIP)


def test_a_slow_reader_is_waited_for_with_a_bounded_buffer(local: LocalGateway) -> None:
    with connect(local) as connection:
        connection.sendall(get("/big"))
        wait_for(lambda: log_of(local) != [])
        assert answers(local)
        assert log_of(local)[0]["end"] is None

        received = 0
        while received < sum(len(chunk.data) for chunk in BIG):
            received += len(connection.recv(1_000_000))

    assert log_of(local)[0]["end"] == "complete"


def test_a_reader_that_never_reads_is_given_up() -> None:
    limits = ConnectionLimits(write_s=0.02, sweep_s=0.005)
    with LocalGateway(Streams(), limits=limits) as local, connect(local) as connection:
        connection.sendall(get("/big"))

        wait_for(lambda: bool(log_of(local)) and log_of(local)[0]["end"] == "disconnected")


def test_a_thousand_idle_connections_do_not_stop_it(local: LocalGateway) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with ExitStack() as stack:
            for number in range(1000):
                connection = stack.enter_context(connect(local))
                connection.sendall(b"POST / HT"[: number % 9])

            assert answers(local)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


CHUNKED = b"POST /%s HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_body_of_tiny_chunks_stalls_nobody_else(local: LocalGateway) -> None:
    pieces = b"1\r\nx\r\n" * 150_000
    with connect(local) as connection:
        connection.sendall(CHUNKED % b"many" + pieces + b"0\r\n\r\n")

        answered = 0
        while not select.select([connection], [], [], 0)[0]:
            assert answers(local)
            answered += 1

        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")
    assert answered > 10


def test_unfinished_bodies_are_bounded_in_sum() -> None:
    limits = ConnectionLimits(held_bytes=3_000_000)
    with LocalGateway(Streams(), limits=limits) as local, ExitStack() as stack:
        half = b"POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 1_500_000
        first = stack.enter_context(connect(local))
        first.sendall(half)
        wait_for(lambda: local.server.held_bytes > 1_400_000)
        second = stack.enter_context(connect(local))
        second.sendall(half)

        refusal = read_to_end(second)
        first.sendall(b"x" * 500_000)

        assert refusal.startswith(b"HTTP/1.1 503")
        assert b"unfinished requests hold 3000000 bytes" in refusal
        assert first.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        wait_for(lambda: local.server.held_bytes == 0)


def test_a_request_that_may_be_smuggled_ends_its_connection(local: LocalGateway) -> None:
    two = (CHUNKED % b"one").replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n")
    with connect(local) as connection:
        connection.sendall(two + b"0\r\n\r\n" + get("/smuggled"))

        answer = read_to_end(connection)

    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert [line["path"] for line in log_of(local)] == ["/one"]


def test_too_many_connections_are_said_once_and_the_others_wait(tmp_path: Path) -> None:
    script = tmp_path / "serve.py"
    script.write_text(
        "import asyncio, resource\n"
        "from harness.gateway.config import Config\n"
        "from harness.gateway.model import Gateway\n"
        "from harness.gateway.server import serve\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))\n"
        "say = lambda url: print(url, flush=True)\n"
        "asyncio.run(serve(Gateway(Config()), on_listening=say))\n"
    )
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = urlsplit(process.stdout.readline().strip())
    address = (str(url.hostname), int(url.port or 0))
    with ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(socket.create_connection(address, timeout=10))
    with closing(http.client.HTTPConnection(*address, timeout=10)) as client:
        client.request("GET", "/__harness/health")
        assert client.getresponse().status == 200
    process.terminate()

    said = process.communicate(timeout=10)[1]

    assert said == (
        "the stand-in has as many connections as it may open (ulimit -n 32); "
        "others wait until one ends\n"
    )


def test_an_idle_connection_is_closed_after_its_time() -> None:
    limits = ConnectionLimits(idle_s=0.02, sweep_s=0.005)
    with LocalGateway(Streams(), limits=limits) as local, connect(local) as connection:
        assert connection.recv(1) == b""


def test_a_request_that_takes_too_long_is_told_so() -> None:
    limits = ConnectionLimits(request_s=0.02, sweep_s=0.005)
    with LocalGateway(Streams(), limits=limits) as local, connect(local) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHos")

        assert read_to_end(connection).startswith(b"HTTP/1.1 408")


def test_an_upload_byte_by_byte_does_not_move_its_deadline() -> None:
    limits = ConnectionLimits(request_s=0.03, sweep_s=0.005)
    with LocalGateway(Streams(), limits=limits) as local, connect(local) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: gw\r\nX: ")
        connection.settimeout(0.002)
        answer = b""
        while not answer:
            connection.sendall(b"x")
            try:
                answer = connection.recv(65536)
            except TimeoutError:
                continue

    assert answer.startswith(b"HTTP/1.1 408")


def test_what_is_no_tls_does_not_stop_a_tls_server() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    with LocalGateway(Streams(), tls=context) as local, ExitStack() as stack:
        silent = [stack.enter_context(connect(local)) for _ in range(5)]
        with connect(local) as plain:
            plain.sendall(get("/plain"))
            assert read_to_end(plain) == b""

        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        with trusting.wrap_socket(silent.pop()) as tls:
            tls.sendall(get("/plain"))
            assert tls.recv(65536).startswith(b"HTTP/1.1 200 OK")


def test_a_flood_of_pipelined_requests_is_held_back(local: LocalGateway) -> None:
    with connect(local) as connection:
        connection.settimeout(0.2)
        connection.sendall(get("/drip"))

        with pytest.raises(TimeoutError):
            connection.sendall(get("/plain") * 1_000_000)

    assert answers(local)
