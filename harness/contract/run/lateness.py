"""How late this process is: a thread that asks to be woken and notes how much later it was.

A reader that is held up sees late, and then much at once, and a server on the same machine is held
up like it. So each exchange is told how late this process was while it lasted.

The kernel's receive stamps, which a load uses, would add nothing here: they take the greatest error
of a stream from 4 ms to 0.1 ms on a busy machine, and the shortest time that a clause judges is 15
ms; where a reader is later than that, the kernel has merged what waited under one stamp, the last
one's (`python -m tests.bench.stamps`).
"""

import threading
import time
from bisect import bisect_left, bisect_right
from typing import Self

PERIOD_NS = 2_000_000
BEFORE_NS = 100_000_000
"""A server on this machine is not held up at the very moments at which this process is."""
CALM_NS = 1_000_000_000
"""A machine is quiet when nobody was late for so long."""
QUIET_NS = 4_000_000
"""A machine whose processes are never later than this is quiet."""
MOST = 100_000
PATIENCE_S = 5.0
"""So long, at most, a run waits for a quiet machine before it asks again for times."""


class Lateness:
    """Samples the lateness of this process on a schedule that is fixed beforehand.

    So a process that stood still for five seconds was late by five seconds, not for one sample.
    A context manager; between its beginning and its end `during` may be asked by any thread.
    """

    def __init__(self) -> None:
        self._due: list[int] = []
        self._woken: list[int] = []
        self._late: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="lateness", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def during(self, since_ns: int, until_ns: int) -> int:
        """The most by which a time of CLOCK_MONOTONIC in this span, or shortly before, is late.

        What happened between two samples was missed by as much as lies between them.
        """
        first = bisect_left(self._woken, since_ns - BEFORE_NS)
        last = bisect_right(self._due, until_ns)
        late = max(self._late[first:last], default=0)
        return late + PERIOD_NS if late else 0

    def wait_for_quiet(self, seconds: float = PATIENCE_S) -> bool:
        """Wait, at most so long, until this process has been on time; whether it was at last."""
        until_ns = time.monotonic_ns() + int(seconds * 1e9)
        while True:
            now_ns = time.monotonic_ns()
            if self.during(now_ns - CALM_NS, now_ns) <= QUIET_NS:
                return True
            if now_ns >= until_ns:
                return False
            time.sleep(0.05)

    def note(self, due_ns: int, now_ns: int) -> int:
        """Keep how late a sample was, if that is worth a note; when the next one is due."""
        late_ns = now_ns - due_ns
        if late_ns >= PERIOD_NS // 2 and len(self._due) < MOST:
            self._late.append(late_ns)
            self._woken.append(now_ns)
            self._due.append(due_ns)
        return due_ns + PERIOD_NS * (1 + max(late_ns, 0) // PERIOD_NS)

    def _sample(self) -> None:
        due_ns = time.monotonic_ns() + PERIOD_NS
        while not self._ended.wait(max(due_ns - time.monotonic_ns(), 0) / 1e9):
            due_ns = self.note(due_ns, time.monotonic_ns())
