"""The socket face with well-behaved clients: HTTP/1.1, schedules, ends, its own pages."""

import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest
import trustme

from harness.errors import UsageError
from harness.gateway.server import LocalGateway
from harness.wire import Chunk, End, Headers, Request, Response

SSE = Headers([("content-type", "text/event-stream")])
EVENTS = (Chunk(b"data: 1\n\n", 1_000_000), Chunk(b"data: 2\n\n", 3_000_000))
PIECES = b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n"


class Answers:
    """Gives the answer that is named by the last path segment, and notes what it was asked."""

    def __init__(self) -> None:
        self.log: list[dict[str, object]] = []
        self.requests: list[Request] = []
        self.times: list[int] = []

    def handle(self, request: Request, at_ns: int) -> Response:
        self.requests.append(request)
        self.times.append(at_ns)
        self.log.append({"event_id": f"event-{len(self.log)}"})
        name = request.path.rpartition("/")[2]
        if name in list(End):
            return Response(200, SSE, EVENTS, 500_000, End(name), EVENTS[-1].at_ns)
        body = json.dumps({"path": request.path, "size": len(request.body)}).encode()
        return Response(200, Headers([("content-type", "application/json")]), (Chunk(body),))


@pytest.fixture(scope="module")
def local() -> Iterator[LocalGateway]:
    with LocalGateway(Answers()) as running:
        yield running


