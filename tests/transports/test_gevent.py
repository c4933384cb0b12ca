"""The gevent transport against real sockets."""

import socket
import struct
import time
from collections.abc import Iterator

import gevent
import pytest

from harness.errors import TransportKind, UsageError
from harness.transports.exchange import Exchange, Timeouts
from harness.transports.gevent import GeventTransport, Reader
from harness.transports.network import DIRECT
from harness.wire import Chunk, End, Headers, Request
from tests.transports.peer import Peer, answering, plain, serving

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture(name="transport")
def _transport(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeventTransport]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    transport = GeventTransport()
    yield transport
    transport.close()


def ask(
    transport: GeventTransport, peer: Peer, *, body: bytes = b"{}", timeouts: Timeouts | None = None
) -> Exchange:
    return transport.send(Request("POST", f"{peer.url}/v1?q=1", body=body), timeouts=timeouts)


def body_of(exchange: Exchange) -> bytes:
    assert exchange.response is not None
    return exchange.response.body


def kind_of(exchange: Exchange) -> TransportKind:
    assert exchange.error is not None
    return exchange.error.kind


def test_a_request_arrives_as_it_was_built(transport: GeventTransport) -> None:
    with serving(answering(plain(b"ok"))) as peer:
        request = Request("POST", f"{peer.url}/p?q=1", Headers([("X-One", "1")]), b'{"a":1}')

        exchange = transport.send(request)

    head, _, body = peer.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /p?q=1 HTTP/1.1"
    assert f"host: 127.0.0.1:{peer.port}".encode() in lines
    assert b"X-One: 1" in lines
    assert b"content-length: 7" in lines
    assert body == b'{"a":1}'
    assert exchange.whole


def test_an_answer_with_a_length_is_whole(transport: GeventTransport) -> None:
    with serving(answering(plain(b"hello", "X-A: 1", "x-a: 2"))) as peer:
        exchange = ask(transport, peer)

    assert exchange.response is not None
    assert exchange.response.status == 200
    assert exchange.response.headers.get_all("x-a") == ("1", "2")
    assert exchange.response.body == b"hello"
    assert exchange.response.end is End.COMPLETE


