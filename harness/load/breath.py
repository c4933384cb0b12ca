"""Room for others within a long piece of work: answers are read and requests are sent meanwhile."""

import time
from collections.abc import Callable

import gevent

SLICE_NS = 300_000
"""How long one piece of work may hold up everybody else: a small part of what start lag may be."""
REST_S = 0.001
"""`sleep(0)` would go on before the hub has looked at anything."""

Breathe = Callable[[], None]


class Breath:
    """Called between the steps of the work; lets all others run when a slice is used up."""

    def __init__(self) -> None:
        self._since_ns = time.monotonic_ns()

    def __call__(self) -> None:
        if time.monotonic_ns() - self._since_ns >= SLICE_NS:
            gevent.sleep(REST_S)
            self._since_ns = time.monotonic_ns()


def without_rest() -> None:
    """For work that nobody else has to wait for."""
