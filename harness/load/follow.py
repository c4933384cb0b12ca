"""Runs a worker of a master on another machine, as the command that started it sees it."""

from dataclasses import dataclass, replace
from pathlib import Path

from harness.load.launch import Locust
from harness.load.outcome import LoadOutcome, outcome_of
from harness.load.plan import Identity, LoadPlan, read_plan
from harness.load.processes import Process, listen, running
from harness.load.progress import FOLDER, LoadProgress, State, add_up, read_reports
from harness.load.supervisor import INTERRUPT_DRAIN_S, OnProgress
from harness.load.task import Role, Task

_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Followed:
    """What a worker did: the plan that its master gave it, and what became of its share."""

    plan: LoadPlan
    outcome: LoadOutcome


def follow(
    folder: Path, identity: Identity, locust: Locust, *, on_progress: OnProgress
) -> Followed | None:
    """Work for a master until it lets go, is lost, or Ctrl-C; None when no plan came.

    UsageError when there is no master, or this machine lacks what the plan needs.
    """
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    place = folder.resolve()
    log = str(place / FOLDER / "worker.log")
    task = Task(Role.WORKER, str(place), log, host=locust.host, port=locust.port)
    interrupted = 0
    with running([task], identity) as (process,):
        while process.running:
            try:
                process.read()
                on_progress(_progress(process))
                if interrupted > 1 or process.cause is not None:
                    process.end()
                listen([process], _POLL_S)
            except KeyboardInterrupt:
                interrupted += 1
                process.tell(f"stop {INTERRUPT_DRAIN_S}")
    if process.cause is not None:
        raise process.cause.error(about=str(folder / "samples"))
    if process.plan is None:
        return None
    return _followed(process, interrupted=interrupted > 0)


def _followed(process: Process, *, interrupted: bool) -> Followed:
    plan = read_plan(Path(process.plan or ""))
    progress = _progress(process)
    closed = all(state is State.CLOSED for state in progress.states)
    outcome = outcome_of(
        plan,
        progress,
        interrupted=interrupted,
        aborted=None,
        expected_workers=1,
        missing=() if closed else (f"it {process.fate()}",),
    )
    return Followed(plan, replace(outcome, problems=(*outcome.problems, *process.problems)))


def _progress(process: Process) -> LoadProgress:
    found = LoadProgress()
    if process.plan is not None:
        path = Path(process.plan)
        found = add_up(read_reports(path.parent.parent, path.name.partition(".")[0]))
    return replace(found, doing=process.doing or "starting")
