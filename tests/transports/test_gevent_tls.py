"""TLS and proxies under the gevent transport."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import TransportKind
from harness.transports.gevent import GeventTransport
from harness.transports.gevent.tls import TlsLayer
from harness.wire import End, Request
from tests.transports.peer import Handler, Peer, answering, plain, serving


@pytest.fixture(name="authority")
def _authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that SSL_CERT_FILE names."""
    authority = trustme.CA()
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return authority


def certified(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@contextmanager
def transport() -> Iterator[GeventTransport]:
    made = GeventTransport()
    try:
        yield made
    finally:
        made.close()


def test_a_verified_peer_is_asked_over_one_connection(authority: trustme.CA) -> None:
    handler = answering(plain(b"1"), plain(b"2" * 200_000))
    with serving(handler, context=certified(authority)) as peer, transport() as sending:
        request = Request("POST", f"https://127.0.0.1:{peer.port}/")
        first, second = sending.send(request), sending.send(request)
        sending.close()

    assert first.response is not None
    assert second.response is not None
    assert (first.response.body, second.response.body) == (b"1", b"2" * 200_000)
    assert peer.connections == 1


@pytest.mark.parametrize("wrong", ["name", "authority"])
def test_a_peer_that_cannot_be_verified_gets_no_request(authority: trustme.CA, wrong: str) -> None:
    issuer = authority if wrong == "name" else trustme.CA()
    context = certified(issuer, "elsewhere.invalid" if wrong == "name" else "127.0.0.1")
    with serving(answering(plain(b"1")), context=context) as peer, transport() as sending:
        exchange = sending.send(Request("POST", f"https://127.0.0.1:{peer.port}/"))

    assert exchange.error is not None
    assert exchange.error.kind is TransportKind.TLS
    assert "certificate refused" in str(exchange.error)
    assert not peer.requests


def test_plain_http_where_tls_was_expected_is_a_tls_error(authority: trustme.CA) -> None:
    del authority

    def speak_http(connection: socket.socket, _: Peer) -> None:
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with serving(speak_http) as peer, transport() as sending:
        exchange = sending.send(Request("POST", f"https://127.0.0.1:{peer.port}/"))

    assert exchange.error is not None
    assert exchange.error.kind is TransportKind.TLS


def test_an_end_without_notice_cuts_a_body_that_announced_more(authority: trustme.CA) -> None:
    handler = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
    with serving(handler, context=certified(authority)) as peer, transport() as sending:
        exchange = sending.send(Request("POST", f"https://127.0.0.1:{peer.port}/"))

    assert exchange.error is not None
    assert exchange.error.kind is TransportKind.CUT
    assert exchange.response is not None
    assert exchange.response.body == b"half"


def tunnel(context: ssl.SSLContext, answer: bytes) -> Handler:
    """A proxy and the server behind it in one."""

    def handle(connection: socket.socket, peer: Peer) -> None:
        peer.take(connection)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n")
        with context.wrap_socket(connection, server_side=True) as secure:
            peer.take(secure)
            secure.sendall(answer)

    return handle


def test_https_goes_through_the_proxys_tunnel(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certified(authority, "gateway.invalid")
    with serving(tunnel(context, plain(b"inside"))) as peer:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:p%40ss@127.0.0.1:{peer.port}")
        with transport() as sending:
            exchange = sending.send(Request("POST", "https://gateway.invalid/x"))

    assert exchange.response is not None
    assert exchange.response.body == b"inside"
    connect = peer.requests[0]
    assert connect.startswith(b"CONNECT gateway.invalid:443 HTTP/1.1\r\n")
    assert b"proxy-authorization: Basic dXNlcjpwQHNz" in connect
    assert b"proxy-authorization" not in peer.requests[1]


def test_a_proxy_that_refuses_is_named(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    del authority
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
    with serving(answering(refusal)) as peer:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@127.0.0.1:{peer.port}")
        with transport() as sending:
            exchange = sending.send(Request("POST", "https://gateway.invalid/x"))

    assert exchange.error is not None
    assert exchange.error.kind is TransportKind.PROXY
    assert "407" in str(exchange.error)
    assert "secret" not in str(exchange.error)


def test_plain_http_is_forwarded_with_its_whole_address(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    del authority
    with serving(answering(plain(b"forwarded"))) as peer:
        monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{peer.port}")
        with transport() as sending:
            exchange = sending.send(Request("POST", "http://gateway.invalid/x?y=1"))

    assert exchange.whole
    assert peer.requests[0].startswith(b"POST http://gateway.invalid/x?y=1 HTTP/1.1\r\n")


def test_no_proxy_is_obeyed(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    context = certified(authority)
    with serving(answering(plain(b"direct")), context=context) as peer, transport() as sending:
        exchange = sending.send(Request("POST", f"https://127.0.0.1:{peer.port}/"))

    assert exchange.whole


@pytest.mark.parametrize(("says_so", "end"), [(True, End.COMPLETE), (False, End.CUT)])
def test_tls_that_ends_without_a_word_cuts_an_answer_that_only_the_end_frames(
    authority: trustme.CA, says_so: bool, end: End
) -> None:
    def hang_up(connection: socket.socket, peer: Peer) -> None:
        peer.take(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
        if says_so and isinstance(connection, ssl.SSLSocket):
            connection.unwrap()

    with serving(hang_up, context=certified(authority)) as peer, transport() as sending:
        exchange = sending.send(Request("POST", f"https://127.0.0.1:{peer.port}/"))

    assert exchange.response is not None
    assert (exchange.response.end, exchange.response.body) == (end, b"half of it")


@given(st.lists(st.integers(0, 300), max_size=6), st.lists(st.integers(min_value=0), max_size=6))
def test_a_record_that_came_in_part_is_known(lengths: list[int], cuts: list[int]) -> None:
    data = b"".join(b"\x17\x03\x03" + size.to_bytes(2, "big") + bytes(size) for size in lengths)
    ends = set(accumulate((5 + size for size in lengths), initial=0))
    layer = TlsLayer(ssl.create_default_context(), "localhost")
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]

    for start, stop in pairwise(places):
        layer.feed(data[start:stop])
        assert layer.drained == (stop in ends)
