"""One client's connection to the stand-in: requests to the service, answers out on their schedule.

A connection only ever ends itself: nothing that a client does stops the server.
"""

import asyncio
import fcntl
import socket
import struct
import termios
from dataclasses import dataclass
from typing import cast

from harness.gateway.framing import OPEN_S, Framed, frame
from harness.gateway.ledger import Seen
from harness.gateway.server.delivery import Delivery
from harness.gateway.server.reader import BadRequest, ParserPause, ReceivedRequest, RequestReader
from harness.gateway.service import Service
from harness.wire import End

_LINGER_ZERO = struct.pack("ii", 1, 0)
_PIPELINED_BYTES = 65_536
_FLUSH_POLL_S = 0.001


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bounds of one connection: bytes of a request's head and body, and seconds.

    `held_bytes` is what the unfinished requests of all connections may hold together.
    `idle_s` between requests, `request_s` from a request's first byte to its last, `write_s` for a
    reader that takes nothing, `open_s` for an answer that never ends, `linger_s` for a client to
    close after the server did. Deadlines are looked at every `sweep_s`.
    """

    head_bytes: int = 65_536
    body_bytes: int = 104_857_600
    held_bytes: int = 268_435_456
    idle_s: float = 75.0
    request_s: float = 60.0
    write_s: float = 60.0
    open_s: float = OPEN_S
    linger_s: float = 2.0
    sweep_s: float = 1.0


class UnfinishedBytes:
    """How many bytes the unfinished requests of a server hold together."""

    def __init__(self) -> None:
        self.bytes = 0


class ServerConnection(asyncio.Protocol):
    """Reads requests one after the other and plays the answers; pipelined requests wait.

    `deadline` is the loop time after which the client has been silent, or has not read, for too
    long; the server calls `expire` then.
    """

    def __init__(
        self,
        service: Service,
        limits: ConnectionLimits,
        members: set["ServerConnection"],
        held: UnfinishedBytes,
    ) -> None:
        self.deadline: float | None = None
        self._service = service
        self._limits = limits
        self._members = members
        self._held = held
        self._holding = 0
        self._parsing = False
        self._loop = asyncio.get_running_loop()
        self._reader = RequestReader(
            head_bytes=self._limits.head_bytes, body_bytes=self._limits.body_bytes
        )
        self._delivery: Delivery | None = None
        self._seen: Seen | None = None
        self._peer_finished = False
        self._draining = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the new connection."""
        self._transport = cast(asyncio.Transport, transport)
        self._members.add(self)
        self._wait(self._limits.idle_s)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Stop the answer in progress and note that its client is gone."""
        self._members.discard(self)
        self._hold(0)
        if self._delivery is not None:
            self._delivery.stop()
            seen = self._note("disconnected")
            if seen is not None:
                self._service.left(seen, left_ns=self._now_ns())

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client; while an answer is being sent, only keep them."""
        if self._draining:
            return
        if self._delivery is None and not self._reader.buffered:
            self._wait(self._limits.request_s)
        self._reader.feed(data)
        if self._delivery is None:
            if not self._parsing:
                self._read()
        elif self._reader.buffered > _PIPELINED_BYTES:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Go on sending to a client that has only closed its own direction; not under TLS.

        One that does so before its answer has begun is most likely gone, and nginx says 499 then:
        the model hears that it left, and its slot goes to another.
        """
        self._peer_finished = True
        if self._delivery is not None and self._seen is not None and not self._delivery.sent_bytes:
            self._service.left(self._seen, left_ns=self._now_ns())
        if self._delivery is None and not self._draining:
            self._reader.feed(b"")
            if not self._parsing:
                self._read()
        return self._more_to_come() and self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """Hold the schedule until a slow reader has caught up, for a bounded time."""
        self._wait(self._limits.write_s)
        if self._delivery is not None:
            self._delivery.pause()

    def resume_writing(self) -> None:
        """Go on where the slow reader stopped."""
        self.deadline = None
        if self._draining:
            self._wait(self._limits.write_s)
        else:
            # Not from here: when a write fails inside this call, asyncio closes the socket twice.
            self._loop.call_soon(self._resume)

    def _resume(self) -> None:
        if self._delivery is not None and not self._transport.is_closing():
            self._delivery.resume()

    def expire(self) -> None:
        """End a connection whose deadline has passed; a half-sent request is told so."""
        if self._delivery is None and not self._draining and self._reader.buffered:
            self._refuse(BadRequest(408, "the request did not arrive in time"))
        else:
            self._transport.abort()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _more_to_come(self) -> bool:
        delivery = self._delivery
        silent = delivery is None or (delivery.framed.end is End.OPEN and not delivery.sending)
        return self._parsing or not silent

    def _now_ns(self) -> int:
        return int(self._loop.time() * 1e9)

    def _wait(self, seconds: float) -> None:
        self.deadline = self._loop.time() + seconds

    def _read(self) -> None:
        arrived = self._loop.time()
        incoming = self._reader.next()
        self._hold(self._reader.buffered)
        if self._held.bytes > self._limits.held_bytes:
            self._refuse(
                BadRequest(503, f"unfinished requests hold {self._limits.held_bytes} bytes")
            )
        elif isinstance(incoming, ParserPause):
            self._parsing = True
            self._transport.pause_reading()
            self._loop.call_soon(self._read_on)
        elif isinstance(incoming, ReceivedRequest):
            self._answer(incoming, arrived)
        elif incoming is not None:
            self._refuse(incoming)
        elif self._peer_finished:
            self._close()
        elif self._reader.wants_continue():
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _read_on(self) -> None:
        """Parse more of a request in many pieces, after others have had their turn."""
        self._parsing = False
        if self._delivery is None and not self._transport.is_closing():
            self._transport.resume_reading()
            self._read()

    def _hold(self, size: int) -> None:
        """Note what is held of an unfinished request."""
        self._held.bytes += size - self._holding
        self._holding = size

    def _answer(self, incoming: ReceivedRequest, arrived: float) -> None:
        self.deadline = None
        request = incoming.request
        response, self._seen = self._service.answer(request, arrived_ns=int(arrived * 1e9))
        framed = frame(
            response,
            method=request.method,
            version=incoming.version,
            keep_alive=incoming.keep_alive,
        )
        self._delivery = self._delivery_of(framed, arrived)
        self._service.follow(self._seen, self._delivery.hasten)
        self._delivery.play()

    def _refuse(self, refusal: BadRequest) -> None:
        self._hold(0)
        response = self._service.refuse(refusal.status, refusal.reason)
        self._delivery = self._delivery_of(frame(response, keep_alive=False), self._loop.time())
        self._delivery.play()

    def _delivery_of(self, framed: Framed, arrived: float) -> Delivery:
        return Delivery(self._transport, framed, arrived=arrived, loop=self._loop, on_end=self._end)

    def _end(self) -> None:
        """End as the answer says, when its schedule is over."""
        framed = cast(Delivery, self._delivery).framed
        if framed.end is End.RESET:
            self._wait(self._limits.write_s)
            self._reset()
        elif framed.end is End.OPEN:
            self._note(End.OPEN)
            self._wait(self._limits.open_s)
        elif framed.keep_alive:
            self._note(framed.end)
            self._loop.call_soon(self._next)
        else:
            self._note(framed.end)
            self._close()

    def _next(self) -> None:
        """Turn to the next request, which may have been sent already."""
        if self._transport.is_closing():
            return
        self._delivery = None
        self._wait(self._limits.request_s if self._reader.buffered else self._limits.idle_s)
        self._transport.resume_reading()
        self._read()

    def _close(self) -> None:
        """Send all, then FIN, and let the client close: unread bytes would turn FIN into RST."""
        self._delivery = None
        if self._peer_finished or not self._transport.can_write_eof():
            self._transport.close()
            return
        self._draining = True
        unsent = self._transport.get_write_buffer_size()
        self._wait(self._limits.write_s if unsent else self._limits.linger_s)
        self._transport.write_eof()
        self._transport.resume_reading()

    def _reset(self) -> None:
        """Send RST, but only after what was sent before it has arrived."""
        raw = self._transport.get_extra_info("socket")
        if self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() or _unacknowledged(raw):
            self._loop.call_later(_FLUSH_POLL_S, self._reset)
            return
        self._note(End.RESET)
        self._delivery = None
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._transport.abort()

    def _note(self, end: str) -> Seen | None:
        """Complete the record of the answer and return it; None when it was complete."""
        if self._seen is None or self._delivery is None or self._seen.end is not None:
            return None
        self._seen.end = str(end)
        self._seen.sent_bytes = self._delivery.sent_bytes
        self._seen.late_ns = int(self._delivery.late_s * 1e9)
        self._seen.ended_ns = self._now_ns()
        self._service.ended(self._seen)
        return self._seen


def _unacknowledged(raw: socket.socket) -> int:
    """How many bytes the client's kernel has not taken yet (SIOCOUTQ of tcp(7))."""
    return int(struct.unpack("i", fcntl.ioctl(raw.fileno(), termios.TIOCOUTQ, bytes(4)))[0])
