"""Starts Locust as a subprocess, watches it, stops it, and says what became of the load.

`import locust` patches the interpreter, so nothing here does; the plan goes by file and
environment.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, UsageError
from harness.load.abort import Watch
from harness.load.outcome import LoadOutcome, blocked, outcome_of
from harness.load.plan import (
    IDENTITY_VARIABLE,
    PLAN_VARIABLE,
    Identity,
    LoadPlan,
    write_plan,
)
from harness.load.progress import (
    EXIT_CODE_BASE,
    FOLDER,
    Progress,
    State,
    WorkerReport,
    add_up,
    read_reports,
    stamps,
    stop_file,
)
from harness.load.tally import total

INTERRUPT_DRAIN_S = 2.0
"""How long answers are waited for after Ctrl-C or an abort."""
HOPELESS_REQUESTS = 50
"""After so many refusals and not one good answer, a load ends early."""
START_S = 30.0
"""How long Locust may take to send its first request."""

_POLL_S = 0.1
_GRACE_S = 15.0
_ENDED = (0, -signal.SIGTERM, -signal.SIGKILL)
_LOG_LINES = 15

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Locust:
    """How Locust is started: the scenario, its user interface, and its place in a cluster.

    `processes` forks so many workers on this machine. `master` or `worker` with further `options`
    are passed on; a master sends nothing itself, and a worker obeys its master.
    """

    locustfile: Path
    processes: int = 1
    ui: bool = False
    master: bool = False
    worker: bool = False
    options: tuple[str, ...] = ()


def launch(
    plan: LoadPlan,
    identity: Identity,
    locust: Locust,
    *,
    on_progress: OnProgress | None = None,
) -> LoadOutcome:
    """Run the load to its end; Ctrl-C (KeyboardInterrupt) ends it early with what there is.

    UsageError when Locust does not start, with the last lines of its log, or when the plan asks for
    more than the calibration reached; OSError when the samples could not be written.
    """
    folder = Path(plan.folder)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    (folder / "samples").mkdir(exist_ok=True)
    plan_file = folder / FOLDER / f"{plan.name}.plan.json"
    write_plan(plan, plan_file)
    with _started(plan, identity, locust, plan_file) as process:
        run = _Run(plan, locust, process, on_progress or _ignore)
        run.watch()
    return run.outcome()


class _Run:
    """One Locust process tree under watch."""

    def __init__(
        self,
        plan: LoadPlan,
        locust: Locust,
        process: "subprocess.Popen[bytes]",
        on_progress: OnProgress,
    ) -> None:
        self._plan = plan
        self._locust = locust
        self._process = process
        self._on_progress = on_progress
        self._folder = Path(plan.folder)
        self._watch = Watch(plan.abort)
        self._interrupted = False
        self._hopeless = False
        self._reports: tuple[WorkerReport, ...] = ()
        self._progress = Progress()
        self._written: tuple[int, ...] = ()
        self._started_at = time.monotonic()

    def watch(self) -> None:
        """Follow the run to its end."""
        while self._process.poll() is None:
            try:
                self._follow()
            except KeyboardInterrupt:
                self._interrupt()

    def _interrupt(self) -> None:
        """End early; at Locust's page, which waits for Ctrl-C, a load that is over just ends."""
        if self._interrupted:
            self._process.kill()
            raise KeyboardInterrupt
        if self._locust.ui and self._sent_all():
            self._process.send_signal(signal.SIGTERM)
            return
        self._interrupted = True
        self._ask_to_stop()

    def outcome(self) -> LoadOutcome:
        """What became of the load, once Locust has ended."""
        code = self._process.wait()
        self._read()
        self._raise_failure(code)
        records_nothing = self._locust.master or (self._interrupted and not self._reports)
        return outcome_of(
            self._plan,
            self._progress,
            interrupted=self._interrupted,
            aborted=self._watch.tripped,
            expected_workers=0 if records_nothing else self._own_workers,
        )

    def _raise_failure(self, code: int) -> None:
        """Raise what kept the load from being run or recorded."""
        progress = self._progress
        if self._refused is not None:
            raise UsageError(f"{self._refused}, or run it all the same: --beyond-calibration")
        number = progress.errno or (code - EXIT_CODE_BASE if code > EXIT_CODE_BASE else None)
        if number is not None:
            raise OSError(number, os.strerror(number), str(self._folder / "samples"))
        if progress.failure is not None:
            raise HarnessError(f"the load failed: {progress.failure}")
        if self._interrupted or code in _ENDED:
            return
        if not progress.states and not self._locust.master:
            raise UsageError(f"Locust did not start (exit code {code}); {self._log_end()}")
        raise HarnessError(f"Locust failed (exit code {code}); {self._log_end()}")

    def _follow(self) -> None:
        asked_at: float | None = None
        while self._process.poll() is None:
            self._read()
            self._on_progress(self._progress)
            if self._watch.trips(self._progress) or self._finds_no_way() or self._refused:
                self._ask_to_stop()
            now = time.monotonic()
            if asked_at is None and self._over(now):
                asked_at = now
                self._process.send_signal(signal.SIGTERM)
            if asked_at is not None and now - asked_at > _GRACE_S:
                self._process.kill()
            time.sleep(_POLL_S)

    def _finds_no_way(self) -> bool:
        """Whether it has just become clear that the target lets nothing through."""
        if self._hopeless or self._progress.requests < HOPELESS_REQUESTS:
            return False
        self._hopeless = blocked(total(self._progress.routes.values())) is not None
        return self._hopeless

    @property
    def _refused(self) -> str | None:
        """What a worker's calibration has against the plan."""
        return None if self._plan.beyond_calibration else self._progress.beyond

    def _over(self, now: float) -> bool:
        """Whether Locust should end: all is sent and answered, or its time is long over."""
        if not self._reports:
            return self._interrupted or (now - self._started_at > START_S and self._own_clock)
        if self._sent_all():
            return not self._locust.ui or self._interrupted
        bound = self._plan.total_s + self._plan.drain_s + START_S
        return self._own_clock and now - self._started_at > bound

    def _sent_all(self) -> bool:
        """Whether every worker has sent and received all it will, or was killed."""
        now_ns = time.monotonic_ns()
        ended = [one.state is not State.RUNNING or one.lost(now_ns) for one in self._reports]
        return len(ended) >= self._own_workers and all(ended)

    @property
    def _own_workers(self) -> int:
        """How many workers record on this machine."""
        return self._locust.processes if self._locust.worker else self._plan.workers

    @property
    def _own_clock(self) -> bool:
        """Whether the run's length is ours to decide, not a user's at a page or a master's."""
        return not (self._locust.ui or self._locust.master or self._locust.worker)

    def _read(self) -> None:
        written = stamps(self._folder, self._plan.name)
        if written != self._written:
            self._written = written
            self._reports = read_reports(self._folder, self._plan.name)
            self._progress = add_up(self._reports)

    def _ask_to_stop(self) -> None:
        stop = stop_file(self._folder, self._plan.name)
        stop.write_text(str(min(INTERRUPT_DRAIN_S, self._plan.drain_s)), encoding="ascii")

    def _log_end(self) -> str:
        log = _log_file(self._plan)
        lines = log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:]
        return f"the end of {log}:\n" + "\n".join(f"  {line}" for line in lines)


