"""A scripted HTTP server: what it does with each connection is a function over the raw socket."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Handler = Callable[[socket.socket, "Peer"], None]


@dataclass
class Peer:
    """A running server; `requests` holds what arrived, whole, in order of arrival."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self.port}"

    def take(self, connection: socket.socket) -> bytes:
        """Read one request with its body; empty when the client has closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65_536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if b"content-length" in line]
        wanted = int(lengths[0].partition(b":")[2]) if lengths else 0
        while len(body) < wanted:
            body += connection.recv(65_536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]


@contextmanager
def serving(handler: Handler, *, context: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """Run `handler` for each connection, in a thread of its own; it is closed afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = Peer(listener.getsockname()[1])
        threads: list[threading.Thread] = []

        def handle(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                if context is None:
                    handler(connection, peer)
                    return
                with context.wrap_socket(connection, server_side=True) as secure:
                    handler(secure, peer)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.settimeout(5)
                peer.connections += 1
                threads.append(threading.Thread(target=handle, args=(connection,)))
                threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield peer
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()


def answering(*answers: bytes) -> Handler:
    """Read a request and send one answer, for each of them, on one connection; then close."""

    def handle(connection: socket.socket, peer: Peer) -> None:
        for answer in answers:
            if not peer.take(connection):
                return
            connection.sendall(answer)

    return handle


def plain(body: bytes, *fields: str) -> bytes:
    """A 200 answer with a Content-Length."""
    head = "".join(f"{line}\r\n" for line in (*fields, f"content-length: {len(body)}"))
    return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body
