"""One Locust process's share of a load: sends each request, has it recorded, and reports.

When to send and when to stop is the clock's to say.
"""

import gc
import math
import os
import time
from collections import deque
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import gevent

from harness.errors import UsageError
from harness.load.asked import prompts_of
from harness.load.budget import LoadBudget, Reservation
from harness.load.clock import LoadClock
from harness.load.conversation import Dialogue, Reply
from harness.load.judge import Judge
from harness.load.plan import Identity, LoadPlan
from harness.load.progress import State
from harness.load.quota import SHARE
from harness.load.records import OnRequest, WorkerRecords
from harness.load.rows import PLACE, Row
from harness.load.sender import RequestAttempt, RequestSender
from harness.load.ticket import Ticket
from harness.load.trace import read_trace
from harness.measure.outcome import Outcome
from harness.transports.gevent import GeventTransport, Held, Reader, TransportCounts
from harness.transports.gevent.outgoing import origin_of
from harness.transports.gevent.tls import client_context
from harness.transports.network import Network

_TICK_S = 0.05
MOST_UNREAD = 16
"""So many whole answers are read in one go: the more, the less each costs, and the longer nobody
looks at the sockets."""

_SENT = PLACE["sent_ns"]
_PROMPT, _COMPLETION = PLACE["prompt_tokens"], PLACE["completion_tokens"]
_STATUS = PLACE["status"]


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
        self.clock = LoadClock(plan, index=index)
        self.trace = None if plan.trace is None else read_trace(Path(plan.trace))
        self._prompts = prompts_of(plan, self.trace)
        self._sender = RequestSender(plan, identity, worker=self.name, prompts=self._prompts)
        self._budget = LoadBudget(plan.caps, workers=plan.workers, worker=index)
        self._on_request = on_request
        self._sending: set[Any] = set()
        self._unread: deque[RequestAttempt] = deque()
        self._read_last: str = Outcome.OK
        self._indices = count()
        self._places = count(index, plan.workers)
        self._dialogues = count(index, plan.workers)
        self._cpu_before_s = 0.0
        self._closed = False

    def start(self) -> None:
        """Open the files."""
        secrets = self._sender.secrets
        self._records = WorkerRecords(self.plan, self.name, secrets, on_request=self._on_request)
        self._connections = SharedConnections(self.plan)
        breathe = self._connections.reader.look
        judge = Judge(self.plan, self._sender, worker=self.index, breathe=breathe)
        self._look = judge.look if self.plan.check_share else None
        self._records.rehearse()
        gc.collect()
        gc.set_threshold(50_000, 20, 50)  # answers hold no cycles: fewer, shorter pauses
        gc.freeze()  # what is loaded by now lives to the end: no need to look through it again
        self._tending = gevent.spawn(self._tend)

    def calibrate(self) -> None:
        """Measure this process, before its first request.

        UsageError when the plan asks for more than it reached, unless the plan wants that.
        """
        if not self.plan.calibrate:
            self._records.report.floor_reason = "it was not calibrated (--no-calibrate)"
            return
        from harness.load.calibration import beyond
        from harness.load.calibration_client import open_client
        from harness.load.calibration_run import calibrate

        found, report = calibrate(self.plan, open_client), self._records.report
        report.floor_reason = found.reason
        if found.floor is not None:
            report.noise_floor = found.floor.to_dict()
            report.beyond = beyond(self.plan, found.floor)
        if report.beyond is not None and not self.plan.beyond_calibration:
            self.clock.stop(0)
            self.close()
            raise UsageError(f"{report.beyond}, or run it all the same: --beyond-calibration")

    def rehearse(self) -> None:
        """Build one request per route, so that what cannot be sent is known before the load."""
        network = Network.of(os.environ)
        for origin in map(origin_of, self.plan.bases):
            network.proxy_for(origin.scheme, origin.host, origin.port)
        for route in self.plan.routes:
            first = self._prompts.opening
            self._sender.request(Ticket(0, route, "rehearsal", "warmup", asked=first))

    def begin(self) -> None:
        """Start the clock, with the first user that is there; later calls do nothing."""
        if self.clock.begun:
            return
        self._cpu_before_s = time.process_time()
        self._records.report.loop_lag = self.clock.begin().histogram
        self._records.report.started_ns = self.clock.started_ns

    def may_send(self) -> bool:
        """Whether more requests may be sent; ends the sending when time or budget is over."""
        if self.clock.stopped:
            return False
        if self.clock.over or self._budget.exhausted is not None:
            self.clock.stop(self.plan.drain_s)
            return False
        return True

    def transport(self) -> GeventTransport:
        """A transport with connections of its own; its user closes it."""
        return self._connections.transport()

    def take_index(self) -> int:
        """The next number of this process, from 0."""
        return next(self._indices)

    def take_place(self) -> int:
        """The number of the next user, over all workers."""
        return next(self._places)

    def call_at(self, due_ns: int, call: Callable[[], None]) -> None:
        """Have `call` called in the hub at a time of CLOCK_MONOTONIC."""
        self._connections.reader.call_at(due_ns, call)

    def perform(self, transport: GeventTransport, ticket: Ticket) -> str | None:
        """Send one request and record what became of it; its outcome, None when the budget has no
        room.

        Of an answer that came whole and is read later, the outcome is that of the last one read.
        """
        attempt = self._attempt(transport, ticket)
        if attempt is None:
            return None
        if self._send(transport, attempt):
            return self._record(attempt, attempt.finish(self._look))
        self._unread.append(attempt)
        if len(self._unread) < MOST_UNREAD:
            self._connections.reader.work_later(self._read_some)
        else:
            self._read_some(math.inf)
        return self._read_last

    def ask(self, transport: GeventTransport, ticket: Ticket) -> tuple[str, Reply] | None:
        """As `perform`, but the answer is read at once: its outcome and what it said."""
        attempt = self._attempt(transport, ticket)
        if attempt is None:
            return None
        self._send(transport, attempt)
        return self._record(attempt, attempt.finish(self._look)), attempt.reply()

    def dialogue(self) -> Dialogue | None:
        """The next conversation, where the prompts are conversations."""
        if not self._prompts.are_conversations:
            return None
        number = next(self._dialogues)
        return Dialogue(self._prompts.at(number), number, f"{self.plan.run_id}-{number}")

    def _attempt(self, transport: GeventTransport, ticket: Ticket) -> RequestAttempt | None:
        """An attempt at a request; None when the budget has no room for it."""
        template = self._sender.template(ticket, transport)
        if not self._budget.reserve(template.reservation):
            return None
        return self._sender.begin(ticket, template, self._connections.held)

    def _send(self, transport: GeventTransport, attempt: RequestAttempt) -> bool:
        """Send a request and wait for its answer; whether it is clear how it ended."""
        sending = gevent.getcurrent()
        self._sending.add(sending)
        self._records.sent.add()
        try:
            return attempt.send(transport)
        except gevent.GreenletExit:
            self._record(attempt, attempt.cancelled())
            raise
        finally:
            self._sending.discard(sending)

    def drop(self, transport: GeventTransport, ticket: Ticket) -> None:
        """Record a request that is due while too many are under way."""
        self._records.add_unsent(self._sender.dropped(ticket, transport))

    def close(self) -> None:
        """Write the rest; may be called again."""
        if self._closed:
            return
        self._closed = True
        self._tending.join()  # it may have written rows that it has not counted
        self._give_up()
        self.clock.close()
        self._connections.reader.close()
        try:
            while self._read_some(math.inf):
                pass
            self._records.close()
            self._publish(State.CLOSED)
        except OSError as error:
            self.clock.fail(error)

    def _read_some(self, until_ns: float) -> bool:
        """Read answers that came whole, at least one; whether any are left."""
        unread = self._unread
        try:
            while unread:
                attempt = unread.popleft()
                self._read_last = self._record(attempt, attempt.finish(self._look))
                if time.monotonic_ns() >= until_ns:
                    break
        except Exception as error:  # noqa: BLE001 - the hub would print it and go on
            self.clock.fail(error)
        return bool(unread)

    def _record(self, attempt: RequestAttempt, row: Row) -> str:
        """Settle what a request cost and write down how it ended; its outcome."""
        self._budget.settle(attempt.template.reservation, _used(row))
        if self.plan.respect_rate_limit and row[_STATUS] is not None:
            self.clock.pace.answered(row[_SENT], time.monotonic_ns(), attempt.refusal())
        return self._records.add(attempt, row)

    def _tend(self) -> None:
        """Flush and report every second, and at once when the last answer is in."""
        try:
            while not self._closed:
                self._end_in_time()
                drained = self.clock.stopped and not self._sending and not self._unread
                state = State.DRAINED if drained else State.RUNNING
                if self._records.keep_up(state):
                    self._publish(state)
                gevent.sleep(_TICK_S)
        except OSError as error:
            self.clock.fail(error)

    def _end_in_time(self) -> None:
        self.may_send()
        if self.clock.gives_up:
            self._give_up()

    def _give_up(self) -> None:
        gevent.killall(list(self._sending), block=True)

    def _publish(self, state: State) -> None:
        report, budget, clock = self._records.report, self._budget, self.clock
        report.in_flight = len(self._sending)
        report.pauses = [] if clock.lag is None else list(clock.lag.pauses)
        report.exhausted, report.tokens, report.cost = budget.exhausted, budget.tokens, budget.cost
        if clock.failure is not None:
            report.failure = f"{type(clock.failure).__name__}: {clock.failure}"
            report.errno = getattr(clock.failure, "errno", None)
        report.cpu_s = time.process_time() - self._cpu_before_s
        counts = self._connections.counts
        report.connections, report.reused = counts.connections, counts.reused
        report.reads, report.unstamped = counts.reads, counts.unstamped
        pace = clock.pace
        report.paced_to = pace.rate and SHARE * pace.rate
        report.limit_learned, report.never_sent = pace.learned, pace.never_sent
        self._records.publish(state)


class SharedConnections:
    """What all transports of one process share."""

    def __init__(self, plan: LoadPlan) -> None:
        self.reader, self.held, self.counts = Reader(), Held(), TransportCounts()
        secure = any(url.startswith("https:") for url in plan.bases)
        self._context = client_context(Network.of(os.environ)) if secure else None
        self._keep = not plan.cold

    def transport(self) -> GeventTransport:
        """A transport with connections of its own."""
        return GeventTransport(
            reader=self.reader,
            context=self._context,
            counts=self.counts,
            held=self.held,
            keep=self._keep,
        )


def _used(row: Row) -> Reservation | None:
    """What a request used, by the answer; nothing where none came; None when nobody knows."""
    prompt, completion = row[_PROMPT], row[_COMPLETION]
    if prompt is not None and completion is not None:
        return Reservation(prompt, completion)
    return Reservation(0, 0) if row[_STATUS] is None else None