def _log_file(plan: LoadPlan) -> Path:
    return Path(plan.folder) / FOLDER / f"{plan.name}.log"


def _ignore(progress: Progress) -> None:
    del progress


@contextmanager
def _started(
    plan: LoadPlan, identity: Identity, locust: Locust, plan_file: Path
) -> "Iterator[subprocess.Popen[bytes]]":
    """Locust in a session of its own, so that Ctrl-C reaches only us; never left behind."""
    folder = Path(plan.folder)
    with _log_file(plan).open("wb") as log:
        command = _command(plan, locust)
        log.write(f"$ {shlex.join(command)}\n".encode())
        log.flush()
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            command,
            stdin=subprocess.PIPE,  # closed when we are gone: the users see it and end
            stdout=log,
            stderr=log,
            env=_environment(identity, plan_file),
            cwd=folder,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _command(plan: LoadPlan, locust: Locust) -> list[str]:
    """Locust's own limits are wider than the plan's, which its users obey."""
    users = plan.workers if plan.open_loop else plan.users
    spawn_rate = max(users / max(plan.warmup_s / 2, 1.0), 1.0)
    limit = int(plan.total_s + plan.drain_s + START_S)
    arguments = ["-f", str(locust.locustfile.resolve()), "--host", plan.address.origin]
    arguments += ["--exit-code-on-error", "0", "--only-summary"]
    arguments += ["--stop-timeout", str(int(plan.drain_s + 5))]
    if not locust.worker:
        arguments += ["--users", str(users), "--spawn-rate", f"{spawn_rate:g}"]
        arguments += ["--run-time", f"{limit}s"]
        arguments += ["--autostart"] if locust.ui else ["--headless"]
    if locust.processes > 1:
        arguments += ["--processes", str(locust.processes)]
    arguments += ["--master"] if locust.master else []
    arguments += ["--worker"] if locust.worker else []
    return [sys.executable, "-m", "locust", *arguments, *locust.options]


def _environment(identity: Identity, plan_file: Path) -> dict[str, str]:
    """Ours without Locust's variables, which would change the run, plus plan and identity."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    return {
        **kept,
        PLAN_VARIABLE: str(plan_file.resolve()),
        IDENTITY_VARIABLE: identity.to_text(),
        "PYTHONUNBUFFERED": "1",
    }
