"""When bytes arrived: the kernel's receive time stamp, mapped to CLOCK_MONOTONIC.

Linux stamps each packet with CLOCK_REALTIME when SO_TIMESTAMPNS is set (socket(7)), so a late
reader does not make the peer look late. Elsewhere, and for packets without a stamp, the time of the
read counts.
"""

import socket
import struct
import sys
import time
from typing import NamedTuple

SO_TIMESTAMPNS = 35
"""asm-generic/socket.h; Python's socket module does not name it."""

_TIMESPEC = struct.Struct("@qq")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)
_STEP_NS = 1_000_000


class Arrival(NamedTuple):
    """Bytes read at once, their CLOCK_MONOTONIC time, and whether the kernel stamped it."""

    data: bytes
    at_ns: int
    kernel: bool


def enable(sock: socket.socket) -> bool:
    """Ask the kernel to stamp what this socket receives; False where that is not possible."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


class Clock:
    """Maps CLOCK_REALTIME stamps to CLOCK_MONOTONIC with the offset between both at each read.

    A stamp is not used when the wall clock was stepped since the last read: it may be from before
    the step.
    """

    def __init__(self) -> None:
        self._offset_ns: int | None = None

    def monotonic_ns(self, stamp_ns: int) -> int | None:
        """The stamp on the monotonic clock, never later than now; None after a clock step."""
        wall_ns, now_ns = time.time_ns(), time.monotonic_ns()
        offset_ns = wall_ns - now_ns
        known_ns, self._offset_ns = self._offset_ns, offset_ns
        if known_ns is not None and abs(offset_ns - known_ns) > _STEP_NS:
            return None
        return min(stamp_ns - offset_ns, now_ns)


def receive(sock: socket.socket, size: int, clock: Clock) -> Arrival:
    """Read at most `size` bytes; raises BlockingIOError when there are none yet."""
    data, ancillary, _, _ = sock.recvmsg(size, _ANCILLARY_BYTES)
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(payload[: _TIMESPEC.size])
            at_ns = clock.monotonic_ns(seconds * 1_000_000_000 + nanoseconds)
            if at_ns is not None:
                return Arrival(data, at_ns, kernel=True)
    return Arrival(data, time.monotonic_ns(), kernel=False)
