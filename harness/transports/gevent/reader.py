"""One reader for all sockets of a process, run by gevent's hub.

It reads whatever is ready before it wakes anybody, so that bytes leave the kernel, with their time
stamps, before the slower parsing of other answers begins; and it looks again after every slice of
that parsing. On Linux one epoll descriptor stands for all sockets (a hub watcher per socket costs
more with hundreds of streams); elsewhere each socket has its own watcher.

A socket that a look does not find ready was empty at that moment. While answers are awaited the
reader looks at least every `TICK_NS`, so that what one read holds is known to be that young.
"""

import heapq
import itertools
import resource
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import gevent
from gevent import monkey

from harness.transports.gevent.stamps import StampClock
from harness.transports.gevent.timerfd import Timer

TICK_NS = 800_000
LATER_S = 0.005
"""How long work is gathered: what is done many times in a row is done in less time each."""
SPARE_DESCRIPTORS = 32
"""What a process needs for its records, its log and its reports, whatever it connects to."""
SWEEP_S = 0.05
"""How often deadlines are looked at, and answers that nothing has woken anybody for."""

_READ = 1
_SLICE_NS = 300_000
_TURN_NS = 2_000_000
_IDLE_TICKS = 40
_READS_AT_ONCE = 32
"""Sockets that are read before the alarms are looked at."""


class Readable(Protocol):
    """A connection as the reader sees it."""

    def fileno(self) -> int:
        """The descriptor to watch."""

    def read(self, since_ns: int) -> bool:
        """Take in what is there, without blocking; whether somebody is to be woken for it."""

    def overdue(self, now_ns: int) -> bool:
        """Whether whoever waits is to be woken, though nothing new has come."""

    def wake(self) -> None:
        """Resume the greenlet that waits; called from the hub."""


