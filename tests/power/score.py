"""From the outcomes of many trials to what the suite is worth, and whether it meets its bar."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from harness.contract.clause import Clause, Level
from harness.contract.topics.catalogue import CLAUSES
from harness.defects.defect import Defect
from harness.defects.table import DEFECTS, UPSTREAM
from harness.defects.variants import VARIANTS
from tests.power.exempt import STANDS
from tests.power.trial import KILLERS, STRICT, Trial, TrialOutcome

BUDGETS = (40, 100, 300)
BAR: Mapping[int, float] = {40: 0.84, 100: 0.95, 300: 1.0}
"""The least share of client-visible defects that a run of so many requests must kill."""
SEEDS = 20
"""How many runs a legal stand-in has to pass without an alarm."""


@dataclass(frozen=True, slots=True)
class Killing:
    """What became of one defect.

    `after` has the requests until it was killed, per budget, None where it survived. `by` are the
    listed clauses that failed, `beside` the others that did, both in a whole run.
    """

    defect: Defect
    after: Mapping[int, int | None]
    by: tuple[str, ...]
    beside: tuple[str, ...]

    @property
    def first(self) -> int | None:
        """Requests to the kill under the smallest budget that sufficed."""
        return next((n for n in self.after.values() if n is not None), None)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A legal stand-in that was not passed: `name` is the variant, None for none."""

    name: str | None
    seed: int
    verdict: str
    clauses: tuple[str, ...]

    def __str__(self) -> str:
        accused = ", ".join(self.clauses) or f"verdict {self.verdict}"
        return f"{self.name or 'the clean stand-in'}, seed {self.seed}: {accused}"


@dataclass(frozen=True, slots=True)
class Power:
    """The result of a measurement; `unseen` are defects that no client can see."""

    killings: tuple[Killing, ...]
    alarms: tuple[Alarm, ...]
    legal: Mapping[str, int]
    unseen: tuple[Defect, ...] = ()
    crashes: tuple[str, ...] = ()
    partial: bool = field(default=False)

    def share(self, budget: int) -> float:
        """The share of the defects that a budget kills."""
        killed = sum(k.after.get(budget) is not None for k in self.killings)
        return killed / len(self.killings) if self.killings else 1.0

    def survivors(self, budget: int) -> list[str]:
        """The names of the defects that are alive after so many requests."""
        return [k.defect.name for k in self.killings if k.after.get(budget) is None]

    @property
    def sole(self) -> dict[str, list[str]]:
        """For each clause the defects that only it kills."""
        found: dict[str, list[str]] = {}
        for killing in self.killings:
            failing = (*killing.by, *killing.beside)
            if len(failing) == 1:
                found.setdefault(failing[0], []).append(killing.defect.name)
        return found

    @property
    def shared(self) -> Counter[str]:
        """For each clause how many defects break it."""
        return Counter(clause for k in self.killings for clause in (*k.by, *k.beside))

    def misses(self) -> list[str]:
        """What is below the bar, a line each."""
        return list(self._misses())

    def _misses(self) -> Iterator[str]:
        for budget, least in BAR.items():
            if self.share(budget) < least:
                alive = ", ".join(self.survivors(budget))
                share = percent(self.share(budget))
                yield f"{share} killed with {budget} requests, not {least:.0%}: alive {alive}"
        yield from self.crashes
        for alarm in self.alarms:
            yield f"alarm on {alarm}"
        if not self.partial:
            yield from (
                f"clause {c.id} breaks under no defect and does not say why it stands"
                for c in self._idle()
            )

    def _idle(self) -> Iterator[Clause]:
        sole, shared = self.sole, self.shared
        for clause in CLAUSES:
            idle = clause.id not in sole and not shared[clause.id] and clause.id not in STANDS
            if clause.level is Level.MUST and idle:
                yield clause


def percent(share: float) -> str:
    """A share for people, never rounded up to 100 %."""
    return f"{int(share * 1000) / 10:.1f} %"


def trials(*, seeds: int = SEEDS, names: Iterable[str] | None = None) -> list[Trial]:
    """Every run of a measurement, or those on the named defects and variants; slow ones first.

    Each budget is a run of its own, not the beginning of a larger one: where it ends inside a
    sequence, the part that was played is judged at once, and so is the run as a whole.
    """
    wanted = None if names is None else set(names)
    planned = [
        Trial(budget, defect=defect.name, until_killed=budget != BUDGETS[-1])
        for defect in DEFECTS.values()
        for budget in BUDGETS
        if (wanted is None or defect.name in wanted) and _can_tell(defect, budget)
    ]
    planned.sort(key=lambda trial: not trial.on_socket)
    legal = [name for name in (None, *VARIANTS) if wanted is None or name in wanted]
    planned += [Trial(seed=seed, variant=name) for name in legal for seed in range(seeds)]
    return planned


def _can_tell(defect: Defect, budget: int) -> bool:
    """Whether a run can kill: without a listed clause one is enough, to see what else failed."""
    return bool(KILLERS[defect.name]) or budget == BUDGETS[-1]


def score(outcomes: Iterable[TrialOutcome], *, partial: bool = False) -> Power:
    """The power that the outcomes show; `partial` when not all trials were made."""
    listed = list(outcomes)
    by_defect: dict[str, dict[int, TrialOutcome]] = {}
    for outcome in listed:
        if outcome.trial.defect is not None:
            by_defect.setdefault(outcome.trial.defect, {})[outcome.trial.requests] = outcome
    legal = [outcome for outcome in listed if outcome.trial.defect is None]
    order = {name: number for number, name in enumerate((None, *VARIANTS))}
    legal.sort(key=lambda outcome: (order[outcome.trial.variant], outcome.trial.seed))
    return Power(
        killings=tuple(
            _killing(DEFECTS[name], by_defect[name]) for name in DEFECTS if name in by_defect
        ),
        alarms=tuple(_alarm(outcome) for outcome in legal if outcome.verdict != "pass"),
        legal=Counter(outcome.trial.variant or "" for outcome in legal),
        unseen=tuple(UPSTREAM.values()),
        crashes=tuple(_crashes(listed)),
        partial=partial,
    )


def _crashes(outcomes: Iterable[TrialOutcome]) -> Iterator[str]:
    for outcome in outcomes:
        trial = outcome.trial
        if outcome.verdict.startswith("crash") and trial.defect is not None:
            yield f"{outcome.verdict} on {trial.defect} with {trial.requests} requests"


def _killing(defect: Defect, runs: Mapping[int, TrialOutcome]) -> Killing:
    whole = runs[max(runs)]
    listed = KILLERS[defect.name]
    failing = [
        clause.id for clause in CLAUSES if clause.id in whole.broken and clause.level in STRICT
    ]
    return Killing(
        defect,
        {budget: runs[budget].killed_after for budget in sorted(runs)},
        tuple(clause for clause in failing if clause in listed),
        tuple(clause for clause in failing if clause not in listed),
    )


def _alarm(outcome: TrialOutcome) -> Alarm:
    trial = outcome.trial
    return Alarm(trial.variant, trial.seed, outcome.verdict, tuple(sorted(outcome.broken)))
