import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
import trustme

from harness.errors import Layer, TransportError, TransportKind, UsageError
from harness.transports.exchange import Exchange, Timeouts
from harness.transports.httpx import HttpxTransport
from harness.wire import Chunk, End, Headers, Request

Script = Callable[[socket.socket], None]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


class Peer:
    """A server that reads one whole request per connection and then follows its script."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None) -> None:
        self.requests: list[bytes] = []
        self.released = threading.Event()
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self.released.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                self.requests.append(read_request(connection))
                self._script(connection)
        except OSError:
            pass  # the client has left, as several tests want it to


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
    while len(body) < length:
        body += receive(connection)
    return head + b"\r\n\r\n" + body


def receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("the client left before its request was whole")
    return data


Serve = Callable[[Script], Peer]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def transport(stack: ExitStack) -> HttpxTransport:
    return stack.enter_context(HttpxTransport())


@pytest.fixture
def serve(stack: ExitStack) -> Serve:
    return lambda script: stack.enter_context(closing(Peer(script, None)))


def sends(*pieces: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return script


def post(peer: Peer, **headers: str) -> Request:
    return Request("POST", f"http://{peer.authority}/v1/x?y=%2F", Headers(headers.items()), b"{}")


def failure(exchange: Exchange) -> TransportKind:
    assert exchange.error is not None
    return exchange.error.kind


def test_a_whole_answer_is_brought_back(transport: HttpxTransport, serve: Serve) -> None:
    peer = serve(sends(HEAD, b"3\r\none\r\n", b"3\r\ntwo\r\n", LAST))

    exchange = transport.send(post(peer))

    response = exchange.response
    assert exchange.whole
    assert response is not None
    assert (response.status, response.body, response.end) == (200, b"onetwo", End.COMPLETE)
    assert response.headers.fields[0] == ("Content-Type", "text/event-stream")
    times = [response.head_at_ns, *(chunk.at_ns for chunk in response.chunks), response.end_at_ns]
    assert times == sorted(times)
    assert times[0] > 0


def test_the_request_is_sent_as_it_is_given_and_nothing_is_added_but_what_http_needs(
    transport: HttpxTransport, serve: Serve
) -> None:
    peer = serve(sends(b"HTTP/1.1 204 No Content\r\n\r\n"))
    fields = [("X-Odd-CASE", "a"), ("x-odd-case", "b"), ("X-Latin", "sch\xf6n")]
    request = Request("POST", f"http://{peer.authority}/v1/x?y=%2F", Headers(fields), b"\0body")

    transport.send(request)

    head, _, body = peer.requests[0].partition(b"\r\n\r\n")
    assert body == b"\0body"
    assert head.split(b"\r\n") == [
        b"POST /v1/x?y=%2F HTTP/1.1",
        f"Host: {peer.authority}".encode(),
        b"User-Agent: gateway-harness",
        b"Content-Length: 5",
        b"X-Odd-CASE: a",
        b"x-odd-case: b",
        b"X-Latin: sch\xf6n",
    ]


def test_fields_of_the_request_replace_those_of_the_transport(
    transport: HttpxTransport, serve: Serve
) -> None:
    peer = serve(sends(b"HTTP/1.1 204 No Content\r\n\r\n"))

    transport.send(post(peer, **{"user-agent": "mine", "host": "other.example"}))

    head = peer.requests[0].partition(b"\r\n\r\n")[0]
    assert head.count(b"ser-") == 1
    assert b"user-agent: mine" in head
    assert b"host: other.example" in head


def test_a_large_body_arrives_whole(transport: HttpxTransport, serve: Serve) -> None:
    peer = serve(sends(b"HTTP/1.1 204 No Content\r\n\r\n"))
    body = bytes(range(256)) * 1024

    transport.send(Request("POST", f"http://{peer.authority}/", body=body))

    assert peer.requests[0].endswith(body)


def test_one_connection_carries_several_exchanges(transport: HttpxTransport) -> None:
    def twice(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        peer.requests.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with closing(Peer(twice, None)) as peer:
        first = transport.send(post(peer))
        second = transport.send(post(peer))

    assert first.whole
    assert second.response is not None
    assert second.response.body == b"ok"


@pytest.mark.parametrize("location", ["/elsewhere", "http://[", "\xff"])
def test_a_redirect_is_an_answer_and_not_followed(
    transport: HttpxTransport, serve: Serve, location: str
) -> None:
    head = f"HTTP/1.1 307 X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    peer = serve(sends(head.encode("latin-1")))

    exchange = transport.send(post(peer))

    assert exchange.response is not None
    assert exchange.response.status == 307
    assert exchange.response.headers.get("location") == location
    assert len(peer.requests) == 1


def test_a_cookie_is_shown_and_not_sent_back(transport: HttpxTransport, serve: Serve) -> None:
    peer = serve(sends(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"))

    first, _ = transport.send(post(peer)), transport.send(post(peer))

    assert first.response is not None
    assert first.response.headers.get("set-cookie") == "a=b"
    assert len(peer.requests) == 2
    assert b"cookie" not in peer.requests[1].lower()


def test_a_gzip_body_is_decoded_and_keeps_its_header(
    transport: HttpxTransport, serve: Serve
) -> None:
    body = gzip.compress(b"data: 1\n\n")
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    peer = serve(sends(head.encode(), body[:9], body[9:]))

    response = transport.send(post(peer)).response

    assert response is not None
    assert response.body == b"data: 1\n\n"
    assert response.headers.get("content-encoding") == "gzip"


def test_broken_gzip_is_a_protocol_error(transport: HttpxTransport, serve: Serve) -> None:
    peer = serve(
        sends(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")
    )

    assert failure(transport.send(post(peer))) is TransportKind.PROTOCOL


BROKEN = {
    "no response": (sends(), TransportKind.CUT, b""),
    "cut in the head": (sends(b"HTTP/1.1 200 OK\r\nX"), TransportKind.CUT, b""),
    "cut in the body": (sends(HEAD, b"2\r\nhi\r\n"), TransportKind.CUT, b"hi"),
    "cut before Content-Length": (
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"),
        TransportKind.CUT,
        b"hi",
    ),
    "no HTTP": (sends(b"220 mail ready\r\n\r\n"), TransportKind.PROTOCOL, b""),
    "no chunk": (sends(HEAD, b"2\r\nhi\r\n", b"zz\r\n"), TransportKind.PROTOCOL, b"hi"),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_answer_is_kept_with_the_kind_of_its_break(
    transport: HttpxTransport, serve: Serve, name: str
) -> None:
    script, kind, body = BROKEN[name]
    peer = serve(script)

    exchange = transport.send(post(peer))

    assert failure(exchange) is kind
    assert not exchange.whole
    assert (exchange.response.body if exchange.response else b"") == body
    assert exchange.error is not None
    assert exchange.error.layer is Layer.EDGE
    assert peer.authority in str(exchange.error)


def test_a_reset_is_told_from_a_close(transport: HttpxTransport, serve: Serve) -> None:
    read = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"2\r\nhi\r\n")
        read.wait(5)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    exchange = transport.send(post(serve(script)), on_chunk=lambda _: read.set())

    assert failure(exchange) is TransportKind.RESET
    assert exchange.response is not None
    assert exchange.response.chunks[0].data == b"hi"
    assert exchange.response.end is End.RESET


def hangs(*pieces: bytes) -> Callable[[threading.Event], Script]:
    def bind(released: threading.Event) -> Script:
        def script(connection: socket.socket) -> None:
            sends(*pieces)(connection)
            released.wait(5)

        return script

    return bind


@pytest.mark.parametrize(
    ("pieces", "bounds", "kind"),
    [
        ((), Timeouts(first_byte=0.01), TransportKind.FIRST_BYTE_TIMEOUT),
        ((HEAD, b"2\r\nhi\r\n"), Timeouts(idle=0.01), TransportKind.IDLE_TIMEOUT),
        ((HEAD, b"2\r\nhi\r\n"), Timeouts(total=0.05), TransportKind.TOTAL_TIMEOUT),
        ((), Timeouts(total=0.05), TransportKind.TOTAL_TIMEOUT),
    ],
)
def test_each_bound_ends_an_exchange_with_a_kind_of_its_own(
    transport: HttpxTransport,
    serve: Serve,
    pieces: tuple[bytes, ...],
    bounds: Timeouts,
    kind: TransportKind,
) -> None:
    released = threading.Event()
    peer = serve(hangs(*pieces)(released))

    exchange = transport.send(post(peer), timeouts=bounds)
    released.set()

    assert failure(exchange) is kind
    assert exchange.error is not None
    assert exchange.error.layer is Layer.NETWORK
    if exchange.response is not None:
        assert exchange.response.end is End.OPEN


@pytest.mark.parametrize("start", [b"", HEAD], ids=["head", "body"])
def test_the_total_bound_holds_against_a_server_that_drips(
    transport: HttpxTransport, serve: Serve, start: bytes
) -> None:
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        while not stop.wait(0.005):
            connection.sendall(b"1\r\na\r\n" if start else b"H")

    exchange = transport.send(post(serve(drip)), timeouts=Timeouts(total=0.05))
    stop.set()

    assert failure(exchange) is TransportKind.TOTAL_TIMEOUT


def test_the_total_bound_holds_on_a_connection_that_is_used_again(
    transport: HttpxTransport,
) -> None:
    stop = threading.Event()

    def answer_then_drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        read_request(connection)
        while not stop.wait(0.005):
            connection.sendall(b"H")

    with closing(Peer(answer_then_drip, None)) as peer:
        first = transport.send(post(peer))
        second = transport.send(post(peer), timeouts=Timeouts(total=0.05))
        stop.set()

    assert first.whole
    assert failure(second) is TransportKind.TOTAL_TIMEOUT


def test_nothing_listening_is_refused(transport: HttpxTransport) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]

    exchange = transport.send(Request("POST", f"http://127.0.0.1:{port}/"))

    assert failure(exchange) is TransportKind.REFUSED
    assert exchange.response is None


def test_an_unknown_name_is_a_dns_error(transport: HttpxTransport) -> None:
    exchange = transport.send(Request("POST", "http://nowhere.invalid/"))

    assert failure(exchange) is TransportKind.DNS


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "ftp://127.0.0.1/"),
        Request("POST", "http://"),
        Request("POST", "http://127.0.0.1:1/", Headers([("a b", "c")])),
        Request("POST", "http://127.0.0.1:1/", Headers([("a", "secret\nvalue")])),
        Request("POST", "http://127.0.0.1:1/", Headers([("Content-Length", "7")]), b"four"),
    ],
    ids=["scheme", "host", "name", "value", "length"],
)
def test_a_request_that_cannot_be_sent_is_the_callers_fault(
    serve: Serve, transport: HttpxTransport, request_: Request
) -> None:
    peer = serve(sends(b"HTTP/1.1 204 No Content\r\n\r\n"))
    url = request_.url.replace("127.0.0.1:1", peer.authority)
    request_ = Request(request_.method, url, request_.headers, request_.body)

    with pytest.raises(UsageError) as refused:
        transport.send(request_)

    assert "secret" not in str(refused.value)


def test_an_open_response_is_read_as_it_arrives(transport: HttpxTransport, serve: Serve) -> None:
    first_is_read = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"3\r\none\r\n")
        assert first_is_read.wait(5)
        connection.sendall(b"3\r\ntwo\r\n" + LAST)

    seen: list[Chunk] = []
    with transport.open(post(serve(script))) as incoming:
        for chunk in incoming:
            seen.append(chunk)
            first_is_read.set()

    assert incoming.status == 200
    assert [chunk.data for chunk in seen] == [b"one", b"two"]
    assert incoming.exchange().whole


def test_an_open_response_that_breaks_raises(transport: HttpxTransport, serve: Serve) -> None:
    peer = serve(sends(HEAD, b"3\r\none\r\n"))

    with pytest.raises(TransportError), transport.open(post(peer)) as incoming:
        for _ in incoming:
            pass

    assert incoming.error is not None
    assert incoming.error.kind is TransportKind.CUT


def test_leaving_early_does_not_wait_for_the_rest(transport: HttpxTransport, serve: Serve) -> None:
    released = threading.Event()

    with transport.open(post(serve(hangs(HEAD, b"3\r\none\r\n")(released)))) as incoming:
        first = next(iter(incoming))
    released.set()

    assert first.data == b"one"
    assert failure(incoming.exchange()) is TransportKind.CUT


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls_peer(authority: trustme.CA, stack: ExitStack, host: str = "127.0.0.1") -> Peer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return stack.enter_context(closing(Peer(sends(HEAD, LAST), context)))


def https(peer: Peer) -> Request:
    return Request("POST", f"https://{peer.authority}/")


def test_a_certificate_that_nobody_vouches_for_is_a_tls_error(
    transport: HttpxTransport, authority: trustme.CA, stack: ExitStack
) -> None:
    exchange = transport.send(https(tls_peer(authority, stack)))

    assert failure(exchange) is TransportKind.TLS
    assert "not trusted" in str(exchange.error)


def test_a_certificate_for_another_host_is_a_tls_error(
    authority: trustme.CA, stack: ExitStack
) -> None:
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    transport = stack.enter_context(HttpxTransport(tls=trusted))

    exchange = transport.send(https(tls_peer(authority, stack, "other.example")))

    assert failure(exchange) is TransportKind.TLS


def test_an_authority_named_in_ssl_cert_file_is_trusted(
    authority: trustme.CA, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = stack.enter_context(authority.cert_pem.tempfile())
    monkeypatch.setenv("SSL_CERT_FILE", bundle)
    transport = stack.enter_context(HttpxTransport())

    assert transport.send(https(tls_peer(authority, stack))).whole


def test_the_total_bound_holds_under_tls(authority: trustme.CA, stack: ExitStack) -> None:
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(HEAD)
        while not stop.wait(0.005):
            connection.sendall(b"1\r\na\r\n")

    served, trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(served)
    authority.configure_trust(trusted)
    peer = stack.enter_context(closing(Peer(drip, served)))
    transport = stack.enter_context(HttpxTransport(tls=trusted))

    exchange = transport.send(https(peer), timeouts=Timeouts(total=0.1))
    stop.set()

    assert failure(exchange) is TransportKind.TOTAL_TIMEOUT


def test_a_plain_port_asked_for_tls_is_explained(transport: HttpxTransport) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        exchange = transport.send(
            Request("POST", f"https://127.0.0.1:{listener.getsockname()[1]}/")
        )
        thread.join(5)

    assert failure(exchange) is TransportKind.TLS
    assert "plain http:// port?" in str(exchange.error)


def test_a_certificate_file_that_does_not_exist_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent.pem")

    with pytest.raises(UsageError, match=r"SSL_CERT_FILE.* cannot be used: .*No such file"):
        HttpxTransport()


def test_a_proxy_is_obeyed(serve: Serve, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(sends(b"HTTP/1.1 204 No Content\r\n\r\n"))
    monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.authority}")
    transport = stack.enter_context(HttpxTransport())

    exchange = transport.send(Request("POST", "http://gateway.invalid/x"))

    assert exchange.whole
    assert proxy.requests[0].startswith(b"POST http://gateway.invalid/x HTTP/1.1\r\n")


def test_a_host_in_no_proxy_is_asked_directly(
    serve: Serve, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, peer = serve(sends()), serve(sends(b"HTTP/1.1 204 No Content\r\n\r\n"))
    monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.authority}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    transport = stack.enter_context(HttpxTransport())

    assert transport.send(post(peer)).whole
    assert proxy.requests == []


def test_a_proxy_that_refuses_the_tunnel_is_named(
    serve: Serve, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(sends(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"))
    monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.authority}")
    transport = stack.enter_context(HttpxTransport())

    exchange = transport.send(Request("POST", "https://gateway.invalid/"))

    assert failure(exchange) is TransportKind.PROXY
    assert "407" in str(exchange.error)
