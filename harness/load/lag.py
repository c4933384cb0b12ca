"""How late this process is: a greenlet that asks to be woken and notes how much later it was."""

import time

import gevent

from harness.measure.histogram import Histogram

PERIOD_NS = 10_000_000
PAUSE_NS = 200_000_000
"""From here on a lateness is told with its time: the process did not run."""
MOST_PAUSES = 1_000


class LagProbe:
    """Samples the loop's lateness a hundred times a second from `start_ns` until `stop`.

    The times at which it asks to be woken are fixed beforehand, so that a process that stood still
    for five seconds was late five hundred times, not once. A request that is due waits as long as
    this probe does, and so would user-space receive times. `pauses` are the start and the length of
    each time of standing still, CLOCK_MONOTONIC nanoseconds.
    """

    def __init__(self, start_ns: int) -> None:
        self.histogram = Histogram()
        self.pauses: list[tuple[int, int]] = []
        self._due_ns = start_ns + PERIOD_NS
        self._greenlet = gevent.spawn(self._probe)

    def stop(self) -> None:
        """End the sampling."""
        self._greenlet.kill()

    def note(self, now_ns: int) -> None:
        """Count every time that was due by now."""
        missed = (now_ns - self._due_ns) // PERIOD_NS + 1
        if missed <= 0:
            return
        late_ns = now_ns - self._due_ns
        self.histogram.extend(late_ns - PERIOD_NS * place for place in range(missed))
        if late_ns >= PAUSE_NS and len(self.pauses) < MOST_PAUSES:
            self.pauses.append((self._due_ns, late_ns))
        self._due_ns += missed * PERIOD_NS

    def _probe(self) -> None:
        while True:
            gevent.sleep(max(self._due_ns - time.monotonic_ns(), 0) / 1e9)
            self.note(time.monotonic_ns())
