"""The open loop: walks a schedule and starts each request when it is due, answered or not."""

import time
from collections.abc import Iterator
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Group

from harness.load.arrivals import schedule, share, staged
from harness.load.plan import LoadPlan
from harness.load.quota import Leave
from harness.load.stages import with_warmup
from harness.load.ticket import Ticket, route_of
from harness.load.trace import Trace
from harness.load.worker import Worker
from harness.transports.gevent import GeventTransport

MOST_AT_ONCE = 64
"""A schedule that is behind lets the hub have its turn after so many requests."""
BREATH_NS = 200_000
LATEST_NS = 5_000_000_000
"""A request that could not be started for so long is dropped: it belongs to another moment."""
_GLANCE_S = 0.25
"""How often a schedule that waits looks whether the load has been stopped."""


def drive(
    worker: Worker, transport: GeventTransport, *, scenario: str, routes: tuple[str, ...]
) -> None:
    """Send this worker's share of the schedule; returns when it has ended and all is answered.

    A request that is due while the bound of requests under way is reached, or that could not be
    started for long, is recorded as dropped.
    """
    tickets = _tickets(worker, scenario=scenario, routes=routes)
    walk = _Walk(worker, transport, tickets)
    try:
        walk.begin()
        while not walk.over.wait(_GLANCE_S) and worker.may_send():
            pass
        worker.clock.stop(worker.plan.drain_s)
        walk.finish()
    finally:
        walk.kill()


def _tickets(worker: Worker, *, scenario: str, routes: tuple[str, ...]) -> Iterator[Ticket]:
    """What is due when, in the order of the schedule."""
    plan = worker.plan
    for index, at_ns in share(due(plan, worker.trace), worker=worker.index, workers=plan.workers):
        due_ns = worker.clock.started_ns + at_ns
        route = route_of(routes, index=index, seed=plan.seed)
        stage = worker.clock.stage(due_ns)
        yield Ticket(index, route, scenario, worker.clock.phase(due_ns), due_ns, stage=stage)


def due(plan: LoadPlan, trace: Trace | None = None) -> Iterator[int]:
    """When the requests of all workers are due, in nanoseconds after the start."""
    if trace is not None:
        return trace.due(plan.speed)
    if plan.rate is None:
        raise ValueError("an open loop needs a rate")
    process, seed, shape = plan.arrivals, plan.seed, plan.gamma_shape
    if plan.stages:
        return staged(process, with_warmup(plan.stages, plan.warmup_s), seed=seed, shape=shape)
    return schedule(process, rate=plan.rate, seconds=plan.total_s, seed=seed, shape=shape)


class _Walk:
    """Sends each ticket at its time, by greenlets that wait for one.

    The hub calls it when the next ticket is due, and it resumes a greenlet that waits: to spawn one
    would send the request a turn of the hub later.
    """

    def __init__(
        self, worker: Worker, transport: GeventTransport, tickets: Iterator[Ticket]
    ) -> None:
        self.over = Event()
        self._worker = worker
        self._transport = transport
        self._tickets = tickets
        self._next = next(tickets, None)
        self._bound = max(worker.plan.bound // worker.plan.workers, 1)
        self._senders = Group()
        self._idle: list[Any] = []
        self._starting = 0
        self._ended = False

    def begin(self) -> None:
        """Wait for the first ticket."""
        self._wait()

    def finish(self) -> None:
        """Return when all that was sent has been answered or given up."""
        self._ended = True
        gevent.killall(self._idle)
        self._idle.clear()
        self._senders.join()

    def kill(self) -> None:
        """Give up what is under way."""
        self._ended = True
        self._senders.kill()

    def _wait(self) -> None:
        if self._next is None or self._next.scheduled_ns is None:
            self.over.set()
        else:
            soonest_ns = time.monotonic_ns() + BREATH_NS
            self._worker.call_at(max(self._next.scheduled_ns, soonest_ns), self._send_due)

    def _send_due(self) -> None:
        """Send all that is due by now; called in the hub."""
        try:
            for _ in range(MOST_AT_ONCE):
                full = self._starting >= MOST_AT_ONCE
                if full or not (self._is_due() and self._worker.may_send()):
                    break
                self._send_next()
        except Exception as error:  # noqa: BLE001 - the hub would print it and go on
            self._worker.clock.fail(error)
        if not self._ended and self._worker.may_send():
            self._wait()
        else:
            self.over.set()

    def _send_next(self) -> None:
        """Send the ticket that is due, unless a quota lets it leave later or never."""
        ticket = self._next
        leave = Leave.NEVER if ticket is None else self._worker.clock.admit(ticket)
        if leave is Leave.LATER:
            return
        self._next = next(self._tickets, None)
        if ticket is not None and leave is Leave.NOW:
            self._send(ticket)

    def _is_due(self) -> bool:
        due_ns = None if self._next is None else self._next.scheduled_ns
        return due_ns is not None and due_ns <= time.monotonic_ns()

    def _send(self, ticket: Ticket) -> None:
        late_ns = time.monotonic_ns() - (ticket.scheduled_ns or 0)
        if late_ns > LATEST_NS:
            self._worker.drop(self._transport, ticket)
        elif self._idle:
            self._idle.pop().switch(ticket)
        elif len(self._senders) < self._bound:
            self._starting += 1
            self._senders.spawn(self._begin_to_serve, ticket)
        else:
            self._worker.drop(self._transport, ticket)

    def _begin_to_serve(self, ticket: Ticket) -> None:
        self._starting -= 1
        self._serve(ticket)

    def _serve(self, ticket: Ticket | None) -> None:
        """Send this ticket, then each that is handed over."""
        while ticket is not None:
            try:
                self._worker.perform(self._transport, ticket)
            except Exception as error:  # noqa: BLE001 - our own error ends the run, recorded
                self._worker.clock.fail(error)
                return
            if self._ended:
                return
            self._idle.append(gevent.getcurrent())
            ticket = gevent.get_hub().switch()
