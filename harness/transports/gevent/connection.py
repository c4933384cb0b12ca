"""One TCP connection, with TLS on top where asked: bytes out, bytes with receive times in."""

import socket
import ssl
import time
from collections import deque
from typing import Any

import gevent
import gevent.socket
from gevent.hub import Waiter

from harness.errors import TransportError, TransportKind
from harness.transports.gevent import stamps
from harness.transports.gevent.reader import Reader
from harness.transports.gevent.stamps import Arrival, Clock
from harness.transports.gevent.tls import TlsLayer

_READ_BYTES = 65_536
_INBOX_BYTES = 8 * 1024 * 1024
"""A peer that sends faster than its answer is parsed stays in the kernel's buffers from here on."""


class Connection:
    """A connected socket whose bytes the shared `Reader` collects in an inbox with their times.

    Reading goes on while nobody asks, so that the peer's end of the connection is seen at once:
    a parked connection then closes itself. Takes ownership of `sock`; not for more than one
    greenlet at a time.
    """

    def __init__(self, sock: socket.socket, *, reader: Reader, clock: Clock) -> None:
        self.requests = 0
        self.parked_ns: int | None = None
        self._sock = sock
        self._descriptor = sock.fileno()
        self._reader = reader
        self._clock = clock
        self._tls: TlsLayer | None = None
        self._inbox: deque[Arrival | OSError] = deque()
        self._inbox_bytes = 0
        self._paused = False
        self._waiter: Waiter[None] | None = None
        self._timer: Any = None
        self._timer_due_ns = 0
        stamps.enable(sock)
        reader.add(self)

    def fileno(self) -> int:
        """The socket's descriptor, negative once closed."""
        return self._descriptor

    def close(self) -> None:
        """Close the socket; may be called again."""
        if self._descriptor < 0:
            return
        self._reader.remove(self)
        self._descriptor = -1
        self._stop_timer()
        self._sock.close()

    # What the reader calls in the hub; none of it blocks.

    def read(self) -> bool:
        """Move what the kernel has into the inbox; whether a greenlet waits for it."""
        try:
            arrival = stamps.receive(self._sock, _READ_BYTES, self._clock)
        except BlockingIOError:
            return False
        except OSError as error:
            self._inbox.append(error)
            self._reader.remove(self)
            return self._waiter is not None
        self._inbox.append(arrival)
        self._inbox_bytes += len(arrival.data)
        if not arrival.data:
            self._reader.remove(self)
            if self.parked_ns is not None:
                self.close()
        elif self._inbox_bytes > _INBOX_BYTES:
            self._paused = True
            self._reader.remove(self)
        return self._waiter is not None

    def wake(self) -> None:
        """Resume the greenlet that waits, if one does."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.switch(None)

    # What the transport calls in a greenlet.

    def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Do the handshake and speak TLS from here on."""
        tls = TlsLayer(context, server_name)
        while True:
            try:
                done = tls.handshake()
            finally:
                self._send(tls.outgoing())
            if done:
                break
            arrival = self.receive(None)
            if arrival is None or not arrival.data:
                raise TransportError(
                    TransportKind.TLS, f"{server_name} hung up during the TLS handshake"
                )
            tls.feed(arrival.data)
        self._tls = tls

    def write(self, data: bytes, patience: float | None) -> int:
        """Send everything; the CLOCK_MONOTONIC time just before the last byte was handed over.

        Raises OSError when the peer takes no more, TimeoutError after `patience` seconds of that.
        """
        return self._send(data if self._tls is None else self._tls.encrypt(data), patience)

    def receive(self, deadline_ns: int | None) -> Arrival | None:
        """The next bytes (none of them: the peer's end), or None at the deadline.

        Raises ConnectionError when the connection was reset.
        """
        while self._inbox or self._wait(deadline_ns):
            arrival = self._take()
            if self._tls is None:
                return arrival
            self._tls.feed(arrival.data)
            plain, ended = self._tls.decrypt()
            if plain or ended:
                return arrival._replace(data=plain)
        return None

    def park(self) -> None:
        """Keep the connection for another request, unless the peer has already said more."""
        if self._inbox:
            self.close()
        self.parked_ns = time.monotonic_ns()

    def unpark(self, longest_ns: int) -> bool:
        """Whether it is fit for another request: open, nothing unasked has come, not too old."""
        parked_ns, self.parked_ns = self.parked_ns, None
        if self._descriptor < 0 or parked_ns is None:
            return False
        if time.monotonic_ns() - parked_ns > longest_ns:
            return False
        self.read()
        while self._inbox and self._tls is not None:
            arrival = self._inbox.popleft()
            if isinstance(arrival, OSError):
                return False
            self._tls.feed(arrival.data)
            plain, ended = self._tls.decrypt()
            if plain or ended:
                return False
        return not self._inbox

    def _take(self) -> Arrival:
        arrival = self._inbox.popleft()
        if isinstance(arrival, OSError):
            self._inbox.append(arrival)
            raise ConnectionError(str(arrival)) from arrival
        self._inbox_bytes -= len(arrival.data)
        if not arrival.data:
            self._inbox.append(arrival)
        elif self._paused and not self._inbox:
            self._paused = False
            self._reader.add(self)
        return arrival

    def _send(self, data: bytes, patience: float | None = None) -> int:
        """Hand `data` to the kernel, waiting where its buffer is full."""
        view = memoryview(data)
        while True:
            sent_ns = time.monotonic_ns()
            try:
                view = view[self._sock.send(view) :]
            except BlockingIOError:
                gevent.socket.wait_write(self._descriptor, patience)
                continue
            if not view:
                return sent_ns

    def _wait(self, deadline_ns: int | None) -> bool:
        """Sleep until something is in the inbox; False when the deadline came first."""
        while not self._inbox:
            if deadline_ns is not None and not self._arm(deadline_ns):
                return False
            waiter: Waiter[None] = Waiter()
            self._waiter = waiter
            try:
                waiter.get()
            finally:
                self._waiter = None
        return True

    def _arm(self, deadline_ns: int) -> bool:
        """Have `wake` called by the deadline; False when that has passed.

        A timer that is due earlier stays and wakes for nothing once: cheaper than one timer per
        read.
        """
        now_ns = time.monotonic_ns()
        if now_ns >= deadline_ns:
            return False
        if self._timer is None or not self._timer.active or self._timer_due_ns > deadline_ns:
            self._stop_timer()
            self._timer = gevent.get_hub().loop.timer((deadline_ns - now_ns) / 1e9)
            self._timer.start(self.wake, update=True)
            self._timer_due_ns = deadline_ns
        return True

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None
