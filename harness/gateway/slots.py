"""How many requests a model serves at once, and how many may wait: first come, first served.

A request holds its slot for the time its answer takes, so that its wait is known when it arrives.
A client that leaves does not free its slot before that: the model goes on generating.
"""

import heapq
from collections import deque


class Slots:
    """`count` requests are served at once and `queue` wait; times are nanoseconds of one clock."""

    def __init__(self, count: int, queue: int) -> None:
        self._free_at = [0] * count
        self._queue = queue
        self._begins: deque[int] = deque()

    def take(self, at_ns: int, length_ns: int) -> int | None:
        """How long a request that arrives now waits for a slot; None when the queue is full."""
        while self._begins and self._begins[0] <= at_ns:
            self._begins.popleft()
        begin_ns = max(at_ns, self._free_at[0])
        if begin_ns > at_ns:
            if len(self._begins) >= self._queue:
                return None
            self._begins.append(begin_ns)
        heapq.heapreplace(self._free_at, begin_ns + length_ns)
        return begin_ns - at_ns
