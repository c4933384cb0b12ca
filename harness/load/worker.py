"""One Locust process's share of a load: sends, records, reports, and knows when to stop."""

import gc
import math
import os
import random
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event

from harness.errors import UsageError
from harness.load.asked import prompts_of
from harness.load.breath import Breath
from harness.load.budget import Budget, Reservation
from harness.load.conversation import Dialogue, Reply
from harness.load.counting import count
from harness.load.judge import Judge
from harness.load.lag import LagProbe
from harness.load.ledger import Ledger
from harness.load.plan import Identity, LoadPlan
from harness.load.progress import FOLDER, State, WorkerReport, write_report
from harness.load.quota import SHARE, Leave, Pace
from harness.load.recorder import BATCH_ROWS, Recorder
from harness.load.rows import PLACE, Row
from harness.load.sender import Attempt, Bodies, Sender, Ticket
from harness.load.stages import level_at, room_in_s, stage_at
from harness.load.tally import RouteTally
from harness.load.trace import read_trace
from harness.measure.outcome import Outcome
from harness.settings.values import parse_rate_limit
from harness.transports.gevent import GeventTransport, Held, Reader, TransportCounts
from harness.transports.gevent.outgoing import origin_of
from harness.transports.gevent.tls import client_context
from harness.transports.network import Network

_TICK_S = 0.05
MOST_UNREAD = 16
"""So many whole answers are read in one go: the more, the less each costs, and the longer nobody
looks at the sockets."""
_FLUSH_NS = 1_000_000_000
LONGEST_WAIT_S = 3600.0
"""Of a user that no later stage has room for; the end of the load wakes it."""

_OUTCOME, _ROUTE, _MESSAGE = PLACE["outcome"], PLACE["route"], PLACE["message"]
_SENT, _DONE, _CLOSED = PLACE["sent_ns"], PLACE["done_ns"], PLACE["closed_ns"]
_PROMPT, _COMPLETION = PLACE["prompt_tokens"], PLACE["completion_tokens"]
_STATUS = PLACE["status"]

