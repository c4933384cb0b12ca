"""Runs a load from its plan to its outcome: gives each Locust process its task and has it watched.

`import locust` patches the interpreter, so nothing here does; the processes are
`harness.load.node`.
"""

from dataclasses import dataclass
from pathlib import Path

from harness.load.outcome import LoadOutcome
from harness.load.plan import Identity, LoadPlan, write_plan
from harness.load.processes import running
from harness.load.progress import FOLDER, LoadProgress
from harness.load.supervisor import Enough, OnProgress, Supervisor
from harness.load.task import Role, Task


@dataclass(frozen=True, slots=True)
class Locust:
    """How Locust is started: the scenario, how many processes, and what they are.

    `processes` share a load on this machine. A `page` is Locust's, and ends with Ctrl-C. A `master`
    sends nothing, but directs the plan's workers and collects their samples or leaves them. `host`
    and `port` are where the page or the master listens; a port of 0 is any free one.
    """

    locustfile: Path
    processes: int = 1
    role: Role = Role.LOCAL
    host: str = "127.0.0.1"
    port: int = 0
    leave_samples: bool = False


def launch(
    plan: LoadPlan,
    identity: Identity,
    locust: Locust,
    *,
    on_progress: OnProgress | None = None,
    enough: Enough | None = None,
) -> LoadOutcome:
    """Run the load to its end; Ctrl-C (KeyboardInterrupt) ends it early with what there is.

    So does `enough`, as an end in order.

    UsageError for a mistake that only a Locust process can find, such as in the scenario; nothing
    was sent then. OSError when the samples could not be written.
    """
    folder = Path(plan.folder)
    for name in (FOLDER, "samples"):
        (folder / name).mkdir(0o700, parents=True, exist_ok=True)
    write_plan(plan, plan_file(plan))
    with running(_tasks(plan, locust), identity) as processes:
        supervisor = Supervisor(plan, locust.role, processes, on_progress or _ignore, enough)
        supervisor.watch()
    return supervisor.outcome()


def plan_file(plan: LoadPlan) -> Path:
    """Where the processes find the plan."""
    return Path(plan.folder) / FOLDER / f"{plan.name}.plan.json"


def _tasks(plan: LoadPlan, locust: Locust) -> list[Task]:
    """One task per process."""
    place = Path(plan.folder) / FOLDER
    count = locust.processes if locust.role is Role.LOCAL else 1
    names = ["master"] if locust.role is Role.MASTER else [str(index) for index in range(count)]
    return [
        Task(
            locust.role,
            plan.folder,
            log=str(place / f"{plan.name}-{name}.log"),
            plan=str(plan_file(plan)),
            locustfile=str(locust.locustfile.resolve()),
            index=index,
            host=locust.host,
            port=locust.port,
            leave_samples=locust.leave_samples,
        )
        for index, name in enumerate(names)
    ]


def _ignore(progress: LoadProgress) -> None:
    del progress
