"""One TCP connection, with TLS on top where asked: bytes out, bytes with receive times in."""

import math
import socket
import ssl
import time
from typing import Any

import gevent
import gevent.socket

from harness.errors import TransportError, TransportKind
from harness.transports.gevent import stamps
from harness.transports.gevent.framing import EndOfAnswer
from harness.transports.gevent.reader import Reader
from harness.transports.gevent.stamps import StampedRead
from harness.transports.gevent.tls import InnerTls, TlsLayer
from harness.wire import End

MOST_READS = 32
MOST_BYTES = 65_536
"""So many reads or bytes that nobody has parsed wake whoever waits for the answer."""
INBOX_BYTES = 1024 * 1024
"""A peer that sends faster than its answer is parsed stays in the kernel's buffers from here on."""
UNPARSED_NS = 300_000_000
"""After so long somebody reads what has come, also of an answer whose end was not recognised."""
_BUFFER = memoryview(bytearray(stamps.READ_BYTES))
_ROOM = (_BUFFER,)
"""All connections of a process are read into one buffer, one after another. Room of this size asked
for with each read would leave holes that no later read fits into: memory would grow for hours."""


class Connection:
    """A connected socket whose bytes the shared `Reader` collects in an inbox with their times.

    Reading goes on while nobody asks, so that the peer's end of the connection is seen at once:
    a parked connection then closes itself. Whoever waits is woken when the answer may be whole, not
    for each piece of it. Takes ownership of `sock`, which is counted as open; not for more than one
    greenlet at a time.

    `end` is how the peer ended its side (`COMPLETE`: as the protocol says), None while it has not.
    `reads` counts reads of bytes, `unstamped` those of them without a stamp of the kernel.
    """

    def __init__(self, sock: socket.socket, *, reader: Reader) -> None:
        self.requests = 0
        self.parked_ns: int | None = None
        self.longest_idle_ns: int | None = None
        self.end: End | None = None
        self.reads = self.unstamped = 0
        self.last_read_ns: int | None = None
        self._sock = sock
        self._recvmsg_into = sock.recvmsg_into
        self._descriptor = sock.fileno()
        self._reader = reader
        self._tls: TlsLayer | InnerTls | None = None
        self._inbox: list[StampedRead] = []
        self._inbox_bytes = 0
        self._undrained_ns: int | None = None
        self._paused = False
        self._failure: TransportError | None = None
        self._answer: EndOfAnswer | None = None
        self._greenlet: Any = None
        self._deadline_ns: float = math.inf
        self._sent_again = 0
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
        self._reader.open -= 1
        self._sock.close()

    # What the reader calls in the hub; none of it blocks.

    def read(self, since_ns: int) -> bool:
        """Move what the kernel has into the inbox; whether a greenlet is to be woken for it."""
        try:
            size, ancillary, _, _ = self._recvmsg_into(_ROOM, stamps.ANCILLARY_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            return self._ended(End.RESET)
        if not size:
            said = self._tls is None or self._tls.closed
            return self._ended(End.COMPLETE if said else End.CUT)
        at_ns = self._reader.clock.stamp_ns(ancillary)
        return self._take_in(_BUFFER[:size].tobytes(), at_ns, since_ns)

    def overdue(self, now_ns: int) -> bool:
        """Whether the deadline of whoever waits has passed, or bytes lie there unparsed."""
        if self._greenlet is None:
            return False
        if self._inbox and now_ns - self._inbox[0].at_ns > UNPARSED_NS:
            return True
        return now_ns >= self._deadline_ns

    def wake(self) -> None:
        """Resume the greenlet that waits, if one does."""
        greenlet, self._greenlet = self._greenlet, None
        if greenlet is not None:
            greenlet.switch()

    @property
    def plain(self) -> bool:
        """Whether the answer that is awaited has come whole and is a usual, plain one."""
        return self._answer is not None and self._answer.plain and self.end is None

    # What the transport calls in a greenlet.

    def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Do the handshake and speak TLS from here on, inside of TLS where that is spoken."""
        outer, tls = self._tls, TlsLayer(context, server_name)
        while True:
            try:
                done = tls.handshake()
            finally:
                said = tls.outgoing()
                self._send(said if outer is None or not said else outer.encrypt(said))
            if done:
                break
            arrivals = self.receive()
            if not arrivals:
                raise TransportError(
                    TransportKind.TLS, f"{server_name} hung up during the TLS handshake"
                )
            for arrival in arrivals:
                tls.feed(arrival.data)
        self._tls = tls
        self._decrypt_early()
        if outer is not None:
            self._tls = InnerTls(outer, tls)

    def write(self, data: bytes, patience: float | None) -> tuple[int, int]:
        """Send everything; CLOCK_MONOTONIC before and after the last bytes were handed over.

        Raises OSError when the peer takes no more, TimeoutError after `patience` seconds of that.
        """
        self._answer = EndOfAnswer()
        return self._send(data if self._tls is None else self._tls.encrypt(data), patience)

    def receive(self, deadline_ns: float = math.inf) -> list[StampedRead]:
        """All that has come, when the answer may be whole or much has come; empty at the deadline
        and at the peer's end, which `end` tells apart.

        Raises the TransportError of broken TLS.
        """
        inbox = self._inbox
        if not inbox and self.end is None and self._failure is None:
            self._wait(deadline_ns)
            inbox = self._inbox
        if self._failure is not None and not inbox:
            raise self._failure
        self._inbox, self._inbox_bytes = [], 0
        if self._paused:
            self._paused = False
            self._reader.add(self)
        return inbox

    def rest(self) -> list[StampedRead]:
        """All that has come and was not received, where nobody will wait for more."""
        inbox, self._inbox, self._inbox_bytes = self._inbox, [], 0
        return inbox

    def park(self) -> None:
        """Keep the connection for another request, unless the peer has already said more."""
        self._answer = None
        if self._inbox or self.end is not None or self._failure is not None:
            self.close()
        self.parked_ns = time.monotonic_ns()

    def unpark(self, longest_ns: int) -> bool:
        """Whether it is fit for another request: open, nothing unasked has come, not too old."""
        parked_ns, self.parked_ns = self.parked_ns, None
        if self._descriptor < 0 or parked_ns is None:
            return False
        if self.longest_idle_ns is not None:
            longest_ns = min(longest_ns, self.longest_idle_ns)
        if time.monotonic_ns() - parked_ns > longest_ns:
            return False
        self.read(parked_ns)
        return not self._inbox and self.end is None and self._failure is None

    def network(self) -> tuple[int | None, int | None]:
        """The kernel's round trip in nanoseconds, and segments sent again since the last call."""
        rtt_ns, sent_again = stamps.network(self._sock)
        if sent_again is None:
            return rtt_ns, None
        before, self._sent_again = self._sent_again, sent_again
        return rtt_ns, sent_again - before

    def _take_in(self, data: bytes, stamp_ns: int | None, since_ns: int) -> bool:
        now_ns = time.monotonic_ns()
        self.reads += 1
        if self._undrained_ns is not None:
            since_ns = self._undrained_ns
        self._undrained_ns = since_ns if len(data) == stamps.READ_BYTES else None
        if stamp_ns is None:
            self.unstamped += 1
            at_ns, end_since_ns = now_ns, min(since_ns, now_ns)
        else:
            at_ns = end_since_ns = stamp_ns if stamp_ns < now_ns else now_ns
            since_ns = since_ns if since_ns < at_ns else at_ns
        self.last_read_ns = at_ns
        if self._tls is not None:
            data, whole = self._decrypted(self._tls, data)
            if not data:
                return self._greenlet is not None and self.end is not None
            end_since_ns = end_since_ns if whole else since_ns
        self._inbox.append(StampedRead(data, at_ns, since_ns, end_since_ns))
        self._inbox_bytes += len(data)
        if self._inbox_bytes > INBOX_BYTES and not self._paused and self._descriptor >= 0:
            self._paused = True
            self._undrained_ns = since_ns
            self._reader.remove(self)
        whole = self._answer is None or self._answer.seen(data) or self.end is not None
        return self._greenlet is not None and (
            whole or len(self._inbox) >= MOST_READS or self._inbox_bytes >= MOST_BYTES
        )

    def _decrypted(self, tls: TlsLayer | InnerTls, data: bytes) -> tuple[bytes, bool]:
        """The plain bytes, and whether the last record of what was read is whole."""
        tls.feed(data)
        try:
            plain, ended = tls.decrypt()
        except TransportError as error:
            self._failure = error
            self.end = End.CUT
            return b"", False
        if ended is not None:
            self._ended(ended)
        return plain, tls.drained

    def _decrypt_early(self) -> None:
        """Decrypt what came with the last message of the handshake, such as session tickets."""
        arrivals, self._inbox, self._inbox_bytes = self._inbox, [], 0
        for arrival in arrivals:
            self._take_in(arrival.data, arrival.at_ns, arrival.since_ns)

    def _ended(self, end: End) -> bool:
        """Note the peer's end; a parked connection closes itself."""
        if self.end is None:
            self.end = end
        self._reader.remove(self)
        if self.parked_ns is not None:
            self.close()
        return self._greenlet is not None

    def _send(self, data: bytes, patience: float | None = None) -> tuple[int, int]:
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
                return sent_ns, time.monotonic_ns()

    def _wait(self, deadline_ns: float) -> None:
        """Sleep until woken: for what has come, for the peer's end, or for the deadline."""
        self._deadline_ns = deadline_ns
        self._greenlet = gevent.getcurrent()
        self._reader.expect()
        try:
            gevent.get_hub().switch()
        finally:
            self._greenlet = None
            self._reader.waiting -= 1
