"""When one Locust process sends: its phases and stages, what a quota holds back, and its end."""

import math
import random
import time

import gevent
from gevent.event import Event

from harness.load.plan import LoadPlan
from harness.load.quota import Leave, Pace
from harness.load.stages import level_at, room_in_s, stage_at
from harness.load.ticket import Ticket
from harness.measure.histogram import Histogram
from harness.settings.values import parse_rate_limit

PERIOD_NS = 10_000_000
PAUSE_NS = 200_000_000
"""From here on a lateness is told with its time: the process did not run."""
MOST_PAUSES = 1_000
LEAST_WAIT_S = 0.005
LONGEST_WAIT_S = 3600.0
"""Of a user that no later stage has room for; the end of the load wakes it."""


class LoadClock:
    """Begins with the first user that is there, and stops once: after that nothing is sent.

    Warm-up lasts until `steady_ns`; all times are CLOCK_MONOTONIC. Answers that are still awaited
    at `give_up_ns` are given up; None while nobody has stopped the load.
    """

    def __init__(self, plan: LoadPlan, *, index: int) -> None:
        self.started_ns = self.steady_ns = 0
        self.give_up_ns: int | None = None
        self.failure: BaseException | None = None
        limit = None if plan.rate_limit is None else parse_rate_limit(plan.rate_limit).per_second
        self.pace = Pace(limit, workers=plan.workers)
        self.lag: LagProbe | None = None
        self._plan = plan
        self._end_ns = math.inf
        self._stopping = Event()
        self._rng = random.Random(f"{plan.seed}:{index}")  # noqa: S311 - no secret

    def begin(self) -> "LagProbe":
        """Start the clock, and with it the measuring of this process's lateness."""
        plan = self._plan
        self.started_ns = time.monotonic_ns()
        self.steady_ns = self.started_ns + int(plan.warmup_s * 1e9)
        if not plan.open_loop:  # a schedule ends by itself, late requests included
            self._end_ns = self.started_ns + plan.total_s * 1e9
        self.lag = LagProbe(self.steady_ns)
        return self.lag

    @property
    def begun(self) -> bool:
        """Whether `begin` was called."""
        return self.lag is not None

    @property
    def stopped(self) -> bool:
        """Whether nothing more is to be sent."""
        return self._stopping.is_set()

    @property
    def over(self) -> bool:
        """Whether the time of the plan has passed."""
        return time.monotonic_ns() >= self._end_ns

    @property
    def gives_up(self) -> bool:
        """Whether answers have been waited for long enough."""
        return self.give_up_ns is not None and time.monotonic_ns() >= self.give_up_ns

    def stop(self, drain_s: float) -> None:
        """Send nothing more, and wait at most `drain_s` for answers."""
        give_up_ns = time.monotonic_ns() + int(drain_s * 1e9)
        self.give_up_ns = min(give_up_ns, self.give_up_ns or give_up_ns)
        self._stopping.set()

    def fail(self, error: BaseException) -> None:
        """Stop because of an error of our own; the first one is kept."""
        self.failure = self.failure or error
        self.stop(0)

    def close(self) -> None:
        """End the measuring of the lateness."""
        if self.lag is not None:
            self.lag.stop()

    def phase(self, at_ns: int) -> str:
        """`warmup` or `steady`, by when a request was due or sent."""
        return "warmup" if at_ns < self.steady_ns else "steady"

    def stage(self, at_ns: int) -> int | None:
        """The stage in which a request was due or sent, from 1; None without stages or before."""
        if not self._plan.stages or at_ns < self.steady_ns:
            return None
        return stage_at(self._plan.stages, (at_ns - self.steady_ns) / 1e9) + 1

    def has_room(self, place: int) -> bool:
        """Whether the user of that number sends now; where stages say no, wait for its turn."""
        stages = self._plan.stages
        at_s = (time.monotonic_ns() - self.steady_ns) / 1e9
        if not stages or place < level_at(stages, at_s):
            return True
        wait_s = room_in_s(stages, place, at_s)
        self.pause(LONGEST_WAIT_S if wait_s is None else max(wait_s, LEAST_WAIT_S))
        return False

    def pause(self, seconds: float) -> None:
        """Sleep, for a shorter time when the run stops."""
        self._stopping.wait(seconds)

    def stagger(self) -> None:
        """Sleep a random part of the warm-up (a second at most), or users march in step."""
        self.pause(self._rng.uniform(0, min(1.0, self._plan.warmup_s / 2)))

    def admit(self, ticket: Ticket) -> Leave:
        """Whether a ticket that is due leaves now, for all that a quota says."""
        if not self._plan.respect_rate_limit:
            return Leave.NOW
        end_ns = self.started_ns + self._plan.total_s * 1e9
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
            while self.pace.free_ns > now_ns and not self.stopped:
                self.pause((self.pace.free_ns - now_ns) / 1e9)
                now_ns = time.monotonic_ns()
        finally:  # the user may be killed while it waits
            overtaken = self.pace.free_ns > time.monotonic_ns()
            self.pace.never_sent += overtaken
        if self._plan.respect_rate_limit and not overtaken:
            self.pace.left(now_ns)
        return now_ns - begun_ns or None


class LagProbe:
    """How late this process is: asks to be woken a hundred times a second, and notes the lateness.

    The times at which it asks to be woken are fixed beforehand, so that a process that stood still
    for five seconds was late five hundred times, not once. A request that is due waits as long as
    this probe does, and so would user-space receive times. `pauses` are the start and the length of
    each time of standing still, CLOCK_MONOTONIC nanoseconds.
    """

    def __init__(self, start_ns: int) -> None:
        self.histogram = Histogram()
        self.pauses: list[tuple[int, int]] = []
        self._due_ns = start_ns + PERIOD_NS
        self._greenlet = gevent.spawn(self._probe)

    def stop(self) -> None:
        """End the sampling."""
        self._greenlet.kill()

    def note(self, now_ns: int) -> None:
        """Count every time that was due by now."""
        missed = (now_ns - self._due_ns) // PERIOD_NS + 1
        if missed <= 0:
            return
        late_ns = now_ns - self._due_ns
        self.histogram.extend(late_ns - PERIOD_NS * place for place in range(missed))
        if late_ns >= PAUSE_NS and len(self.pauses) < MOST_PAUSES:
            self.pauses.append((self._due_ns, late_ns))
        self._due_ns += missed * PERIOD_NS

    def _probe(self) -> None:
        while True:
            gevent.sleep(max(self._due_ns - time.monotonic_ns(), 0) / 1e9)
            self.note(time.monotonic_ns())
