"""A server with room for so many requests at once and a queue before it, as a schedule; no clock.

How long a request takes is known when it arrives, so what it waits for is known too: the slots
become free at times that those before it decide. Requests start in the order in which they came.
Only a client that leaves moves what was decided, and only to an earlier time.
"""

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter


@dataclass(slots=True)
class _Job:
    """One admitted request. `until_ns` is when its caller gives it up, None: it waits for all."""

    key: int
    arrived_ns: int
    service_ns: int
    until_ns: int | None
    start_ns: int = 0
    end_ns: int = 0


_START = attrgetter("start_ns")


class Slots:
    """`count` requests are served at once, up to `queue` wait, further ones are refused.

    A request holds its slot from when it begins until its answer has ended. Times are nanoseconds
    of one clock that never goes back by more than a caller's own delays.
    """

    def __init__(self, count: int, queue: int) -> None:
        self.count = count
        self.queue = queue
        self._free = [0] * count
        """When each slot becomes free, a heap; all that was admitted is in it."""
        self._waiting: list[_Job] = []
        """Those that have not begun, by their start."""
        self._serving: list[_Job] = []

    def take(
        self, key: int, at_ns: int, *, head_ns: int, service_ns: int, until_ns: int | None = None
    ) -> int | None:
        """How long a request that arrives at `at_ns` waits for its slot; None: it is refused.

        Its answer begins `head_ns` after it has its slot and ends `service_ns` after. One that has
        not begun to be answered at `until_ns` is given up then, and frees what it holds.
        """
        self._advance(at_ns)
        if self._free[0] > at_ns and self._queued(at_ns) >= self.queue:
            return None
        start_ns = max(at_ns, self._free[0])
        lost = until_ns is not None and start_ns + head_ns > until_ns
        job = _Job(key, at_ns, service_ns, until_ns if lost else None)
        self._place(job)
        at = bisect_right(self._waiting, job.start_ns, key=_START)
        self._waiting.insert(at, job)
        return start_ns - at_ns

    def leave(self, key: int, at_ns: int) -> Mapping[int, int]:
        """End the request `key`; by how much each one that waited for it begins earlier."""
        self._advance(at_ns)
        served = [job for job in self._serving if job.key != key]
        waiting = [job for job in self._waiting if job.key != key]
        if len(served) == len(self._serving) and len(waiting) == len(self._waiting):
            return {}
        self._serving = [job for job in served if job.end_ns > at_ns]
        self._waiting = []
        return self._planned_again(waiting, at_ns)

    def _planned_again(self, waiting: Iterable[_Job], at_ns: int) -> Mapping[int, int]:
        ends = [job.end_ns for job in self._serving]
        self._free = [*ends, *[at_ns] * (self.count - len(ends))]
        heapq.heapify(self._free)
        moved = {}
        for job in waiting:
            before_ns = job.start_ns
            self._place(job)
            self._waiting.append(job)
            if job.until_ns is None and job.start_ns < before_ns:
                moved[job.key] = before_ns - job.start_ns
        self._waiting.sort(key=_START)
        return moved

    def _place(self, job: _Job) -> None:
        """Give a job the slot that is free first; one that is given up before it needs none."""
        start_ns = max(job.arrived_ns, self._free[0])
        end_ns = start_ns + job.service_ns
        if job.until_ns is not None:
            start_ns, end_ns = min(start_ns, job.until_ns), min(end_ns, job.until_ns)
        job.start_ns, job.end_ns = start_ns, end_ns
        if end_ns > start_ns:
            heapq.heapreplace(self._free, end_ns)

    def _queued(self, at_ns: int) -> int:
        return len(self._waiting) - bisect_right(self._waiting, at_ns, key=_START)

    def _advance(self, at_ns: int) -> None:
        """Let those begin whose time has come, and forget those that have ended."""
        begun = bisect_right(self._waiting, at_ns, key=_START)
        if begun:
            self._serving += self._waiting[:begun]
            del self._waiting[:begun]
        if len(self._serving) > 2 * self.count:
            self._serving = [job for job in self._serving if job.end_ns > at_ns]
