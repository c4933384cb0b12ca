"""What became of a load: counts, who failed, and what makes its numbers no numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.errors import TransportKind
from harness.load.plan import LoadPlan
from harness.load.progress import LoadProgress, State
from harness.load.tally import RouteTally, total
from harness.measure.outcome import Outcome, own_outcomes
from harness.measure.validity import not_sent

_BLOCKING = frozenset(
    {
        *(kind.value for kind in TransportKind),
        Outcome.UNAUTHORIZED,
        Outcome.RATE_LIMITED,
        Outcome.OVERLOADED,
        Outcome.HTTP_4XX,
        Outcome.HTTP_5XX,
    }
)
"""With nothing but these, a target was not reached or let nobody in: it cannot be judged."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why not one request of a load came back well: the layer that refused, and its words."""

    layer: str
    outcome: str
    message: str

    def __str__(self) -> str:
        said = f": {self.message}" if self.message else ""
        return f"every request failed ({self.outcome}), refused by the {self.layer}{said}"


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """The end of one load; `records` are the samples that its workers say they wrote.

    `errors` are the target's; what the client did itself is in `outcomes` alone.

    `blocked` is set when nobody let a request through, so that the target cannot be judged.
    `problems` are sentences that make the numbers invalid, `notes` those that do not.
    """

    interrupted: bool
    aborted: str | None
    exhausted: str | None
    requests: int
    errors: int
    records: int
    outcomes: Mapping[str, int] = field(default_factory=dict)
    layers: Mapping[str, int] = field(default_factory=dict)
    blocked: Blocked | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    loop_lag_ms: Mapping[str, float | None] = field(default_factory=dict)
    kernel_times: bool = True
    floor_reason: str | None = None
    elapsed_s: float = 0.0

    @property
    def cut_short(self) -> bool:
        """Whether it was stopped before its end, or the target is out of reach."""
        return self.interrupted or self.aborted is not None or self.blocked is not None

    @property
    def dropped(self) -> int:
        """Requests that were due and not sent."""
        return self.outcomes.get(Outcome.DROPPED, 0)


def outcome_of(
    plan: LoadPlan,
    progress: LoadProgress,
    *,
    interrupted: bool,
    aborted: str | None,
    expected_workers: int,
    missing: tuple[str, ...] = (),
) -> LoadOutcome:
    """The outcome by the workers' last reports; `missing` says what became of the others."""
    whole = total(progress.routes.values())
    return LoadOutcome(
        interrupted=interrupted,
        aborted=aborted,
        exhausted=progress.exhausted,
        requests=whole.requests,
        errors=_errors(whole, interrupted=interrupted or aborted is not None),
        records=progress.records,
        outcomes=dict(whole.outcomes),
        layers=dict(whole.layers),
        blocked=blocked(whole),
        problems=tuple(_problems(progress, whole, expected_workers, missing)),
        notes=tuple(_notes(plan, progress, whole)),
        loop_lag_ms=progress.loop_lag.summary_ms(),
        kernel_times=progress.kernel_times,
        floor_reason=progress.floor_reason,
        elapsed_s=progress.elapsed_s,
    )


def _errors(whole: RouteTally, *, interrupted: bool) -> int:
    """How many requests the target failed; what the client did itself is none of its errors."""
    own = own_outcomes(interrupted=interrupted)
    return whole.errors - sum(whole.outcomes[outcome] for outcome in own)


def blocked(whole: RouteTally) -> Blocked | None:
    """Why nobody was let in, when every request was refused or found no way; else None."""
    if not whole.errors or not whole.layers or not set(whole.outcomes) <= _BLOCKING:
        return None
    layer, _ = whole.layers.most_common(1)[0]
    outcome, _ = whole.outcomes.most_common(1)[0]
    return Blocked(layer, outcome, whole.messages.get(outcome, ""))


def _problems(
    progress: LoadProgress, whole: RouteTally, expected_workers: int, missing: tuple[str, ...]
) -> list[str]:
    problems = []
    closed = progress.states.count(State.CLOSED)
    if closed < expected_workers:
        absent = f"{expected_workers - closed} of {expected_workers} workers did not finish"
        problems.append(f"{absent}: {'; '.join(missing)}" if missing else absent)
    if progress.records != whole.requests:
        problems.append(f"{whole.requests} requests ended, {progress.records} were recorded")
    return problems


def _notes(plan: LoadPlan, progress: LoadProgress, whole: RouteTally) -> list[str]:
    notes = []
    if progress.beyond:
        notes.append(f"run beyond the calibration: {progress.beyond}")
    if not progress.kernel_times:
        share = progress.unstamped / max(progress.reads, 1)
        notes.append(f"{share:.0%} of receive times are the client's own, not the kernel's")
    missing = not_sent(
        dropped=whole.outcomes[Outcome.DROPPED],
        limited=whole.outcomes[Outcome.CLIENT_LIMIT],
        in_flight=plan.bound,
        said=whole.messages.get(Outcome.CLIENT_LIMIT, ""),
    )
    if missing:
        notes.append(missing)
    return notes
