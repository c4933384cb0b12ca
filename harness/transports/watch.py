"""A bound on a whole exchange: httpcore's own timeouts start anew with every byte."""

import contextlib
import socket
import threading
from typing import Any
from weakref import WeakSet


class Connections:
    """The open sockets of one transport, and which of them an exchange is known to use."""

    def __init__(self) -> None:
        self.opened: WeakSet[socket.socket] = WeakSet()
        self.claimed: WeakSet[socket.socket] = WeakSet()

    def shut(self) -> None:
        """Shut every connection down, so that blocked reads return."""
        for connection in tuple(self.opened):
            _shut(connection)


def _shut(connection: socket.socket) -> None:
    # The plain method: an SSLSocket's own drops the session under the blocked reader.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


class Watch:
    """Shuts an exchange's connection down when its time is up, so that a blocked read returns.

    Which kept-alive connection a request got is known only with the head of its answer; before
    that, every connection is shut down that no other exchange has claimed.
    """

    def __init__(self, seconds: float | None, connections: Connections) -> None:
        self.expired = False
        self._seconds = seconds
        self._connections = connections
        self._own: socket.socket | None = None
        self._timer: threading.Timer | None = None

    def trace(self, name: str, info: dict[str, Any]) -> None:
        """httpcore's trace extension: called on a real network only, so never under respx."""
        if self._timer is None and self._seconds is not None:
            self._timer = threading.Timer(self._seconds, self._expire)
            self._timer.daemon = True
            self._timer.start()
        if name.endswith(("connect_tcp.complete", "start_tls.complete")):
            self.claim(info["return_value"].get_extra_info("socket"))

    def claim(self, connection: socket.socket | None) -> None:
        """Note the connection that this exchange uses."""
        if connection is not None:
            self._own = connection
            self._connections.opened.add(connection)
            self._connections.claimed.add(connection)

    def stop(self) -> None:
        """The exchange is over."""
        if self._timer is not None:
            self._timer.cancel()
        if self._own is not None:
            self._connections.claimed.discard(self._own)

    def _expire(self) -> None:
        self.expired = True
        known = self._connections
        mine = (self._own,) if self._own else tuple(set(known.opened) - set(known.claimed))
        for connection in mine:
            _shut(connection)
