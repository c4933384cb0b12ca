"""A timer of the kernel as a descriptor that becomes readable (timerfd_create(2)).

gevent's timers wait whole milliseconds, because libev hands epoll_wait nothing finer. Python offers
this call from 3.13 on; before, the C library's is used. Linux only.
"""

import ctypes
import os
import sys
import time
from typing import Any

_NONBLOCKING = 0o4000 | 0o2000000
_ABSOLUTE = 1


class _Spec(ctypes.Structure):
    """`struct itimerspec`: interval, then first expiry, each as seconds and nanoseconds."""

    _fields_ = [(name, ctypes.c_long) for name in ("every_s", "every_ns", "due_s", "due_ns")]


def _library() -> Any | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    return library if hasattr(library, "timerfd_create") else None


_LIBC = _library()


class Timer:
    """One timer on CLOCK_MONOTONIC; `descriptor` is None where the system has no such thing."""

    def __init__(self) -> None:
        made = -1 if _LIBC is None else _LIBC.timerfd_create(time.CLOCK_MONOTONIC, _NONBLOCKING)
        self.descriptor: int | None = made if made >= 0 else None

    def set(self, due_ns: int, every_ns: int = 0) -> None:
        """Expire at `due_ns`, and then every `every_ns`."""
        self._set(_Spec(*divmod(every_ns, 1_000_000_000), *divmod(max(due_ns, 1), 1_000_000_000)))

    def stop(self) -> None:
        """Expire no more."""
        self._set(_Spec(0, 0, 0, 0))

    def clear(self) -> None:
        """Note that it has expired; it is readable again at its next expiry."""
        if self.descriptor is not None:
            try:
                os.read(self.descriptor, 8)
            except BlockingIOError:
                return

    def close(self) -> None:
        """Free the descriptor; may be called again."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def _set(self, spec: _Spec) -> None:
        if _LIBC is not None and self.descriptor is not None:
            _LIBC.timerfd_settime(self.descriptor, _ABSOLUTE, ctypes.byref(spec), None)
