"""Plays one framed answer on a transport, every piece at its own moment."""

from collections.abc import Callable, Iterator
from typing import Protocol

from harness.gateway.framing import Framed, pieces

_BATCH_BYTES = 65536


class ScheduledCall(Protocol):
    """What `call_at` returns."""

    def cancel(self) -> None:
        """Do not call."""


class Loop(Protocol):
    """The part of an asyncio event loop that a schedule needs."""

    def time(self) -> float:
        """Seconds that never go back."""
        ...

    def call_at(self, when: float, callback: Callable[[], None]) -> ScheduledCall:
        """Call once, at `when` or later."""
        ...


class Writer(Protocol):
    """The part of an asyncio transport that a schedule needs."""

    def write(self, data: bytes) -> None:
        """Send, or keep in order for later; may call `Delivery.pause` at once."""


class Delivery:
    """The sending of one answer: absolute times, so that a late piece delays no later one.

    `arrived` is the event loop's time of the complete request, from which all times count.
    `on_end` is called once, when everything was handed to the transport and the end is due.
    """

    def __init__(
        self,
        transport: Writer,
        framed: Framed,
        *,
        arrived: float,
        loop: Loop,
        on_end: Callable[[], None],
    ) -> None:
        self.framed = framed
        self.sent_bytes = 0
        self.late_s = 0.0
        self._transport = transport
        self._arrived = arrived
        self._loop = loop
        self._on_end = on_end
        self._pieces: Iterator[tuple[int, bytes]] = pieces(framed)
        self._due = 0.0
        self._data = b""
        self._more = self._advance()
        self._timer: ScheduledCall | None = None
        self._paused = False

    @property
    def sending(self) -> bool:
        """Whether something of the answer is still to come."""
        return self._more

    def pause(self) -> None:
        """Stop sending, because the reader is slower than the schedule."""
        self._paused = True

    def resume(self) -> None:
        """Go on sending; what became due in the meantime goes out at once."""
        self._paused = False
        self.play()

    def hasten(self, by_ns: int) -> None:
        """Send all that is still to come so much earlier."""
        self._arrived -= by_ns / 1e9
        self._due -= by_ns / 1e9
        if self._more:
            self.play()

    def stop(self) -> None:
        """Send nothing more and never call `on_end`."""
        self._more = False
        if self._timer is not None:
            self._timer.cancel()

    def play(self) -> None:
        """Send all that is due and wait for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._more and not self._paused:
            now = self._loop.time()
            if self._due > now:
                self._timer = self._loop.call_at(self._due, self.play)
                return
            self._send_due(now)

    def _send_due(self, now: float) -> None:
        self.late_s = max(self.late_s, now - self._due)
        batch, size = [], 0
        while self._more and self._due <= now and size < _BATCH_BYTES:
            batch.append(self._data)
            size += len(self._data)
            self._more = self._advance()
        if size:
            self.sent_bytes += size
            self._transport.write(b"".join(batch))
        if not self._more:
            self._on_end()

    def _advance(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._due = self._arrived + piece[0] / 1e9
        self._data = piece[1]
        return True
