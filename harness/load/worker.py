"""One Locust process's share of a load: sends, records, reports, and knows when to stop."""

import gc
import math
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event

from harness.load.budget import Budget, Reservation
from harness.load.lag import LagProbe
from harness.load.plan import Identity, LoadPlan
from harness.load.progress import FOLDER, State, WorkerReport, write_report
from harness.load.prompts import Prompts, read_prompts
from harness.load.recorder import Recorder
from harness.load.sender import Attempt, Bodies, Outgoing, Sender, Sent, Ticket
from harness.load.tally import RouteTally
from harness.measure.sample import Sample
from harness.transports.gevent import GeventTransport, Reader, TransportCounts
from harness.transports.gevent.outgoing import origin_of
from harness.transports.gevent.proxy import environment_proxies, proxy_for
from harness.transports.gevent.tls import client_context

_TICK_S = 0.25
_FLUSH_NS = 1_000_000_000

OnRequest = Callable[[Sample, int], None]
"""Told of each logical request that has ended, with the length of its answer's text."""


class Worker:
    """Started when the load starts in this process, closed when it has ended.

    `index` of `plan.workers` tells the share. Answers still awaited `drain_s` later are given up
    and recorded as cancelled.
    """

    def __init__(
        self, plan: LoadPlan, identity: Identity, *, index: int, on_request: OnRequest
    ) -> None:
        self.plan = plan
        self.index = index
        self.name = f"{plan.name}-{index}"
        self.failure: BaseException | None = None
        self._folder = Path(plan.folder)
        self._on_request = on_request
        self._prompts = _prompts(plan)
        self._sender = Sender(plan, identity, worker=self.name, prompts=self._prompts)
        self._budget = Budget(plan.caps, workers=plan.workers, worker=index)
        self._dice = random.Random(f"{plan.seed}:{index}")  # noqa: S311 - no secret
        self._stopping = Event()
        self._sending: set[Any] = set()
        self._taken = 0
        self._give_up_ns: int | None = None
        self._flushed_ns = 0
        self._closed = False
        self._lag: LagProbe | None = None
        self.started_ns = self.steady_ns = 0
        self._end_ns = math.inf
        self._cpu_before_s = 0.0

    def start(self) -> None:
        """Open the files."""
        for name in (FOLDER, "samples"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        self._recorder = Recorder(self._folder / "samples" / f"{self.name}.arrows")
        bodies = self._folder / f"bodies-{self.name}.jsonl"
        self._bodies = Bodies(bodies, self._sender) if self.plan.store_bodies else None
        self._counts = TransportCounts()
        self._reader = Reader()
        secure = self.plan.address.origin.startswith("https:")
        self._context = client_context() if secure else None
        self._report = WorkerReport(self.name, os.getpid(), time.monotonic_ns())
        gc.collect()
        gc.freeze()  # what is loaded by now lives to the end: no need to look through it again
        self._tending = gevent.spawn(self._tend)

    def rehearse(self) -> None:
        """Build one request per route, so that what cannot be sent is known before the load."""
        origin = origin_of(self.plan.address.origin)
        proxy_for(origin.scheme, origin.host, origin.port, environment_proxies())
        for route in self.plan.routes:
            self._sender.prepare(Ticket(0, route, "rehearsal", "warmup"))

    def begin(self) -> None:
        """Start the clock, with the first user that is there; later calls do nothing."""
        if self._lag is not None:
            return
        self.started_ns = self._report.started_ns = time.monotonic_ns()
        self.steady_ns = self.started_ns + int(self.plan.warmup_s * 1e9)
        if not self.plan.open_loop:  # a schedule ends by itself, late requests included
            self._end_ns = self.started_ns + self.plan.total_s * 1e9
        self._cpu_before_s = time.process_time()
        self._lag = LagProbe(self.steady_ns)
        self._report.loop_lag = self._lag.histogram

    def may_send(self) -> bool:
        """Whether more requests may be sent; ends the sending when time or budget is over."""
        if self._stopping.is_set():
            return False
        if time.monotonic_ns() >= self._end_ns or self._budget.exhausted is not None:
            self.stop(self.plan.drain_s)
            return False
        return True

    def transport(self) -> GeventTransport:
        """A transport with connections of its own; its user closes it."""
        return GeventTransport(reader=self._reader, context=self._context, counts=self._counts)

    def take_index(self) -> int:
        """The next number of this process, from 0."""
        self._taken += 1
        return self._taken - 1

    def phase(self, at_ns: int) -> str:
        """`warmup` or `steady`, by when a request was due or sent."""
        return "warmup" if at_ns < self.steady_ns else "steady"

    def pause(self, seconds: float) -> None:
        """Sleep, for a shorter time when the run stops."""
        self._stopping.wait(seconds)

    def stagger(self) -> None:
        """Sleep a random part of the warm-up (a second at most), or users march in step."""
        self.pause(self._dice.uniform(0, min(1.0, self.plan.warmup_s / 2)))

    def wait_until(self, due_ns: int) -> bool:
        """Sleep until `due_ns`; whether requests may still be sent then."""
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            if self._stopping.wait(left_ns / 1e9):
                return False
        return self.may_send()

    def perform(self, transport: GeventTransport, ticket: Ticket) -> Sample | None:
        """Send one request and record what became of it; None when the budget has no room."""
        outgoing = self._sender.prepare(ticket)
        reserved = Reservation(outgoing.prompt_tokens, outgoing.completion_tokens)
        if not self._budget.reserve(reserved):
            return None
        attempt = Attempt(self._sender, outgoing, asked_stream=self.plan.stream)
        sending = gevent.getcurrent()
        self._sending.add(sending)
        try:
            sent = attempt.run(transport, self.plan.timeouts)
        except gevent.GreenletExit:
            self._record(outgoing, attempt.cancelled(), reserved)
            raise
        finally:
            self._sending.discard(sending)
        self._record(outgoing, sent, reserved)
        return sent.sample

    def drop(self, ticket: Ticket) -> None:
        """Record a request that is due while too many are under way."""
        sample = self._sender.dropped(ticket)
        self._count(Sent(sample, None, None))

    def stop(self, drain_s: float) -> None:
        """Send nothing more, and wait at most `drain_s` for answers."""
        give_up_ns = time.monotonic_ns() + int(drain_s * 1e9)
        self._give_up_ns = min(give_up_ns, self._give_up_ns or give_up_ns)
        self._stopping.set()

    def fail(self, error: BaseException) -> None:
        """Stop because of an error of our own; the first one is kept."""
        self.failure = self.failure or error
        self.stop(0)

    def close(self) -> None:
        """Write the rest; may be called again."""
        if self._closed:
            return
        self._closed = True
        self._tending.kill()
        self._give_up()
        if self._lag is not None:
            self._lag.stop()
        self._reader.close()
        try:
            self._recorder.close()
            if self._bodies is not None:
                self._bodies.close()
            self._publish(State.CLOSED)
        except OSError as error:
            self.fail(error)

    def _record(self, outgoing: Outgoing, sent: Sent, reserved: Reservation) -> None:
        sample = sent.sample
        used = None
        if sample.prompt_tokens is not None and sample.completion_tokens is not None:
            used = Reservation(sample.prompt_tokens, sample.completion_tokens)
        elif sample.status is None:
            used = Reservation(0, 0)
        self._budget.settle(reserved, used)
        self._count(sent)
        if self._bodies is not None:
            self._bodies.add(outgoing, sent.answer)

    def _count(self, sent: Sent) -> None:
        sample = sent.sample
        tally = self._report.routes.get(sample.route)
        if tally is None:
            tally = self._report.routes[sample.route] = RouteTally()
        tally.add(sample, sent.layer)
        self._recorder.add(sample)
        self._on_request(sample, len(sent.answer.text) if sent.answer is not None else 0)

    def _tend(self) -> None:
        """Flush and report every second, and at once when the last answer is in."""
        try:
            while True:
                self._end_in_time()
                drained = self._stopping.is_set() and not self._sending
                state = State.DRAINED if drained else State.RUNNING
                due = time.monotonic_ns() - self._flushed_ns >= _FLUSH_NS
                if due or state is not self._report.state:
                    self._recorder.flush()
                    self._publish(state)
                    self._flushed_ns = time.monotonic_ns()
                gevent.sleep(_TICK_S)
        except OSError as error:
            self.fail(error)

    def _end_in_time(self) -> None:
        self.may_send()
        if self._give_up_ns is not None and time.monotonic_ns() >= self._give_up_ns:
            self._give_up()

    def _give_up(self) -> None:
        gevent.killall(list(self._sending), block=True)

    def _publish(self, state: State) -> None:
        report, budget, counts = self._report, self._budget, self._counts
        report.state = state
        report.updated_ns = time.monotonic_ns()
        report.in_flight = len(self._sending)
        report.records = self._recorder.written
        report.exhausted, report.tokens, report.cost = budget.exhausted, budget.tokens, budget.cost
        if self.failure is not None:
            report.failure = f"{type(self.failure).__name__}: {self.failure}"
            report.errno = getattr(self.failure, "errno", None)
        report.cpu_s = time.process_time() - self._cpu_before_s
        report.connections, report.reused = counts.connections, counts.reused
        report.reads, report.unstamped = counts.reads, counts.unstamped
        write_report(self._folder, report)


def _prompts(plan: LoadPlan) -> Prompts:
    given = () if plan.prompts is None else read_prompts(Path(plan.prompts))
    return Prompts(
        model=plan.model,
        stream=plan.stream,
        max_output_tokens=plan.max_output_tokens,
        prompt_tokens=plan.prompt_tokens,
        seed=plan.seed,
        prompts=given,
    )