OnRequest = Callable[[str, str, str | None, float | None, int], None]
"""Told of each logical request that has ended: its route, its outcome, what a failure said, how
many milliseconds it took (None: it never ended), and the length of its answer's text.
"""


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
        self.trace = None if plan.trace is None else read_trace(Path(plan.trace))
        self._prompts = prompts_of(plan, self.trace)
        self._sender = Sender(plan, identity, worker=self.name, prompts=self._prompts)
        self._budget = Budget(plan.caps, workers=plan.workers, worker=index)
        limit = None if plan.rate_limit is None else parse_rate_limit(plan.rate_limit).per_second
        self.pace = Pace(limit, workers=plan.workers)
        self._dice = random.Random(f"{plan.seed}:{index}")  # noqa: S311 - no secret
        self._stopping = Event()
        self._sending: set[Any] = set()
        self._unread: deque[Attempt] = deque()
        self._read_last: str = Outcome.OK
        self._taken = self._users = self._dialogues = 0
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
            (self._folder / name).mkdir(0o700, parents=True, exist_ok=True)
        secrets = self._sender.secrets
        samples = self._folder / "samples" / f"{self.name}.arrows"
        self._recorder = Recorder(samples, secrets.redact)
        bodies = self._folder / f"bodies-{self.name}.jsonl"
        self._bodies = Bodies(bodies, secrets) if self.plan.store_bodies else None
        self._counts = TransportCounts()
        self._reader, self._held = Reader(), Held()
        self._ledger = Ledger(self._folder / FOLDER / f"{self.name}.sent")
        secure = any(url.startswith("https:") for url in self.plan.bases)
        judge = Judge(self.plan, self._sender, worker=self.index, breathe=self._reader.look)
        self._look = judge.look if self.plan.check_share else None
        self._context = client_context(Network.of(os.environ)) if secure else None
        self._report = WorkerReport(self.name, os.getpid(), time.monotonic_ns())
        count(lambda _: RouteTally(), self._recorder.rehearse())
        gc.collect()
        gc.set_threshold(50_000, 20, 50)  # answers hold no cycles: fewer, shorter pauses
        gc.freeze()  # what is loaded by now lives to the end: no need to look through it again
        self._tending = gevent.spawn(self._tend)

    def calibrate(self) -> None:
        """Measure this process, before its first request.

        UsageError when the plan asks for more than it reached, unless the plan wants that.
        """
        if not self.plan.calibrate:
            self._report.floor_reason = "it was not calibrated (--no-calibrate)"
            return
        from harness.load.calibration import beyond
        from harness.load.calibration_client import open_client
        from harness.load.calibration_run import calibrate

        found, report = calibrate(self.plan, open_client), self._report
        report.floor_reason = found.reason
        if found.floor is not None:
            report.noise_floor = found.floor.to_dict()
            report.beyond = beyond(self.plan, found.floor)
        if report.beyond is not None and not self.plan.beyond_calibration:
            self.stop(0)
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
        return GeventTransport(
            reader=self._reader,
            context=self._context,
            counts=self._counts,
            held=self._held,
            keep=not self.plan.cold,
        )

    def take_index(self) -> int:
        """The next number of this process, from 0."""
        self._taken += 1
        return self._taken - 1

    def phase(self, at_ns: int) -> str:
        """`warmup` or `steady`, by when a request was due or sent."""
        return "warmup" if at_ns < self.steady_ns else "steady"

    def stage(self, at_ns: int) -> int | None:
        """The stage in which a request was due or sent, from 1; None without stages or before."""
        if not self.plan.stages or at_ns < self.steady_ns:
            return None
        return stage_at(self.plan.stages, (at_ns - self.steady_ns) / 1e9) + 1

    def take_place(self) -> int:
        """The number of the next user, over all workers."""
        self._users += 1
        return (self._users - 1) * self.plan.workers + self.index

    def has_room(self, place: int) -> bool:
        """Whether the user of that number sends now; where stages say no, wait for its turn."""
        stages = self.plan.stages
        at_s = (time.monotonic_ns() - self.steady_ns) / 1e9
        if not stages or place < level_at(stages, at_s):
            return True
        wait_s = room_in_s(stages, place, at_s)
        self.pause(LONGEST_WAIT_S if wait_s is None else max(wait_s, _TICK_S / 10))
        return False

    def pause(self, seconds: float) -> None:
        """Sleep, for a shorter time when the run stops."""
        self._stopping.wait(seconds)

    def stagger(self) -> None:
        """Sleep a random part of the warm-up (a second at most), or users march in step."""
        self.pause(self._dice.uniform(0, min(1.0, self.plan.warmup_s / 2)))

    def admit(self, ticket: Ticket) -> Leave:
        """Whether a ticket that is due leaves now, for all that a quota says."""
        if not self.plan.respect_rate_limit:
            return Leave.NOW
        end_ns = self.started_ns + self.plan.total_s * 1e9
        leave = self.pace.admit(ticket, time.monotonic_ns(), end_ns)
        if ticket.held_ns and ticket.scheduled_ns:
            ticket.phase = self.phase(ticket.scheduled_ns)
            ticket.stage = self.stage(ticket.scheduled_ns)
        return leave

    def hold(self) -> int | None:
        """In a closed loop: wait until a quota lets one more request leave; for how long.

        None where nothing was to be waited for. One that the load's end overtakes never leaves.
        """
        begun_ns = now_ns = time.monotonic_ns()
        try:
            while self.pace.free_ns > now_ns and not self._stopping.is_set():
                self.pause((self.pace.free_ns - now_ns) / 1e9)
                now_ns = time.monotonic_ns()
        finally:  # the user may be killed while it waits
            overtaken = self.pace.free_ns > time.monotonic_ns()
            self.pace.never_sent += overtaken
        if self.plan.respect_rate_limit and not overtaken:
            self.pace.left(now_ns)
        return now_ns - begun_ns or None

    def call_at(self, due_ns: int, call: Callable[[], None]) -> None:
        """Have `call` called in the hub at a time of CLOCK_MONOTONIC."""
        self._reader.call_at(due_ns, call)

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
            self._reader.work_later(self._read_some)
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
        number = self._dialogues * self.plan.workers + self.index
        self._dialogues += 1
        return Dialogue(self._prompts.at(number), number, f"{self.plan.run_id}-{number}")

    def _attempt(self, transport: GeventTransport, ticket: Ticket) -> Attempt | None:
        """An attempt at a request; None when the budget has no room for it."""
        template = self._sender.template(ticket, transport)
        if not self._budget.reserve(template.reservation):
            return None
        return self._sender.begin(ticket, template, self._held)

    def _send(self, transport: GeventTransport, attempt: Attempt) -> bool:
        """Send a request and wait for its answer; whether it is clear how it ended."""
        sending = gevent.getcurrent()
        self._sending.add(sending)
        self._ledger.count()
        try:
            return attempt.send(transport)
        except gevent.GreenletExit:
            self._record(attempt, attempt.cancelled())
            raise
        finally:
            self._sending.discard(sending)

    def drop(self, transport: GeventTransport, ticket: Ticket) -> None:
        """Record a request that is due while too many are under way."""
        row = self._sender.dropped(ticket, transport)
        self._recorder.add(row)
        self._on_request(ticket.route, row[_OUTCOME], None, None, 0)

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
        self._tending.join()  # it may have written rows that it has not counted
        self._give_up()
        if self._lag is not None:
            self._lag.stop()
        self._reader.close()
        try:
            while self._read_some(math.inf):
                pass
            self._flush()
            self._recorder.close()
            self._ledger.close()
            if self._bodies is not None:
                self._bodies.close()
            self._publish(State.CLOSED)
        except OSError as error:
            self.fail(error)

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
            self.fail(error)
        return bool(unread)

    def _record(self, attempt: Attempt, row: Row) -> str:
        """Write down how a request ended; its outcome."""
        self._budget.settle(attempt.template.reservation, _used(row))
        self._recorder.add(row)
        if attempt.layer is not None:
            self._tally(row[_ROUTE]).blame(attempt.layer)
        if self._bodies is not None:
            self._bodies.add(attempt)
        ended_ns = row[_DONE] or row[_CLOSED]
        took_ms = None if ended_ns is None else (ended_ns - row[_SENT]) / 1e6
        outcome: str = row[_OUTCOME]
        if self.plan.respect_rate_limit and row[_STATUS] is not None:
            self.pace.answered(row[_SENT], time.monotonic_ns(), attempt.refusal())
        said = row[_MESSAGE] and self._sender.secrets.redact(row[_MESSAGE])
        self._on_request(row[_ROUTE], outcome, said, took_ms, attempt.text_length)
        return outcome

    def _tally(self, route: str) -> RouteTally:
        return self._report.routes.setdefault(route, RouteTally())

    def _flush(self) -> None:
        """Write every row that waits by now, with room for others: what they add can wait."""
        until = self._recorder.written + self._recorder.waiting
        while self._recorder.written < until:
            breathe = Breath(urgency=1 + self._recorder.waiting / BATCH_ROWS)
            rows = self._recorder.flush(breathe)
            if rows is not None:
                count(self._tally, rows, breathe)

    def _tend(self) -> None:
        """Flush and report every second, and at once when the last answer is in."""
        try:
            while not self._closed:
                self._end_in_time()
                drained = self._stopping.is_set() and not self._sending and not self._unread
                state = State.DRAINED if drained else State.RUNNING
                due = time.monotonic_ns() - self._flushed_ns >= _FLUSH_NS
                if self._recorder.waiting >= BATCH_ROWS:
                    self._flush()
                if due or state is not self._report.state:
                    self._flush()
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
        report.records, report.sent = self._recorder.written, self._ledger.sent
        report.pauses = [] if self._lag is None else list(self._lag.pauses)
        report.exhausted, report.tokens, report.cost = budget.exhausted, budget.tokens, budget.cost
        if self.failure is not None:
            report.failure = f"{type(self.failure).__name__}: {self.failure}"
            report.errno = getattr(self.failure, "errno", None)
        report.cpu_s = time.process_time() - self._cpu_before_s
        report.connections, report.reused = counts.connections, counts.reused
        report.reads, report.unstamped = counts.reads, counts.unstamped
        pace = self.pace
        report.paced_to = pace.rate and SHARE * pace.rate
        report.limit_learned, report.never_sent = pace.learned, pace.never_sent
        write_report(self._folder, report)


def _used(row: Row) -> Reservation | None:
    """What a request used, by the answer; nothing where none came; None when nobody knows."""
    prompt, completion = row[_PROMPT], row[_COMPLETION]
    if prompt is not None and completion is not None:
        return Reservation(prompt, completion)
    return Reservation(0, 0) if row[_STATUS] is None else None
