"""Watches the processes of a load: has them begin together, stops and ends them, and judges no one.

It decides from what they tell, what their reports say and whether they live; a load is over when
every worker has sent all it will and had its answers, has died, or has run out of time.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from harness.load.abort import AbortWatch
from harness.load.cause import Cause, CauseKind
from harness.load.outcome import LoadOutcome, blocked, outcome_of
from harness.load.plan import LoadPlan
from harness.load.processes import Process, listen
from harness.load.progress import LoadProgress, State, WorkerReport, add_up, read_reports, stamps
from harness.load.tally import total
from harness.load.task import Role

INTERRUPT_DRAIN_S = 2.0
"""How long answers are waited for after Ctrl-C or an abort."""
HOPELESS_REQUESTS = 20
"""After so many refusals and not one good answer, a load ends early."""
SILENT_S = 110.0
"""So long after its start without one good answer too, however few were waited for."""
START_S = 30.0
"""How long the processes may take to be ready; a master waits for its workers without end."""

_AHEAD_NS = 50_000_000
"""The moment of the start lies so far ahead that every process has heard of it."""
_POLL_S = 0.05

OnProgress = Callable[[LoadProgress], None]
Enough = Callable[[LoadProgress], bool]
"""Asked whether a load that goes well may end before its time."""


class Supervisor:
    """The processes of one load, from their start to their end, and what they have reported."""

    def __init__(
        self,
        plan: LoadPlan,
        role: Role,
        processes: tuple[Process, ...],
        on_progress: OnProgress,
        enough: Enough | None = None,
    ) -> None:
        self._plan = plan
        self._role = role
        self._processes = processes
        self._on_progress = on_progress
        self._enough = enough
        self._folder = Path(plan.folder)
        self._watch = AbortWatch(plan.abort)
        self._interrupted = self._hopeless = self._silent = self._stopped = self._ending = False
        self._reports: tuple[WorkerReport, ...] = ()
        self._progress = LoadProgress()
        self._written: tuple[int, ...] = ()
        self._began_at = time.monotonic()
        self._started_at: float | None = None

    def watch(self) -> None:
        """Follow the run to its end."""
        while any(process.running for process in self._processes):
            try:
                self._follow()
                listen(self._processes, _POLL_S)
            except KeyboardInterrupt:
                self._interrupt()

    def outcome(self) -> LoadOutcome:
        """What became of the load, once its processes have ended."""
        self._read()
        if cause := self._cause():
            raise cause.error(about=str(self._folder / "samples"))
        missing = tuple(self._missing())
        outcome = outcome_of(
            self._plan,
            self._progress,
            interrupted=self._interrupted,
            aborted=self._watch.tripped,
            expected_workers=0 if self._unasked else max(self._plan.workers, len(self._reports)),
            missing=missing,
        )
        told = tuple(text for process in self._processes for text in process.problems)
        if self._silent:
            told = (f"the target answered nothing in {SILENT_S:.0f} s: the load was ended", *told)
        notes = (*outcome.notes, *self._starts())
        return replace(outcome, problems=(*outcome.problems, *told), notes=notes)

    def _starts(self) -> list[str]:
        """What a person did at Locust's page, where the plan alone does not say it."""
        if self._role is not Role.PAGE or len(self._reports) < 2:
            return []
        names = ", ".join(one.worker for one in self._reports)
        return [f"{len(self._reports)} starts at the page, each with its own warm-up: {names}"]

    @property
    def _unasked(self) -> bool:
        """Whether the run was interrupted before anything was sent."""
        return self._interrupted and not self._progress.requests

    def _follow(self) -> None:
        self._read()
        self._on_progress(self._progress)
        if self._started_at is None:
            self._begin()
        elif not self._stopped and (self._hurts() or self._any_died()):
            self._stop(INTERRUPT_DRAIN_S)
        elif not self._stopped and self._enough is not None and self._enough(self._progress):
            self._stop(self._plan.drain_s)
        if self._ending or self._over():
            self._end()

    def _begin(self) -> None:
        """Give the moment of the start once every process is ready."""
        if self._ending or not all(process.ready for process in self._processes):
            return
        self._started_at = time.monotonic()
        ahead_ns = _AHEAD_NS if len(self._processes) > 1 else 0
        moment_ns = time.monotonic_ns() + ahead_ns
        for process in self._processes:
            process.tell(f"start {moment_ns}")

    def _hurts(self) -> bool:
        """Whether a condition of `--abort` came true, or nothing gets through."""
        return self._watch.trips(self._progress) or self._finds_no_way()

    def _finds_no_way(self) -> bool:
        """Whether it has just become clear that the target lets nothing through."""
        if self._hopeless or self._progress.requests < HOPELESS_REQUESTS:
            return self._is_silent()
        self._hopeless = blocked(total(self._progress.routes.values())) is not None
        return self._hopeless

    def _is_silent(self) -> bool:
        """Whether nothing has been answered for too long, by a target that was never seen well."""
        if self._hopeless or self._role is Role.PAGE or self._started_at is None:
            return False
        whole = total(self._progress.routes.values())
        silent = time.monotonic() - self._started_at > SILENT_S
        self._hopeless = self._silent = silent and whole.errors == whole.requests
        return self._silent

    def _any_died(self) -> bool:
        return any(not process.running for process in self._processes)

    def _over(self) -> bool:
        """Whether the processes should end: all is sent and answered, or their time is over."""
        if self._cause() is not None:
            return True
        now = time.monotonic()
        if self._started_at is None:
            late = now - self._began_at > START_S and self._role is not Role.MASTER
            return self._interrupted or late or self._any_died()
        if self._sent_all():
            return self._role is not Role.PAGE or self._interrupted
        bound = self._plan.total_s + self._plan.drain_s + START_S
        return self._role is not Role.PAGE and now - self._started_at > bound

    def _sent_all(self) -> bool:
        """Whether every worker has sent and received all it will, or was killed.

        A worker on another machine is taken for killed when it is silent for long; one on this
        machine may only have slept with it.
        """
        going = [one for one in self._reports if one.state is State.RUNNING]
        if self._role is Role.MASTER:
            now_ns = time.monotonic_ns()
            lost = all(one.lost(now_ns) for one in going)
            return len(self._reports) >= self._plan.workers and lost
        known, sending = ({one.pid for one in some} for some in (self._reports, going))
        return all(one.pid in known - sending or not one.running for one in self._processes)

    def _interrupt(self) -> None:
        """End early; at Locust's page, which waits for Ctrl-C, a load that is over just ends."""
        if self._interrupted:
            raise KeyboardInterrupt
        if self._role is Role.PAGE and self._started_at and self._sent_all():
            self._end()
            return
        self._interrupted = True
        self._stop(INTERRUPT_DRAIN_S)

    def _stop(self, drain_s: float) -> None:
        """Have nothing more sent, and the last answers awaited for so long."""
        self._stopped = True
        for process in self._processes:
            process.tell(f"stop {min(drain_s, self._plan.drain_s)}")

    def _end(self) -> None:
        self._ending = True
        for process in self._processes:
            process.end()

    def _read(self) -> None:
        for process in self._processes:
            process.read()
        written = stamps(self._folder, self._plan.name)
        if written != self._written:
            self._written = written
            self._reports = read_reports(self._folder, self._plan.name)
            self._progress = add_up(self._reports)
        page = next((process.page for process in self._processes if process.page), None)
        self._progress = replace(self._progress, doing=self._doing(), page=page)

    def _doing(self) -> str:
        """What the load waits for or does, in a few words."""
        told = next((process.doing for process in self._processes if process.doing), None)
        if told:
            return told
        if self._started_at is None:
            ready = sum(process.ready for process in self._processes)
            count = len(self._processes)
            return "starting" if count == 1 else f"starting, {ready} of {count} processes ready"
        if self._reports and self._sent_all():
            return "ending"
        if self._progress.elapsed_s > self._plan.total_s or self._stopped:
            return "waiting for the last answers"
        return "warming up" if self._progress.elapsed_s < self._plan.warmup_s else "sending"

    def _cause(self) -> Cause | None:
        """What kept a process from its work, if one has told or written so."""
        told = next((one.cause for one in self._processes if one.cause is not None), None)
        if told is not None or self._progress.failure is None:
            return told
        kind = CauseKind.BUG if self._progress.errno is None else CauseKind.SYSTEM
        return Cause(kind, self._progress.failure, self._progress.errno)

    def _missing(self) -> list[str]:
        """What became of each worker that did not close its records."""
        known = {one.pid for one in self._reports}
        closed = known - {one.pid for one in self._reports if one.state is not State.CLOSED}
        if self._role is Role.MASTER or self._unasked:
            return []
        return [
            f"{self._plan.name}-{process.task.index} {self._when(process)}{process.fate()}"
            for process in self._processes
            if process.pid not in closed
        ]

    def _when(self, process: Process) -> str:
        return "" if process.ready else "was never ready: it "
