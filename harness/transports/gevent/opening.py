"""Opens connections: by TCP or through a proxy's tunnel, with TLS where the address asks for it."""

import ssl
import time

import gevent

from harness.errors import TransportError, TransportKind
from harness.transports.exchange import Timeouts
from harness.transports.gevent.connection import Connection
from harness.transports.gevent.dial import Dialled, dial
from harness.transports.gevent.messages import Conversation
from harness.transports.gevent.outgoing import Origin, connect_request
from harness.transports.gevent.reader import Reader
from harness.transports.gevent.tls import client_context
from harness.transports.network import Network, Proxy


class Opener:
    """Opens connections for one reader; TLS is always verified, by the context that is given.

    Without one it is made of what the network trusts, when it is first needed.
    """

    def __init__(self, reader: Reader, network: Network, context: ssl.SSLContext | None) -> None:
        self._reader = reader
        self._network = network
        self._context = context

    def proxy(self, origin: Origin) -> Proxy | None:
        """The proxy through which the origin is reached; None where it is reached directly."""
        return self._network.proxy_for(origin.scheme, origin.host, origin.port)

    def open(self, origin: Origin, timeouts: Timeouts, talk: Conversation) -> Connection:
        """A new connection, through a tunnel where a proxy asks for one, with TLS where due."""
        expiry = gevent.Timeout.start_new(timeouts.connect)
        try:
            return self._connect(origin, talk)
        except gevent.Timeout as expired:
            if expired is not expiry:
                raise
            proxy = self.proxy(origin)
            way = "" if proxy is None else f" through {proxy}"
            raise TransportError(
                TransportKind.CONNECT_TIMEOUT,
                f"{origin.authority} gave no connection within {timeouts.connect:g} s{way}",
            ) from expired
        finally:
            expiry.close()

    def _dial(self, origin: Origin, proxy: Proxy | None) -> Dialled:
        """A connection within what this process may open, for its records need some of that."""
        reader = self._reader
        if reader.open >= reader.most_open:
            raise TransportError(
                TransportKind.CLIENT_LIMIT,
                f"{reader.open} connections are all that this process may open (ulimit -n)",
            )
        reader.open += 1
        try:
            return dial(origin.host, origin.port) if proxy is None else _dial_proxy(proxy)
        except BaseException:
            reader.open -= 1
            raise

    def _connect(self, origin: Origin, talk: Conversation) -> Connection:
        proxy = self.proxy(origin)
        dialled = self._dial(origin, proxy)
        talk.dns_ns, talk.connect_ns = dialled.dns_ns, dialled.connect_ns
        connection = Connection(dialled.sock, reader=self._reader)
        ready = False
        try:
            if proxy is not None and proxy.scheme == "https":
                _secure(connection, self._trusting(), proxy)
            if origin.scheme == "https":
                if proxy is not None:
                    _tunnel(connection, origin, proxy)
                started_ns = time.monotonic_ns()
                connection.start_tls(self._trusting(), origin.host)
                talk.tls_ns = time.monotonic_ns() - started_ns
            ready = True
        except OSError as error:
            kind = TransportKind.TLS if origin.scheme == "https" else TransportKind.RESET
            raise TransportError(kind, f"{origin.authority} broke off: {error}") from error
        finally:
            if not ready:
                connection.close()
        return connection

    def _trusting(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = client_context(self._network)
        return self._context


def _dial_proxy(proxy: Proxy) -> Dialled:
    """A connection to the proxy; a proxy that is down is no fault of the target."""
    try:
        return dial(proxy.host, proxy.port)
    except TransportError as error:
        if error.kind is TransportKind.CLIENT_LIMIT:
            raise
        raise proxy.down(error) from error


def _secure(connection: Connection, context: ssl.SSLContext, proxy: Proxy) -> None:
    """Speak TLS with the proxy itself."""
    try:
        connection.start_tls(context, proxy.host)
    except (TransportError, OSError) as error:
        raise proxy.down(error) from error


def _tunnel(connection: Connection, origin: Origin, proxy: Proxy) -> None:
    """Have the proxy pass everything on to `origin`."""
    connection.write(connect_request(origin, proxy.authorization), None)
    answer = b""
    while b"\r\n\r\n" not in answer:
        arrivals = connection.receive()
        answer += b"".join(arrival.data for arrival in arrivals)
        if not arrivals or len(answer) > 65_536:
            raise proxy.down("it hung up on CONNECT")
    status_line = answer.partition(b"\r\n")[0].decode("latin-1")
    if status_line.split(" ")[1:2] != ["200"]:
        raise proxy.refused(status_line.partition(" ")[2])
