"""One run of the whole suite on one stand-in: what broke, and after how many requests.

Requests are counted at the stand-in: everything that arrives counts, re-sends included.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.contract.clause import Level, Result
from harness.contract.observation import Observation
from harness.contract.options import REQUIRABLE
from harness.contract.run import standin
from harness.contract.run.budget import Budget, BudgetError
from harness.contract.run.exploration import Exploration
from harness.contract.run.reference import prepared
from harness.contract.run.results import Results
from harness.contract.run.standin import TARGET
from harness.contract.run.verdict import conclude
from harness.contract.topics.catalogue import CLAUSES
from harness.contract.topics.scenes import Scene
from harness.defects.table import DEFECTS, EVERY

STRICT = (Level.MUST, Level.SHOULD)
"""What fails a run under `--strict`."""
SECONDS_NS = 600_000_000_000
STRICT_IDS = frozenset(c.id for c in CLAUSES if c.level in STRICT)
KILLERS: Mapping[str, frozenset[str]] = {
    name: STRICT_IDS.intersection(defect.killed_by) for name, defect in DEFECTS.items()
}
"""The clauses that are listed for each defect."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What to run: the stand-in as it should be, with a defect, or in a variant."""

    requests: int = 300
    seed: int = 0
    defect: str | None = None
    variant: str | None = None
    until_killed: bool = False

    @property
    def on_socket(self) -> bool:
        """Whether only a real connection shows the defect."""
        return self.defect is not None and EVERY.named(self.defect).socket_only


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """What a trial found: `broken` has the failing clauses and the requests until each failed."""

    trial: Trial
    broken: Mapping[str, int]
    arrived: int
    verdict: str

    @property
    def killed_after(self) -> int | None:
        """Requests until a clause that is listed for the defect failed; None if none did."""
        listed = KILLERS.get(self.trial.defect or "", frozenset())
        return min((n for clause, n in self.broken.items() if clause in listed), default=None)


class Watched(Results):
    """A ledger that notes how many requests had arrived when a clause failed first."""

    def __init__(self, routes: Iterable[str], arrived: Callable[[], int]) -> None:
        super().__init__(CLAUSES, routes)
        self.broken: dict[str, int] = {}
        self._arrived = arrived

    def see(self, seen: Observation) -> None:
        super().see(seen)
        self._note()

    def see_scene(self, probe: str, route: str, scene: Scene) -> None:
        super().see_scene(probe, route, scene)
        self._note()

    def see_whole(self, seen: Iterable[Observation]) -> None:
        super().see_whole(seen)
        self._note()

    def _note(self) -> None:
        for entry in self.entries.values():
            if entry.violated and entry.clause.level in STRICT:
                self.broken.setdefault(entry.clause.id, self._arrived())


def attempt(trial: Trial) -> TrialOutcome:
    """The outcome of a trial; a crash of the suite is one, and ends no other trial."""
    try:
        return run(trial)
    except Exception as exc:  # noqa: BLE001 - the border of a worker: it becomes a line of the result
        return TrialOutcome(trial, {}, 0, f"crash: {type(exc).__name__}: {exc}"[:200])


def run(trial: Trial) -> TrialOutcome:
    """The outcome of one trial: the same steps as `verify --target mock --mode pr --strict`."""
    start = standin.local if trial.on_socket else standin.mock
    with start(TARGET, defect=trial.defect, variant=trial.variant, seed=trial.seed) as embedded:
        ledger, exploration = started(trial, embedded)
        exploration.run()
        stopped = exploration.stopped
        bugs = exploration.bugs
        judged = conclude(ledger, strict=True, required=REQUIRABLE, stopped=stopped, bugs=bugs)
        verdict = f"crash: {judged.bugs[0]}"[:200] if judged.bugs else judged.verdict
        failing = {e.clause.id for e in ledger.entries.values() if e.result is Result.FAIL}
        broken = {clause: n for clause, n in ledger.broken.items() if clause in failing}
        return TrialOutcome(trial, broken, embedded.arrived, verdict)


class UntilKilled(Budget):
    """A budget that is used up as soon as a listed clause has failed."""

    def __init__(self, requests: int, killed: Callable[[], bool]) -> None:
        super().__init__(requests)
        self._killed = killed

    def reserve(self, tokens: int) -> None:
        if self._killed():
            raise BudgetError("the defect is killed")
        super().reserve(tokens)


def started(trial: Trial, embedded: standin.Embedded) -> tuple[Watched, Exploration]:
    """The run of a trial on a stand-in that stands ready, before its first request."""
    ledger = Watched(embedded.target.routes, lambda: embedded.arrived)
    listed = KILLERS.get(trial.defect or "", STRICT_IDS)
    budget = Budget(trial.requests)
    if trial.until_killed:
        budget = UntilKilled(trial.requests, lambda: not listed.isdisjoint(ledger.broken))
    exploration = prepared(embedded, ledger, budget, seed=trial.seed)
    exploration.deadline_ns = embedded.clock.now_ns() + SECONDS_NS
    if trial.until_killed:
        exploration.again = exploration.reductions = 0
    return ledger, exploration
