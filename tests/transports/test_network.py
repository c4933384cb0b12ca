"""The way out: one reading of the environment, obeyed alike by both transports."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import trustme

from harness.errors import TransportKind, UsageError
from harness.transports.exchange import Exchange, Timeouts
from harness.transports.gevent import GeventTransport
from harness.transports.httpx import HttpxTransport
from harness.transports.network import Network, Proxy
from harness.wire import Request
from tests.transports.peer import Handler, Peer, answering, plain, serving

Made = Callable[[Network], Any]
BOTH = pytest.mark.parametrize("made", [HttpxTransport, GeventTransport], ids=["httpx", "gevent"])
PROXY = {"https_proxy": "http://proxy:3128"}


def through(made: Any, environment: dict[str, str], url: str, **options: Any) -> Exchange:
    """What a transport brings back through the proxies of an environment."""
    with closing(made(network=Network.of(environment), **options)) as transport:
        found: Exchange = transport.send(Request("POST", url, body=b"{}"), timeouts=Timeouts(5, 5))
    return found


def fault(exchange: Exchange) -> tuple[TransportKind, str]:
    assert exchange.error is not None
    return exchange.error.kind, str(exchange.error)


@pytest.mark.parametrize(
    ("host", "no_proxy", "direct"),
    [
        ("api.example.com", "", False),
        ("api.example.com", "example.com", True),
        ("api.example.com", ".example.com", True),
        ("api.example.com", "*.example.com", True),
        ("API.Example.com", "eXample.COM", True),
        ("notexample.com", "example.com", False),
        ("api.example.com", "other, api.example.com:443", True),
        ("api.example.com", "other api.example.com", True),
        ("api.example.com", "api.example.com:80", False),
        ("127.0.0.1", "localhost,127.0.0.1", True),
        ("127.9.9.9", "127.0.0.0/8", True),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.example", "10.0.0.0/8", False),
        ("::1", "::1", True),
        ("::1", "[::1]", True),
        ("::1", "[::1]:443", True),
        ("::1", "[::1]:80", False),
        ("fd12::7", "fd00::/8", True),
        ("fd12::7", "[fd00::]/8", True),
        ("fe80::7", "fd00::/8", False),
        ("0:0:0:0:0:0:0:1", "::1", True),
        ("anything", "*", True),
        ("anything", "a,,*,", True),
    ],
)
def test_no_proxy_lists_names_addresses_and_networks(
    host: str, no_proxy: str, direct: bool
) -> None:
    network = Network.of({**PROXY, "no_proxy": no_proxy})

    found = network.proxy_for("https", host, 443)

    assert found == (None if direct else Proxy("proxy", 3128, variable="https_proxy"))


@pytest.mark.parametrize(
    ("environment", "scheme", "variable"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, "https", "HTTPS_PROXY"),
        ({"https_proxy": "http://p:1", "HTTPS_PROXY": "http://q:1"}, "https", "https_proxy"),
        ({"https_proxy": "", "HTTPS_PROXY": "http://p:1"}, "https", "HTTPS_PROXY"),
        ({"ALL_PROXY": "http://p:1"}, "http", "ALL_PROXY"),
        ({"all_proxy": "p:1", "HTTP_PROXY": ""}, "http", "all_proxy"),
        ({"HTTP_PROXY": "http://p:1"}, "https", None),
    ],
)
def test_a_proxy_is_named_by_its_variable(
    environment: dict[str, str], scheme: str, variable: str | None
) -> None:
    found = Network.of(environment).proxy_for(scheme, "h", 443)

    assert found == (None if variable is None else Proxy("p", 1, variable=variable))


def test_a_proxys_password_is_not_shown() -> None:
    network = Network.of({"HTTPS_PROXY": "http://u:secret@[::1]:1"})

    found = network.proxy_for("https", "h", 443)

    assert str(found) == "the proxy [::1]:1 (HTTPS_PROXY)"
    assert "secret" not in repr(network) + repr(found)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("socks5://u:secret@p:1080", "got socks5://p:1080: SOCKS is not spoken"),
        ("socks5h://p", "SOCKS is not spoken"),
        ("http://u:secret@p:word", "got http://p:word: its port is no number"),
        ("http://p:99999", "its port is no number"),
        ("ftp://p:1", "got ftp://p:1"),
        ("http://", "got http://"),
    ],
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
def test_a_proxy_that_cannot_be_spoken_to_is_one_clear_line(
    address: str, said: str, variable: str
) -> None:
    with pytest.raises(UsageError) as refused:
        Network.of({variable: address}).proxy_for("https", "h.example", 443)

    message = str(refused.value)
    assert message.startswith(f"expected a proxy such as http://host:3128 in {variable}, got ")
    assert said in message
    assert message.endswith("to go without one: NO_PROXY=h.example")
    assert "secret" not in message
    assert "\n" not in message


@contextmanager
def unused_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    yield port


@BOTH
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down_is_named_and_not_the_target(made: Any, scheme: str) -> None:
    with unused_port() as port:
        environment = {f"{scheme}_proxy": f"http://127.0.0.1:{port}"}
        kind, said = fault(through(made, environment, f"{scheme}://gateway.invalid/x"))

    assert kind is TransportKind.PROXY
    assert f"the proxy 127.0.0.1:{port} ({scheme}_proxy) is down: " in said


@BOTH
def test_a_proxy_without_an_address_is_named(made: Any) -> None:
    kind, said = fault(through(made, {"http_proxy": "http://no.invalid:1"}, "http://h.invalid/"))

    assert kind is TransportKind.PROXY
    assert "the proxy no.invalid:1 (http_proxy) is down: " in said


@BOTH
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_named(made: Any, scheme: str) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
    with serving(answering(refusal)) as peer:
        environment = {f"{scheme}_proxy": peer.url}
        kind, said = fault(through(made, environment, f"{scheme}://gateway.invalid/x"))

    assert kind is TransportKind.PROXY
    assert f"the proxy 127.0.0.1:{peer.port} ({scheme}_proxy) refused: '407" in said
    assert "it wants a user and a password in its URL" in said


@BOTH
def test_a_407_of_the_target_itself_is_the_targets(made: Any) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
    with serving(answering(refusal)) as peer:
        exchange = through(made, {}, peer.url)

    assert exchange.response is not None
    assert (exchange.error, exchange.response.status) == (None, 407)


@BOTH
def test_a_proxy_that_hangs_up_on_connect_is_named(made: Any) -> None:
    def hang_up(connection: socket.socket, peer: Peer) -> None:
        peer.take(connection)

    with serving(hang_up) as peer:
        kind, said = fault(through(made, {"https_proxy": peer.url}, "https://gateway.invalid/"))

    assert kind is TransportKind.PROXY
    assert f"the proxy 127.0.0.1:{peer.port} (https_proxy) is down" in said


@BOTH
def test_plain_http_goes_through_a_proxy_with_its_password(made: Any) -> None:
    with serving(answering(plain(b"forwarded"))) as peer:
        environment = {"http_proxy": f"http://user:p%40ss@127.0.0.1:{peer.port}"}
        exchange = through(made, environment, "http://gateway.invalid/x?y=1")

    assert exchange.whole
    assert peer.requests[0].startswith(b"POST http://gateway.invalid/x?y=1 HTTP/1.1\r\n")
    assert b"proxy-authorization: basic dxnlcjpwqhnz" in peer.requests[0].lower()


def certified(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture(name="authority", scope="module")
def _authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(name="trusted")
def _trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def tunnel(inside: ssl.SSLContext) -> Handler:
    """A proxy and the server behind it in one, over memory: its own connection may be TLS."""

    def handle(connection: socket.socket, peer: Peer) -> None:
        peer.take(connection)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secure = inside.wrap_bio(incoming, outgoing, server_side=True)

        def until(step: Callable[[], Any]) -> Any:
            while True:
                try:
                    found = step()
                except ssl.SSLWantReadError:
                    found = None
                if outgoing.pending:
                    connection.sendall(outgoing.read())
                if found is not None:
                    return found
                incoming.write(connection.recv(65_536))

        def shake_hands() -> bool:
            secure.do_handshake()
            return True

        until(shake_hands)
        request = b""
        while not request.endswith(b"{}"):
            request += until(lambda: secure.read(65_536))
        secure.write(plain(b"inside"))
        connection.sendall(outgoing.read())

    return handle


@BOTH
@pytest.mark.parametrize("proxy_scheme", ["http", "https"])
def test_https_goes_through_the_tunnel_of_a_proxy(
    made: Any, proxy_scheme: str, authority: trustme.CA, trusted: str
) -> None:
    inside = certified(authority, "gateway.invalid")
    own = certified(authority, "127.0.0.1") if proxy_scheme == "https" else None
    with serving(tunnel(inside), context=own) as peer:
        environment = {
            "HTTPS_PROXY": f"{proxy_scheme}://127.0.0.1:{peer.port}",
            "SSL_CERT_FILE": trusted,
        }
        exchange = through(made, environment, "https://gateway.invalid/x")

    assert exchange.error is None
    assert exchange.response is not None
    assert exchange.response.body == b"inside"
    assert peer.requests[0].startswith(b"CONNECT gateway.invalid:443 HTTP/1.1\r\n")


@BOTH
def test_a_target_behind_a_proxy_that_is_not_trusted_is_the_targets_fault(
    made: Any, authority: trustme.CA, trusted: str
) -> None:
    with serving(tunnel(certified(authority, "other.invalid"))) as peer:
        environment = {"HTTPS_PROXY": peer.url, "SSL_CERT_FILE": trusted}
        kind, _ = fault(through(made, environment, "https://gateway.invalid/x"))

    assert kind is TransportKind.TLS


@BOTH
def test_certificates_that_cannot_be_read_are_named_by_their_variable(made: Any) -> None:
    with (
        serving(answering()) as peer,
        pytest.raises(UsageError, match=r"SSL_CERT_FILE cannot be used: No such file"),
    ):
        through(made, {"SSL_CERT_FILE": "/nonexistent.pem"}, f"https://127.0.0.1:{peer.port}/")
