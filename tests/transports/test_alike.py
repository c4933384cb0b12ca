"""Both transports judge the same bytes alike, by one table; a cut answer is never whole."""

import gzip
import socket
import ssl
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
import trustme

from harness.errors import TransportKind
from harness.transports.exchange import Exchange, Timeouts
from harness.transports.gevent import GeventTransport
from harness.transports.httpx import HttpxTransport
from harness.transports.network import DIRECT, Network
from harness.wire import Request
from tests.transports.peer import Handler, Peer, serving

BOTH = pytest.mark.parametrize("made", [HttpxTransport, GeventTransport], ids=["httpx", "gevent"])
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"
TEXT = b'data: {"choices": []}\n\n' * 20
GZIPPED = gzip.compress(TEXT, mtime=0)
RAW_DEFLATE = zlib.compress(TEXT, wbits=-zlib.MAX_WBITS)
DEFLATED = zlib.compress(TEXT)


@dataclass(frozen=True, slots=True)
class Told:
    """What a peer sends before it closes, and what both must make of it."""

    sent: bytes
    kind: TransportKind | None = None
    body: bytes = b""
    status: int | None = 200


def sized(body: bytes, *fields: str, length: int | None = None) -> bytes:
    head = "".join(f"{each}\r\n" for each in fields)
    said = len(body) if length is None else length
    return OK + f"{head}Content-Length: {said}\r\n\r\n".encode() + body


def coded(coding: str, body: bytes) -> bytes:
    return sized(body, f"Content-Encoding: {coding}")