class Reader:
    """Watches connections and calls them when their sockets have bytes; belongs to one hub.

    `waiting` counts the greenlets that await an answer; connections keep it, and `open`, which
    counts them from before they are dialled until they are closed.
    """

    def __init__(self) -> None:
        self.clock = StampClock()
        self.waiting = self.open = 0
        self.most_open = _descriptors() - SPARE_DESCRIPTORS
        self._loop = gevent.get_hub().loop
        self._connections: dict[int, Readable] = {}
        self._watchers: dict[int, Any] = {}
        self._ready: deque[Readable] = deque()
        self._alarms: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._looked_ns = self._looks_ns = time.monotonic_ns()
        # Not `run_callback`: gevent looks at the clock after fifty callbacks, not after each.
        self._more: Any = self._loop.timer(0.0)
        self._later: Any = self._loop.timer(LATER_S)
        self._work: Callable[[int], bool] | None = None
        self._sweep = self._loop.timer(SWEEP_S, repeat=SWEEP_S)
        self._sweep.start(self._look_at_deadlines)
        self._tick, self._alarm = Timer(), Timer()
        self._timers: list[Any] = []
        self._resting = False
        self._ticking, self._idle_ticks = False, 0
        self._epoll = _new_epoll()
        if self._epoll is None:
            self._watcher = self._loop.prepare()
            self._watcher.start(self._note_look)
            return
        self._watcher = self._loop.io(self._epoll.fileno(), _READ)
        self._watcher.start(self._turn)
        for timer, call in ((self._tick, self._ticked), (self._alarm, self._ring)):
            if timer.descriptor is not None:
                self._timers.append(self._loop.io(timer.descriptor, _READ))
                self._timers[-1].start(call)

    @property
    def shared(self) -> bool:
        """Whether one epoll descriptor stands for all sockets."""
        return self._epoll is not None

    def add(self, connection: Readable) -> None:
        """Start to read from `connection`."""
        descriptor = connection.fileno()
        self._connections[descriptor] = connection
        if self._epoll is not None:
            self._epoll.register(descriptor, _READ)
            return
        watcher = self._watchers[descriptor] = self._loop.io(descriptor, _READ)
        watcher.start(self._one, connection)

    def remove(self, connection: Readable) -> None:
        """Stop to read from `connection`; its descriptor must still be open."""
        descriptor = connection.fileno()
        if self._connections.pop(descriptor, None) is None:
            return
        if self._epoll is not None:
            self._epoll.unregister(descriptor)
            return
        watcher = self._watchers.pop(descriptor)
        watcher.stop()
        watcher.close()

    def close(self) -> None:
        """Forget every connection and free the descriptors."""
        for connection in list(self._connections.values()):
            self.remove(connection)
        for watcher in (self._sweep, self._more, self._later, self._watcher, *self._timers):
            watcher.stop()
            watcher.close()
        if self._epoll is not None:
            self._epoll.close()
            self._epoll = None
        self._tick.close()
        self._alarm.close()

    def expect(self) -> None:
        """An answer is awaited from here on: look often."""
        self.waiting += 1
        if not self._ticking and self._tick.descriptor is not None:
            self._ticking, self._idle_ticks = True, 0
            self._tick.set(time.monotonic_ns() + TICK_NS, TICK_NS)

    def call_at(self, due_ns: int, call: Callable[[], None]) -> None:
        """Have `call` called in the hub at a time of CLOCK_MONOTONIC, to some 0.1 ms."""
        if self._epoll is None or self._alarm.descriptor is None:
            timer = self._loop.timer(max(due_ns - time.monotonic_ns(), 0) / 1e9)
            timer.start(call, update=True)
            return
        heapq.heappush(self._alarms, (due_ns, next(self._numbers), call))
        if self._alarms[0][0] == due_ns:
            self._alarm.set(due_ns)

    def work_later(self, work: Callable[[int], bool]) -> None:
        """Have `work` called in the hub when some of it has gathered, between looks at the sockets.

        It is told until when, and says whether anything is left; it must neither wait nor raise.
        Calls before it has been called do nothing.
        """
        if self._work is None:
            self._work = work
            self._later.start(self._do_work)

    def _do_work(self) -> None:
        work, until_ns = self._work, time.monotonic_ns() + _TURN_NS
        while work is not None:
            left, now_ns = work(time.monotonic_ns() + _SLICE_NS), time.monotonic_ns()
            self._ring_if_due()
            self.look(in_hub=True)
            if not left or now_ns >= until_ns or self._ready:
                break
        self._work = None
        if work is not None and left:
            self.work_later(work)
        if self._ready and not self._more.active:
            self._more.start(self._turn)

    def look(self, *, in_hub: bool = False) -> None:
        """Read every socket that has something; in the hub, what falls due meanwhile is called."""
        if self._epoll is None:
            return
        now_ns = time.monotonic_ns()
        since_ns, self._looked_ns = self._looked_ns, now_ns
        self.clock.look()
        connections, ready = self._connections, self._ready
        for place, (descriptor, _) in enumerate(self._epoll.poll(0, len(connections) + 1)):
            connection = connections.get(descriptor)
            if connection is not None and connection.read(since_ns):
                ready.append(connection)
            if in_hub and place % _READS_AT_ONCE == _READS_AT_ONCE - 1:
                self._ring_if_due()

    def _turn(self) -> None:
        """Read, wake some of those that have something, read again: for a bounded time.

        When nobody is to be woken for what came, such as a piece of a stream, the sockets rest
        until the next tick: their times do not depend on it, and one look then serves many.
        """
        until_ns = time.monotonic_ns() + _TURN_NS
        self.look(in_hub=True)
        if not self._ready and self._ticking:
            self._resting = True
            self._watcher.stop()
            return
        while self._ready:
            self._wake_some()
            self._ring_if_due()
            self.look(in_hub=True)
            if time.monotonic_ns() >= until_ns:
                break
        if self._ready and not self._more.active:
            self._more.start(self._turn)

    def _wake_some(self) -> None:
        ready, until_ns = self._ready, time.monotonic_ns() + _SLICE_NS
        while ready:
            ready.popleft().wake()
            if time.monotonic_ns() >= until_ns:
                return

    def _ticked(self) -> None:
        """Look at the sockets, as often as a tick; stop ticking when nobody has waited for long."""
        self._tick.clear()
        if self._resting:
            self._resting = False
            self._watcher.start(self._turn)
        self._idle_ticks = 0 if self.waiting else self._idle_ticks + 1
        if self._idle_ticks > _IDLE_TICKS:
            self._tick.stop()
            self._ticking = False
        self._turn()

    def _ring_if_due(self) -> None:
        if self._alarms and self._alarms[0][0] <= time.monotonic_ns():
            self._ring()

    def _ring(self) -> None:
        """Call all that is due, and set the timer for what is next."""
        self._alarm.clear()
        while self._alarms and self._alarms[0][0] <= time.monotonic_ns():
            heapq.heappop(self._alarms)[2]()
        if self._alarms:
            self._alarm.set(self._alarms[0][0])

    def _look_at_deadlines(self) -> None:
        self.clock.look()
        now_ns = time.monotonic_ns()
        self._ready += [one for one in self._connections.values() if one.overdue(now_ns)]
        if self._ready:
            self._turn()

    def _note_look(self) -> None:
        """Note when the hub asks for ready sockets, where each has its own watcher."""
        self._looked_ns, self._looks_ns = self._looks_ns, time.monotonic_ns()

    def _one(self, connection: Readable) -> None:
        """Read one socket, where each has its own watcher."""
        if connection.read(self._looked_ns):
            connection.wake()


def _descriptors() -> int:
    """How many more descriptors this process may open."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        1 << 30 if most == resource.RLIM_INFINITY else most - len(list(Path("/dev/fd").iterdir()))
    )


def _new_epoll() -> Any | None:
    """An epoll object, also where gevent's patching has removed the class; None where there is
    none.
    """
    try:
        return monkey.get_original("select", "epoll")()
    except AttributeError:
        return None
