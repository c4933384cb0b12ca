"""Earlier runs as evidence for a launch: what they are, and why they may answer nothing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.measure.objective import RATIO, Objective
from harness.report import conformance, documents, manifest, sentences
from harness.report.build import assemble
from harness.report.capacity.level import GaveWay
from harness.report.capacity.result import Known
from harness.report.conformance import Conformance
from harness.report.gate.wanted import RunKind, Wanted
from harness.report.manifest import Command, Manifest
from harness.report.quantile import Estimate
from harness.report.report import Report

COMMANDS: Mapping[RunKind, tuple[Command, ...]] = {
    RunKind.CONTRACT: (Command.VERIFY, Command.RUN),
    RunKind.LOAD: (Command.LOAD, Command.RUN),
    RunKind.COMPARE: (Command.COMPARE, Command.RUN),
    RunKind.CAPACITY: (Command.CAPACITY,),
}
"""Which commands leave evidence of a kind."""
CLOCKS_APART_S = 300.0
"""So far a run may lie in the future: the clocks of two machines differ."""
FLOORS = (GaveWay.NOTHING, GaveWay.CLIENT, GaveWay.QUOTA)
"""What can end a search without the target having given way: it may carry more."""
AGES = ((86_400, "days"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, slots=True)
class RunEvidence:
    """One run: `doubts` are why it answers nothing, `cut_short` is why it can only show a miss.

    It says what the contract's verdict was, or is the report of a load or a comparison, judged by
    what the launch demands, or the rate that a search found, without an upper end where the target
    never gave way. `ended` is when it ended, or began where nobody knows.
    """

    kind: RunKind
    folder: Path
    run: Manifest
    says: Conformance | Report | Estimate
    ended: datetime | None
    age_s: float | None
    doubts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def target(self) -> str:
        """The target in a few words."""
        return sentences.target(self.run.target)

    @property
    def model(self) -> str | None:
        """The model that native and compat were asked for."""
        found = _of_target(self.run, "model")
        return None if found is None else str(found)

    @property
    def age(self) -> str:
        """How old it is, in words."""
        return "of unknown age" if self.age_s is None else f"{_words(self.age_s)} old"

    @property
    def machine(self) -> str:
        """What the requests came from, in words."""
        names = (self.run.machine.get(name) for name in ("system", "release", "architecture"))
        told, cpus = " ".join(str(name) for name in names if name), self.run.machine.get("cpus")
        return ", ".join(each for each in (told, cpus and f"{cpus} CPUs") if each) or "unknown"

    @property
    def cut_short(self) -> str | None:
        """The objective of its own that stopped the run."""
        aborted = self.run.aborted
        return f"the run of --{self.kind} was stopped by --abort: {aborted}" if aborted else None

    def doubts_about(self, bound: Objective) -> tuple[str, ...]:
        """Why an objective has no answer from it."""
        if not isinstance(self.says, Report) or not _of_latency(bound):
            return self.doubts
        if self.says.summary.client.noise_floor:
            return self.doubts
        unknown = f"the client's own error is not known: --{self.kind} was not calibrated"
        return (*self.doubts, unknown)

    def document(self) -> dict[str, Any]:
        """One entry of `evidence` in `gate.json`."""
        return {
            "kind": self.kind.value,
            "run": self.name,
            "run_id": self.run.run_id,
            "command": self.run.command,
            "target": self.target,
            "model": self.model,
            "ended": None if self.ended is None else self.ended.isoformat(timespec="seconds"),
            "age_s": self.age_s,
            "machine": self.machine,
            "verdict": self.run.verdict,
            "doubts": list(self.doubts),
        }


def read(
    folders: Mapping[RunKind, Path], wanted: Wanted, *, now: datetime
) -> dict[RunKind, RunEvidence]:
    """The runs, each with its doubts; UsageError for a folder that is no such evidence."""
    found = {kind: _given(kind, folder, wanted, now) for kind, folder in folders.items()}
    unlike = _unlike(list(found.values()))
    return {
        kind: replace(each, doubts=(*each.doubts, *unlike)) if unlike else each
        for kind, each in found.items()
    }


def _given(kind: RunKind, folder: Path, wanted: Wanted, now: datetime) -> RunEvidence:
    """The run of an option, which every complaint names."""
    try:
        return _read(kind, folder, wanted, now)
    except UsageError as error:
        raise UsageError(f"--{kind} {error}") from error


def _read(kind: RunKind, folder: Path, wanted: Wanted, now: datetime) -> RunEvidence:
    run = _manifest(kind, folder)
    ended = _ended(run)
    age_s = None if ended is None else (now - ended).total_seconds()
    found = RunEvidence(kind, folder, run, _says(kind, folder, run, wanted), ended, age_s)
    told = (f"the run of --{kind} {doubt}" for doubt in _doubts(found, wanted))
    return replace(found, doubts=tuple(told))


def _says(
    kind: RunKind, folder: Path, run: Manifest, wanted: Wanted
) -> Conformance | Report | Estimate:
    if kind is RunKind.CONTRACT:
        return _contract(folder)
    if kind is RunKind.CAPACITY:
        return _carried(folder)
    return assemble(folder, thresholds=_thresholds(kind, run, wanted))


def _manifest(kind: RunKind, folder: Path) -> Manifest:
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    run = manifest.read(folder)
    if run.command not in COMMANDS[kind]:
        made = " or ".join(COMMANDS[kind])
        raise UsageError(f"{folder}: expected a run of {made}, got one of {run.command}")
    return run


def _thresholds(kind: RunKind, run: Manifest, wanted: Wanted) -> list[str]:
    """What the report of a run judges; what spans routes or runs is judged by the gate itself."""
    if kind is RunKind.COMPARE and run.command != Command.COMPARE:
        return []
    return [bound.text for bound in wanted.of(kind) if bound.metric != RATIO]


def _contract(folder: Path) -> Conformance:
    found = conformance.of_run(folder)
    if found is None:
        raise UsageError(f"{folder}: expected conformance.json in it")
    return found


def _carried(folder: Path) -> Estimate:
    """The rate that a search found; it has no upper end where the target never gave way."""
    path = folder / "capacity.json"
    try:
        found = documents.read(Known, json.loads(path.read_text("utf-8")), path.name)
    except FileNotFoundError as error:
        raise UsageError(f"{folder}: expected capacity.json in it") from error
    except (OSError, ValueError, UsageError) as error:
        raise UsageError(f"{path} is not a capacity.json: {error}") from error
    rate, floor = found.carried_rate, found.limited_by in FLOORS
    value, low, high = map(_number, (rate.value, rate.low, rate.high))
    reason = "no rate was shown to be carried"
    return Estimate(value, low, None if floor else high, reason=reason)


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _ended(run: Manifest) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(run.facts.get("ended") or run.clock.get("started")))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _doubts(found: RunEvidence, wanted: Wanted) -> Iterator[str]:
    """Why the run answers nothing, as what is said of it."""
    if found.age_s is None:
        yield "has no date"
    elif found.age_s > wanted.max_age_s:
        yield f"is {found.age}, and max_age is {wanted.max_age}"
    elif found.age_s < -CLOCKS_APART_S:
        yield f"lies {_words(-found.age_s)} in the future"
    if wanted.target is not None and not _is_target(found.run, wanted.target):
        yield f"is of the target {found.target}, not of {wanted.target}"
    if found.run.going_on:
        yield "is still going on"
    elif found.run.interrupted:
        yield "was interrupted: the rest was not measured"
    worthless = found.says.decision.worthless if isinstance(found.says, Report) else ()
    yield from (f"cannot be trusted: {each}" for each in worthless or found.run.problems)


def _words(seconds: float) -> str:
    """A length of time in whole units, at least two of them where it can be: `36 h`, `9 days`."""
    size, unit = next((each for each in AGES if seconds >= 2 * each[0]), AGES[-1])
    return f"{int(seconds / size)} {unit}"


def _of_target(run: Manifest, name: str) -> Any:
    return run.target.get(name) if isinstance(run.target, Mapping) else None


def _is_target(run: Manifest, wanted: str) -> bool:
    names = [run.target, *(_of_target(run, name) for name in ("name", "kind", "base"))]
    base, origin = _of_target(run, "base"), wanted.rstrip("/")
    return wanted in names or base == origin or str(base).startswith(f"{origin}/")


def _unlike(found: Sequence[RunEvidence]) -> tuple[str, ...]:
    """Why runs are not evidence of one thing: other gateways, or other models behind them."""
    told: dict[Any, tuple[str, list[str]]] = {}
    for each in found:
        place = _of_target(each.run, "base") or _of_target(each.run, "kind")
        models = tuple(_of_target(each.run, name) for name in ("model", "model_id"))
        behind = " and ".join(str(model) for model in models if model)
        shown = f"{each.target} with {behind}" if behind else each.target
        told.setdefault((place, *models), (shown, []))[1].append(f"--{each.kind}")
    if len(told) < 2:
        return ()
    parts = (f"{', '.join(kinds)}: {shown}" for shown, kinds in told.values())
    return (f"the runs are of different targets ({'; '.join(parts)})",)


def _of_latency(bound: Objective) -> bool:
    return bound.unit == "ms" or bound.metric in (RATIO, "goodput")
