"""Room for others within a long piece of work: answers are read and requests are sent meanwhile."""

import time
from collections.abc import Callable

import gevent

SLICE_NS = 300_000
"""How long one piece of work holds up everybody else: a small part of what start lag may be."""
REST_S = 0.001
"""`sleep(0)` would go on before the hub has looked at anything. Where much else is to be done, a
rest takes far longer than this."""

Breathe = Callable[[], None]


class Breath:
    """Called between the steps of the work; lets all others run when a slice is used up.

    With `urgency`, slices are so many times as long: work that falls behind must take its share.
    """

    def __init__(self, urgency: float = 1.0) -> None:
        self._slice_ns = SLICE_NS * urgency
        self._since_ns = time.monotonic_ns()

    def __call__(self) -> None:
        if time.monotonic_ns() - self._since_ns >= self._slice_ns:
            gevent.sleep(REST_S)
            self._since_ns = time.monotonic_ns()


def without_rest() -> None:
    """For work that nobody else has to wait for."""
