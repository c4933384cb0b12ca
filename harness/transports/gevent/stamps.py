"""When bytes arrived: the kernel's receive time stamp, mapped to CLOCK_MONOTONIC.

Linux stamps each packet with CLOCK_REALTIME when SO_TIMESTAMPNS is set (socket(7)), so a late
reader does not make the peer look late. Elsewhere, and for packets without a stamp, the time of the
read counts. One read has one stamp, its last segment's: what else the read holds came between that
and the last moment at which the socket was empty.
"""

import socket
import struct
import sys
import time
from typing import Any, NamedTuple

SO_TIMESTAMPNS = 35
"""asm-generic/socket.h; Python's socket module does not name it."""

READ_BYTES = 65_536
ANCILLARY_BYTES = socket.CMSG_SPACE(16)
_TIMESPEC = struct.Struct("@qq")
_STEP_NS = 1_000_000
_PREEMPTED_NS = 20_000
_LOOKS = 3


class StampedRead(NamedTuple):
    """Bytes read at once; times are CLOCK_MONOTONIC nanoseconds.

    The last byte came between `end_since_ns` and `at_ns` (equal where the kernel stamped it), every
    other one between `since_ns`, when the socket was last seen empty, and `at_ns`.
    """

    data: bytes
    at_ns: int
    since_ns: int
    end_since_ns: int


def enable(sock: socket.socket) -> bool:
    """Ask the kernel to stamp what this socket receives; False where that is not possible."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


class StampClock:
    """Maps CLOCK_REALTIME stamps to CLOCK_MONOTONIC with the offset at the last `look`.

    No stamp is used when the wall clock was stepped since the look before: it may be from before
    the step.
    """

    __slots__ = ("_offset_ns", "_sound")

    def __init__(self) -> None:
        self._offset_ns = _offset_ns()
        self._sound = True

    def look(self) -> None:
        """Compare the clocks; call it before each batch of reads, and now and then while idle."""
        offset_ns = _offset_ns()
        self._sound = -_STEP_NS <= offset_ns - self._offset_ns <= _STEP_NS
        self._offset_ns = offset_ns

    def stamp_ns(self, ancillary: list[tuple[int, int, bytes]]) -> int | None:
        """The kernel's stamp among a message's ancillary data; None without one to trust."""
        if self._sound:
            for level, kind, payload in ancillary:
                if kind == SO_TIMESTAMPNS and level == socket.SOL_SOCKET:
                    seconds, nanoseconds = _TIMESPEC.unpack_from(payload)
                    stamp_ns: int = seconds * 1_000_000_000 + nanoseconds - self._offset_ns
                    return stamp_ns
        return None


def _offset_ns() -> int:
    """Wall clock minus monotonic clock, looked up again when the process was held up between."""
    for _ in range(_LOOKS):
        before_ns = time.monotonic_ns()
        wall_ns = time.time_ns()
        after_ns = time.monotonic_ns()
        if after_ns - before_ns < _PREEMPTED_NS:
            break
    return wall_ns - (before_ns + after_ns) // 2


_TCP_INFO = getattr(socket, "TCP_INFO", None)
_INFO = struct.Struct("@100xI44xI")
"""`tcpi_total_retrans` and, in microseconds, `tcpi_min_rtt` of linux/tcp.h (since 4.6)."""


def network(sock: Any) -> tuple[int | None, int | None]:
    """The connection's least round trip in nanoseconds, and segments sent again; None if unknown.

    The smoothed one has the time of an answer in it, with which a peer sends its acknowledgement.
    """
    if _TCP_INFO is None or not sys.platform.startswith("linux"):
        return None, None
    try:
        sent_again, rtt_us = _INFO.unpack(
            sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _INFO.size)
        )
    except (OSError, struct.error):
        return None, None
    return rtt_us * 1000, sent_again