def connect(local: LocalGateway) -> socket.socket:
    url = urlsplit(local.url)
    connection = socket.create_connection((url.hostname, url.port), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def client(local: LocalGateway) -> "closing[http.client.HTTPConnection]":
    url = urlsplit(local.url)
    return closing(http.client.HTTPConnection(str(url.hostname), url.port, timeout=10))


def read_to_end(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def read_until(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while end not in data:
        part = connection.recv(65536)
        assert part, f"closed before {end!r}; got {data!r}"
        data += part
    return data


def get(path: str, *more: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: gw", *more, "", ""]).encode()


def log_of(local: LocalGateway, query: str = "") -> list[dict[str, object]]:
    with client(local) as http_client:
        http_client.request("GET", f"/__harness/log{query}")
        return [json.loads(line) for line in http_client.getresponse().read().splitlines()]


def test_one_connection_carries_requests_one_after_another(local: LocalGateway) -> None:
    with client(local) as http_client:
        http_client.request("POST", "/first", b"12345")
        first = json.loads(http_client.getresponse().read())
        port = http_client.sock.getsockname()
        http_client.request("POST", "/second", b"")
        second = json.loads(http_client.getresponse().read())

        assert http_client.sock.getsockname() == port
    assert first == {"path": "/first", "size": 5}
    assert second == {"path": "/second", "size": 0}


def test_pipelined_requests_are_answered_in_order(local: LocalGateway) -> None:
    with connect(local) as connection:
        requests = [get(f"/{number}") for number in range(2000)]
        requests.append(get("/last", "Connection: close"))
        connection.sendall(b"".join(requests))

        answers = read_to_end(connection)

    paths = [part.split(b'"')[0] for part in answers.split(b'{"path": "/')[1:]]
    assert paths == [*(str(number).encode() for number in range(2000)), b"last"]


def test_a_pipelined_request_waits_for_the_stream_before_it(local: LocalGateway) -> None:
    with connect(local) as connection:
        connection.sendall(get("/complete") + get("/next", "Connection: close"))

        answers = read_to_end(connection)

    stream, _, after = answers.partition(b"\r\n0\r\n\r\n")
    assert stream.endswith(b"data: 2\n\n")
    assert b'"/next"' in after


def test_a_body_announced_with_expect_is_asked_for_once(local: LocalGateway) -> None:
    with connect(local) as connection:
        connection.sendall(
            b"POST /upload HTTP/1.1\r\nHost: gw\r\nContent-Length: 3\r\n"
            b"Connection: close\r\nExpect: 100-continue\r\n\r\n"
        )
        interim = read_until(connection, b"\r\n\r\n")
        connection.sendall(b"ab")
        connection.sendall(b"c")

        answer = read_to_end(connection)

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"size": 3' in answer


def test_a_chunked_request_body_is_accepted(local: LocalGateway) -> None:
    with client(local) as http_client:
        parts = iter([b"ab", b"cde"])
        http_client.request(
            "POST", "/chunked", parts, {"Transfer-Encoding": "chunked"}, encode_chunked=True
        )

        assert json.loads(http_client.getresponse().read())["size"] == 5


def test_a_head_request_gets_the_fields_alone(local: LocalGateway) -> None:
    with client(local) as http_client:
        http_client.request("HEAD", "/path")
        head = http_client.getresponse()
        head.read()
        http_client.request("GET", "/path")
        plain = http_client.getresponse()

        assert head.getheader("content-length") == plain.getheader("content-length")
        assert plain.read()


def test_options_of_the_whole_server_is_answered_by_the_server(local: LocalGateway) -> None:
    with connect(local) as connection:
        connection.sendall(b"OPTIONS * HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n")

        answer = read_to_end(connection)

    assert answer.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert b"x-gateway-harness: server" in answer


def test_an_http_1_0_client_reads_to_the_end_of_the_connection(local: LocalGateway) -> None:
    with connect(local) as connection:
        connection.sendall(b"GET /complete HTTP/1.0\r\n\r\n")

        head, _, body = read_to_end(connection).partition(b"\r\n\r\n")

    assert b"chunked" not in head
    assert body == b"data: 1\n\ndata: 2\n\n"


def test_no_chunk_leaves_before_its_time() -> None:
    chunks = tuple(Chunk(b"x", number * 3_000_000) for number in range(1, 6))

    class Slow:
        def handle(self, request: Request, at_ns: int) -> Response:
            del request, at_ns
            return Response(200, SSE, chunks, 2_000_000, end_at_ns=chunks[-1].at_ns)

    arrivals: list[int] = []
    with LocalGateway(Slow()) as local, connect(local) as connection:
        sent_ns = time.monotonic_ns()
        connection.sendall(get("/"))
        while len(arrivals) < len(chunks):
            data = connection.recv(65536)
            arrivals += [time.monotonic_ns() - sent_ns] * data.count(b"1\r\nx\r\n")

    assert all(at_ns >= chunk.at_ns for at_ns, chunk in zip(arrivals, chunks, strict=True))


def test_a_cut_answer_ends_with_fin_and_without_its_last_chunk(local: LocalGateway) -> None:
    with connect(local) as connection:
        connection.sendall(get("/cut"))

        assert read_to_end(connection).partition(b"\r\n\r\n")[2] == PIECES


def test_a_reset_answer_arrives_whole_before_the_reset(local: LocalGateway) -> None:
    with connect(local) as connection:
        connection.sendall(get("/reset"))
        body = read_until(connection, b"data: 2\n\n\r\n").partition(b"\r\n\r\n")[2]

        with pytest.raises(ConnectionResetError):
            read_to_end(connection)
    assert body == PIECES


def test_an_open_answer_falls_silent_until_the_server_ends() -> None:
    with LocalGateway(Answers()) as local:
        connection = connect(local)
        connection.sendall(get("/open"))
        read_until(connection, b"data: 2\n\n\r\n")
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)

    with connection:
        connection.settimeout(10)
        assert read_to_end(connection) == b""


def test_a_lying_content_length_reaches_the_wire_and_ends_the_connection() -> None:
    class Lies:
        def handle(self, request: Request, at_ns: int) -> Response:
            del request, at_ns
            return Response(200, Headers([("content-length", "7")]), (Chunk(b"123"),))

    with LocalGateway(Lies()) as local, connect(local) as connection:
        connection.sendall(get("/"))

        assert read_to_end(connection) == b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n123"


def test_requests_over_tls_are_answered() -> None:
    authority = trustme.CA()
    server, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(trusting)

    with LocalGateway(Answers(), tls=server) as local:
        port = urlsplit(local.url).port
        for path, ending in (("/complete", b"data: 2\n\n"), ("/plain", b"}")):
            with closing(
                http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=trusting)
            ) as https:
                https.request("GET", path)
                assert https.getresponse().read().endswith(ending)

    assert local.url.startswith("https://127.0.0.1:")


def test_the_model_sees_time_from_the_start_of_the_server() -> None:
    answers = Answers()
    with LocalGateway(answers) as local, client(local) as http_client:
        for _ in range(3):
            http_client.request("GET", "/")
            http_client.getresponse().read()

    assert 0 <= answers.times[0] <= answers.times[1] <= answers.times[2] < 60_000_000_000


def test_the_log_has_one_line_per_request_with_the_models_facts() -> None:
    with LocalGateway(Answers()) as local, client(local) as http_client:
        for path in ("/plain", "/complete", "/__harness/health"):
            http_client.request("POST" if path != "/__harness/health" else "GET", path)
            http_client.getresponse().read()

        lines, later = log_of(local), log_of(local, "?after=0")

    assert [line["path"] for line in lines] == ["/plain", "/complete"]
    assert [line["event_id"] for line in lines] == ["event-0", "event-1"]
    assert [line["end"] for line in lines] == ["complete", "complete"]
    assert later == lines[1:]


def test_the_servers_own_pages_never_reach_the_model() -> None:
    answers = Answers()
    with LocalGateway(answers) as local, client(local) as http_client:
        statuses = []
        for method, path in (("GET", "health"), ("HEAD", "log"), ("POST", "log"), ("GET", "x")):
            http_client.request(method, f"/__harness/{path}")
            response = http_client.getresponse()
            response.read()
            assert response.getheader("x-gateway-harness") == "server"
            statuses.append(response.status)

    assert statuses == [200, 200, 405, 404]
    assert not answers.requests


def test_a_port_in_use_is_a_usage_error(local: LocalGateway) -> None:
    port = urlsplit(local.url).port or 0

    with pytest.raises(UsageError, match=f"127.0.0.1:{port}: .*in use"):
        LocalGateway(Answers(), port=port).start()


def test_a_fault_of_the_model_ends_the_connection_and_is_raised_at_the_end() -> None:
    class Broken:
        def handle(self, request: Request, at_ns: int) -> Response:
            raise ZeroDivisionError(request.path, at_ns)

    local = LocalGateway(Broken()).start()
    with connect(local) as connection:
        connection.sendall(get("/"))
        assert read_to_end(connection) == b""

    with pytest.raises(ZeroDivisionError):
        local.close()


def test_a_server_ends_quietly_in_the_middle_of_its_answers() -> None:
    with LocalGateway(Answers()) as local:
        connections = [connect(local) for _ in range(20)]
        for connection in connections:
            connection.sendall(get("/open") + get("/complete"))
        read_until(connections[-1], b"\r\n\r\n")

    for connection in connections:
        connection.close()