def test_a_chunked_answer_is_whole(transport: GeventTransport) -> None:
    with serving(answering(CHUNKED + b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nT: v\r\n\r\n")) as peer:
        exchange = ask(transport, peer)

    assert body_of(exchange) == b"abcde"
    assert exchange.whole


def test_a_body_that_the_close_ends_is_whole(transport: GeventTransport) -> None:
    with serving(answering(b"HTTP/1.1 200 OK\r\n\r\nall of it")) as peer:
        exchange = ask(transport, peer)

    assert body_of(exchange) == b"all of it"
    assert exchange.whole


def test_interim_answers_are_skipped(transport: GeventTransport) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
    with serving(answering(interim + plain(b"final"))) as peer:
        exchange = ask(transport, peer)

    assert exchange.response is not None
    assert exchange.response.status == 200
    assert "link" not in exchange.response.headers
    assert exchange.response.body == b"final"


def test_an_answer_without_a_body_is_whole(transport: GeventTransport) -> None:
    with serving(answering(b"HTTP/1.1 204 No Content\r\n\r\n")) as peer:
        exchange = ask(transport, peer)

    assert exchange.whole
    assert body_of(exchange) == b""


def test_a_connection_is_kept_for_the_next_request(transport: GeventTransport) -> None:
    with serving(answering(plain(b"1"), plain(b"2"))) as peer:
        bodies = [body_of(ask(transport, peer)) for _ in range(2)]
        transport.close()

    assert bodies == [b"1", b"2"]
    assert peer.connections == 1
    assert transport.counts.reused == 1


@pytest.mark.parametrize(
    "answer",
    [
        plain(b"1", "connection: close"),
        plain(b"1") + b"more than announced",
        b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\n1",
    ],
)
def test_a_connection_is_not_kept_when_it_should_not_be(
    transport: GeventTransport, answer: bytes
) -> None:
    with serving(answering(answer)) as peer:
        bodies = [body_of(ask(transport, peer)) for _ in range(2)]

    assert bodies == [b"1", b"1"]
    assert peer.connections == 2


def test_a_connection_that_the_peer_closed_while_idle_is_replaced(
    transport: GeventTransport,
) -> None:
    with serving(answering(plain(b"once"))) as peer:
        first = ask(transport, peer)
        gevent.sleep(0.005)
        exchanges = [first, ask(transport, peer)]

    assert all(exchange.whole for exchange in exchanges)
    assert len(peer.requests) == 2


@pytest.mark.parametrize("field", ["keep-alive: timeout=0", "Keep-Alive: max=5, timeout=0"])
def test_an_idle_connection_is_given_up_before_the_server_does(
    transport: GeventTransport, field: str
) -> None:
    with serving(answering(plain(b"1", field), plain(b"2"))) as peer:
        bodies = [body_of(ask(transport, peer)) for _ in range(2)]
        transport.close()

    assert bodies == [b"1", b"1"]
    assert peer.connections == 2


def test_a_request_is_never_sent_again_on_its_own(transport: GeventTransport) -> None:
    def answer_then_hang_up_on_the_second(connection: socket.socket, peer: Peer) -> None:
        peer.take(connection)
        connection.sendall(plain(b"1"))
        peer.take(connection)

    with serving(answer_then_hang_up_on_the_second) as peer:
        first, second = ask(transport, peer), ask(transport, peer)

    assert first.whole
    assert kind_of(second) is TransportKind.CUT
    assert "kept connection" in str(second.error)
    assert len(peer.requests) == 2
    assert peer.connections == 1


def test_a_cut_answer_is_an_error_with_what_came(transport: GeventTransport) -> None:
    with serving(answering(CHUNKED + b"5\r\nhello\r\n")) as peer:
        exchange = ask(transport, peer)

    assert kind_of(exchange) is TransportKind.CUT
    assert exchange.response is not None
    assert exchange.response.end is End.CUT
    assert exchange.response.body == b"hello"


def test_a_reset_is_told_from_a_close(transport: GeventTransport) -> None:
    def reset(connection: socket.socket, peer: Peer) -> None:
        peer.take(connection)
        connection.sendall(CHUNKED + b"5\r\nhello\r\n")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with serving(reset) as peer:
        exchange = ask(transport, peer)

    assert kind_of(exchange) is TransportKind.RESET


def test_what_is_not_http_is_a_protocol_error(transport: GeventTransport) -> None:
    with serving(answering(b"SSH-2.0-OpenSSH_9.6\r\n")) as peer:
        exchange = ask(transport, peer)

    assert kind_of(exchange) is TransportKind.PROTOCOL
    assert "SSH-2.0" in str(exchange.error)


@pytest.mark.parametrize(
    ("sent", "timeouts", "kind"),
    [
        (b"", Timeouts(first_byte=0.01), TransportKind.FIRST_BYTE_TIMEOUT),
        (CHUNKED, Timeouts(idle=0.01), TransportKind.IDLE_TIMEOUT),
        (CHUNKED, Timeouts(total=0.01), TransportKind.TOTAL_TIMEOUT),
    ],
)
def test_silence_ends_with_the_bound_that_was_passed(
    transport: GeventTransport, sent: bytes, timeouts: Timeouts, kind: TransportKind
) -> None:
    def fall_silent(connection: socket.socket, peer: Peer) -> None:
        peer.take(connection)
        connection.sendall(sent)
        connection.recv(1)

    with serving(fall_silent) as peer:
        exchange = ask(transport, peer, timeouts=timeouts)

    assert kind_of(exchange) is kind


def test_each_piece_restarts_the_idle_time(transport: GeventTransport) -> None:
    def drip(connection: socket.socket, peer: Peer) -> None:
        peer.take(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n")
        for _ in range(8):
            time.sleep(0.005)
            connection.sendall(b"x")

    with serving(drip) as peer:
        exchange = ask(transport, peer, timeouts=Timeouts(idle=0.5))

    assert body_of(exchange) == b"x" * 8


def test_nobody_listening_is_refused(transport: GeventTransport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    exchange = transport.send(Request("POST", f"http://127.0.0.1:{port}/"))

    assert kind_of(exchange) is TransportKind.REFUSED
    assert exchange.response is None


def test_a_name_without_an_address_is_a_dns_error(transport: GeventTransport) -> None:
    exchange = transport.send(Request("POST", "http://nowhere.invalid/"))

    assert kind_of(exchange) is TransportKind.DNS


def test_a_large_body_goes_to_a_slow_reader(transport: GeventTransport) -> None:
    body = b"x" * 3_000_000
    with serving(answering(plain(b"got it"))) as peer:
        exchange = ask(transport, peer, body=body)

    assert exchange.whole
    assert peer.requests[0].endswith(body)


def test_an_answer_before_the_whole_body_was_taken_counts(transport: GeventTransport) -> None:
    def refuse_early(connection: socket.socket, _: Peer) -> None:
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass

    with serving(refuse_early) as peer:
        exchange = ask(transport, peer, body=b"x" * 3_000_000)
        transport.close()

    assert exchange.response is not None
    assert exchange.response.status == 413


def test_pieces_come_with_their_times_while_the_answer_is_under_way(
    transport: GeventTransport,
) -> None:
    def two_pieces(connection: socket.socket, peer: Peer) -> None:
        peer.take(connection)
        connection.sendall(CHUNKED + b"1\r\na\r\n")
        time.sleep(0.01)
        connection.sendall(b"1\r\nb\r\n0\r\n\r\n")

    listener = Noting()
    with serving(two_pieces) as peer:
        exchange = transport.send(Request("POST", peer.url), listen=listener.started, store=False)

    assert listener.sent_ns == exchange.sent_ns
    assert listener.heads == [200]
    assert [chunk.data for chunk in listener.chunks] == [b"a", b"b"]
    assert listener.chunks[1].at_ns - listener.chunks[0].at_ns >= 9_000_000
    assert body_of(exchange) == b""


def test_a_busy_client_does_not_make_the_peer_late(transport: GeventTransport) -> None:
    """The kernel's stamp, not the time of the read, says when bytes arrived (Linux)."""
    freed_ns: list[int] = []

    def hold_up_the_client() -> None:
        time.sleep(0.01)
        freed_ns.append(time.monotonic_ns())

    with serving(answering(plain(b"first"), plain(b"early"))) as peer:
        ask(transport, peer)
        gevent.sleep(0)  # or this greenlet, woken by the reader, would be served first
        gevent.spawn(hold_up_the_client)
        exchange = ask(transport, peer)
        transport.close()

    assert exchange.response is not None
    arrived_ns = exchange.sent_ns + exchange.response.head_at_ns
    assert transport.counts.unstamped or arrived_ns < freed_ns[0]


def test_it_works_without_epoll_and_without_kernel_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS: a watcher per socket, and the time of the read."""
    monkeypatch.setattr("harness.transports.gevent.reader._new_epoll", lambda: None)
    monkeypatch.setattr("harness.transports.gevent.stamps.enable", bool)
    transport = GeventTransport()
    with serving(answering(plain(b"1"), CHUNKED + b"1\r\n2\r\n0\r\n\r\n")) as peer:
        bodies = [body_of(ask(transport, peer)) for _ in range(2)]
        transport.close()

    assert bodies == [b"1", b"2"]
    assert transport.counts.reused == 1
    assert transport.counts.unstamped == transport.counts.reads > 0


def test_a_killed_greenlet_leaves_no_connection_behind(transport: GeventTransport) -> None:
    ended: list[bytes] = []

    def wait_for_the_end(connection: socket.socket, peer: Peer) -> None:
        peer.take(connection)
        ended.append(connection.recv(1))

    with serving(wait_for_the_end) as peer:
        sending = gevent.spawn(ask, transport, peer)
        while not peer.requests:
            gevent.sleep(0.001)
        sending.kill()

    assert ended == [b""]


def test_a_bound_of_this_process_is_its_own_and_leaves_room_for_its_files() -> None:
    reader = Reader()
    reader.most_open = 1
    transport = GeventTransport(reader=reader, network=DIRECT)
    with serving(answering(plain(b"1"))) as one, serving(answering(plain(b"2"))) as two:
        errors = [ask(transport, one).error, ask(transport, two).error]
        transport.close()

    assert errors[0] is None
    assert errors[1] is not None
    assert errors[1].kind is TransportKind.CLIENT_LIMIT
    assert reader.open == 0
    reader.close()


def test_many_greenlets_share_one_transport(transport: GeventTransport) -> None:
    with serving(answering(*[plain(b"x" * 1000)] * 20)) as peer:
        lengths: list[int] = []
        gevent.joinall(
            [
                gevent.spawn(lambda: lengths.append(len(body_of(ask(transport, peer)))))
                for _ in range(20)
            ],
            raise_error=True,
        )
        transport.close()

    assert lengths == [1000] * 20


@pytest.mark.parametrize("url", ["ftp://example.invalid/", "example.invalid", "http:///path"])
def test_an_address_that_is_none_is_the_callers_fault(transport: GeventTransport, url: str) -> None:
    with pytest.raises(UsageError, match="expected an http"):
        transport.send(Request("POST", url))


class Noting:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.sent_ns: int | None = None
        self.heads: list[int] = []
        self.chunks: list[Chunk] = []

    def started(self, sent_ns: int) -> "Noting":
        """The request was sent."""
        self.sent_ns = sent_ns
        return self

    def head(self, status: int, headers: Headers, at_ns: int) -> None:
        """The head came."""
        del headers, at_ns
        self.heads.append(status)

    def take(self, data: bytes, at_ns: int, since_ns: int, end_since_ns: int) -> int:
        """A piece came."""
        assert since_ns <= end_since_ns <= at_ns
        self.chunks.append(Chunk(data, at_ns))
        return len(data)
