"""One reader for all sockets of a process, run by gevent's hub.

It reads whatever is ready before it wakes anybody, so that bytes leave the kernel, with their time
stamps, before the slower parsing of other answers begins. On Linux one epoll descriptor stands for
all sockets (a hub watcher per socket costs more with hundreds of streams); elsewhere each socket
has its own watcher.
"""

from typing import Any, Protocol

import gevent
from gevent import monkey

_READ = 1
_EVENTS_PER_POLL = 512


class Readable(Protocol):
    """A connection as the reader sees it."""

    def fileno(self) -> int:
        """The descriptor to watch."""

    def read(self) -> bool:
        """Take in what is there, without blocking; whether somebody waits for it."""

    def wake(self) -> None:
        """Resume the greenlet that waits; called from the hub."""


class Reader:
    """Watches connections and calls them when their sockets have bytes; belongs to one hub."""

    def __init__(self) -> None:
        self._loop = gevent.get_hub().loop
        self._connections: dict[int, Readable] = {}
        self._watchers: dict[int, Any] = {}
        self._epoll = _new_epoll()
        if self._epoll is not None:
            self._watcher = self._loop.io(self._epoll.fileno(), _READ)
            self._watcher.start(self._poll)

    @property
    def shared(self) -> bool:
        """Whether one epoll descriptor stands for all sockets."""
        return self._epoll is not None

    def add(self, connection: Readable) -> None:
        """Start to read from `connection`."""
        descriptor = connection.fileno()
        self._connections[descriptor] = connection
        if self._epoll is not None:
            self._epoll.register(descriptor, _READ)
            return
        watcher = self._watchers[descriptor] = self._loop.io(descriptor, _READ)
        watcher.start(self._one, connection)

    def remove(self, connection: Readable) -> None:
        """Stop to read from `connection`; its descriptor must still be open."""
        descriptor = connection.fileno()
        if self._connections.pop(descriptor, None) is None:
            return
        if self._epoll is not None:
            self._epoll.unregister(descriptor)
            return
        watcher = self._watchers.pop(descriptor)
        watcher.stop()
        watcher.close()

    def close(self) -> None:
        """Forget every connection and free the descriptor."""
        for connection in list(self._connections.values()):
            self.remove(connection)
        if self._epoll is not None:
            self._watcher.stop()
            self._watcher.close()
            self._epoll.close()
            self._epoll = None

    def _poll(self) -> None:
        if self._epoll is None:
            return
        for descriptor, _ in self._epoll.poll(0, _EVENTS_PER_POLL):
            connection = self._connections.get(descriptor)
            if connection is not None and connection.read():
                # The hub runs these for 5 ms at most before it polls again, timers included.
                self._loop.run_callback(connection.wake)

    @staticmethod
    def _one(connection: Readable) -> None:
        if connection.read():
            connection.wake()


def _new_epoll() -> Any | None:
    """An epoll object, also where gevent's patching has removed the class; None where there is
    none.
    """
    try:
        return monkey.get_original("select", "epoll")()
    except AttributeError:
        return None
