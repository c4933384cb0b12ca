"""How late this process is: a greenlet that asks to be woken and notes how much later it was."""

import time

import gevent

from harness.measure.histogram import Histogram

PERIOD_NS = 10_000_000


class LagProbe:
    """Samples the loop's lateness a hundred times a second from `start_ns` until `stop`.

    A request that is due waits as long as this probe does, and so would user-space receive times.
    """

    def __init__(self, start_ns: int) -> None:
        self.histogram = Histogram()
        self._start_ns = start_ns
        self._greenlet = gevent.spawn(self._probe)

    def stop(self) -> None:
        """End the sampling."""
        self._greenlet.kill()

    def _probe(self) -> None:
        gevent.sleep(max(self._start_ns - time.monotonic_ns(), 0) / 1e9)
        while True:
            due_ns = time.monotonic_ns() + PERIOD_NS
            gevent.sleep(PERIOD_NS / 1e9)
            self.histogram.add(max(time.monotonic_ns() - due_ns, 0))