CUT, PROTOCOL = TransportKind.CUT, TransportKind.PROTOCOL
TABLE = {
    "plain": Told(sized(b"hi"), body=b"hi"),
    "chunked": Told(CHUNKED + b"2\r\nhi\r\n" + LAST, body=b"hi"),
    "two equal lengths": Told(sized(b"hi", "Content-Length: 2"), body=b"hi"),
    "two lengths in a list": Told(OK + b"Content-Length: 2, 2\r\n\r\nhi", body=b"hi"),
    "two equal lengths and a body that looks like a third": Told(
        sized(b"\r\ncontent-length: 3\r\n", "Content-Length: 21"),
        body=b"\r\ncontent-length: 3\r\n",
    ),
    "two unequal lengths": Told(sized(b"hi", "Content-Length: 3"), PROTOCOL, status=None),
    "length and chunks": Told(
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n" + LAST,
        PROTOCOL,
        status=None,
    ),
    "a folded field": Told(sized(b"hi", "X-A: one\r\n two"), body=b"hi"),
    "a field without a colon": Told(sized(b"hi", "no colon"), PROTOCOL, status=None),
    "a space before the colon": Told(sized(b"hi", "X-A : b"), PROTOCOL, status=None),
    "a bare line feed": Told(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", body=b"hi"),
    "http 1.0": Told(b"HTTP/1.0 200 OK\r\n\r\nhi", body=b"hi"),
    "to the end": Told(OK + b"\r\nhi", body=b"hi"),
    "no reason": Told(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", body=b"hi"),
    "no content": Told(b"HTTP/1.1 204 No Content\r\n\r\n", status=204),
    "gzip": Told(coded("gzip", GZIPPED), body=TEXT),
    "gzip in two members": Told(coded("gzip", GZIPPED * 2), body=TEXT * 2),
    "deflate": Told(coded("deflate", DEFLATED), body=TEXT),
    "raw deflate": Told(coded("deflate", RAW_DEFLATE), body=TEXT),
    "cut gzip": Told(coded("gzip", GZIPPED[:-9]), PROTOCOL),
    "cut deflate": Told(coded("deflate", DEFLATED[:-9]), PROTOCOL),
    "gzip that is none": Told(coded("gzip", b"hi there"), PROTOCOL),
    "empty gzip": Told(coded("gzip", b""), body=b""),
    "chunked gzip that is cut": Told(
        OK
        + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"%x\r\n%s\r\n" % (len(GZIPPED) - 9, GZIPPED[:-9])
        + LAST,
        PROTOCOL,
    ),
    "gzip to the end that is cut": Told(
        OK + b"Content-Encoding: gzip\r\n\r\n" + GZIPPED[:-9], PROTOCOL
    ),
    "a header of a megabyte": Told(sized(b"hi", f"X-A: {'a' * 1_000_000}"), PROTOCOL, status=None),
    "ten thousand fields": Told(
        sized(b"hi", *(f"X-{n}: a" for n in range(10_000))), PROTOCOL, status=None
    ),
    "cut before its length": Told(sized(b"hi", length=9), CUT, b"hi"),
    "cut in a chunk": Told(CHUNKED + b"9\r\nhi", CUT, b"hi"),
    "cut before the last chunk": Told(CHUNKED + b"2\r\nhi\r\n", CUT, b"hi"),
    "cut in the last chunk": Told(CHUNKED + b"2\r\nhi\r\n0\r\n", CUT, b"hi"),
    "cut in the head": Told(OK + b"X-A", CUT, status=None),
    "nothing": Told(b"", CUT, status=None),
    "no chunk": Told(CHUNKED + b"2\r\nhi\r\nzz\r\n", PROTOCOL, b"hi"),
    "no http": Told(b"220 mail ready\r\n\r\n", PROTOCOL, status=None),
    "interim answers": Told(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        + sized(b"hi"),
        body=b"hi",
    ),
    "trailers": Told(CHUNKED + b"2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n", body=b"hi"),
    "an extension of a chunk": Told(CHUNKED + b"2;a=b\r\nhi\r\n" + LAST, body=b"hi"),
    "more than its length": Told(sized(b"hi") + b"more", body=b"hi"),
}


def sending(data: bytes) -> Handler:
    """Read a request, send, and close in order."""

    def handle(connection: socket.socket, peer: Peer) -> None:
        peer.take(connection)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass

    return handle


def brought(made: Any, url: str, network: Network = DIRECT) -> Exchange:
    with closing(made(network=network)) as transport:
        found: Exchange = transport.send(Request("POST", url, body=b"{}"), timeouts=Timeouts(5, 5))
    return found


@BOTH
@pytest.mark.parametrize("name", TABLE)
def test_the_same_bytes_are_judged_alike(made: Any, name: str) -> None:
    told = TABLE[name]

    with serving(sending(told.sent)) as peer:
        exchange = brought(made, f"{peer.url}/x")

    response, error = exchange.response, exchange.error
    assert (None if error is None else error.kind) == told.kind, error
    assert (None if response is None else response.status) == told.status
    if told.kind is None or told.body:
        assert response is not None
        assert response.body == told.body
    assert exchange.whole == (told.kind is None)


def secure(says_so: bool, data: bytes) -> Callable[[socket.socket, Peer], None]:
    """Send over TLS, and end it with or without saying so (close_notify)."""

    def handle(connection: socket.socket, peer: Peer) -> None:
        peer.take(connection)
        connection.sendall(data)
        if says_so and isinstance(connection, ssl.SSLSocket):
            connection.unwrap()

    return handle


@pytest.fixture(name="trusted", scope="module")
def _trusted(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Network]:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return context, Network(certificates={"SSL_CERT_FILE": str(path)})


@BOTH
@pytest.mark.parametrize(
    ("data", "says_so", "kind"),
    [
        (OK + b"\r\nhi", True, None),
        (OK + b"\r\nhi", False, CUT),
        (sized(b"hi"), False, None),
        (CHUNKED + b"2\r\nhi\r\n" + LAST, False, None),
        (CHUNKED + b"2\r\nhi\r\n", False, CUT),
        (CHUNKED + b"2\r\nhi\r\n", True, CUT),
        (sized(b"hi", length=9), False, CUT),
        (sized(b"hi", length=9), True, CUT),
    ],
)
def test_the_end_of_tls_is_judged_alike(
    made: Any,
    data: bytes,
    says_so: bool,
    kind: TransportKind | None,
    trusted: tuple[ssl.SSLContext, Network],
) -> None:
    context, network = trusted

    with serving(secure(says_so, data), context=context) as peer:
        exchange = brought(made, f"https://127.0.0.1:{peer.port}/", network)

    assert (None if exchange.error is None else exchange.error.kind) == kind, exchange.error
    assert exchange.response is not None
    assert exchange.response.body == b"hi"
