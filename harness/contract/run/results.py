"""What a run found out, per clause and route, and what that makes of each clause."""

import traceback
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from harness.contract.clause import (
    Clause,
    ExchangeCheck,
    Fault,
    Finding,
    Level,
    Recorded,
    Result,
    Unjudged,
)
from harness.contract.observation import Observation
from harness.contract.topics.scenes import Scene

T = TypeVar("T")
MESSAGE = 200
"""So many characters of what a bug says are kept."""
MOST_SHOWN = 4
"""So many exchanges are evidence enough."""


@dataclass(slots=True)
class Entry:
    """One clause on one route.

    `exercised` and `violated` count exchanges (or sequences). `faults` and `shown` are the
    violation with the smallest request and the observations that show it; `sent_again` and
    `failed_again` tell how often that request, or its sequence, was repeated and failed. `lacks`
    names a missing setting, `reason` says why a clause was not exercised. `error` is a bug in the
    check that judges it, `out` says that its route gave no answer that can be judged. `fed_by` has
    the numbers of the requests that exercised it, for what it cost, `broken_by` of those that show
    it broken.
    """

    clause: Clause
    route: str
    exercised: int = 0
    violated: int = 0
    faults: tuple[Fault, ...] = ()
    shown: tuple[Observation, ...] = ()
    records: list[str] = field(default_factory=list)
    sent_again: int = 0
    failed_again: int = 0
    lacks: str | None = None
    reason: str = ""
    out: bool = False
    waived: str = ""
    error: str = ""
    fed_by: set[int] = field(default_factory=set)
    broken_by: set[int] = field(default_factory=set)

    def note(self, finding: Finding, shown: tuple[Observation, ...]) -> None:
        """Count what a check said; the smallest violation is kept as the evidence."""
        if finding is None:
            return
        if isinstance(finding, Unjudged):
            self.reason = self.reason or finding.reason
            return
        self.exercised += 1
        self.fed_by.update(seen.number for seen in shown)
        if isinstance(finding, Recorded):
            if finding.value not in self.records:
                self.records.append(finding.value)
        elif finding:
            self.violated += 1
            self.broken_by.update(seen.number for seen in shown)
            if not self.faults or _size(shown) < _size(self.shown):
                self.faults, self.shown = finding, shown

    def ask(self, check: Callable[[T], Finding], seen: T) -> Finding:
        """What a check says; None, with `error` noted, where the check itself fails."""
        try:
            return check(seen)
        except Exception as bug:  # noqa: BLE001 - it ends this clause and no other one
            self.error = self.error or described(bug)
            return None

    def note_again(self, finding: Finding) -> None:
        """Count a repetition of what broke the clause, unless it says nothing about it."""
        if finding is not None and not isinstance(finding, Unjudged):
            self.sent_again += 1
            self.failed_again += isinstance(finding, tuple) and bool(finding)

    def withdraw(self, reason: str) -> None:
        """Take the violations back: they may be our own doing, as the reason says."""
        self.exercised -= self.violated
        self.violated, self.faults, self.shown = 0, (), ()
        self.reason = reason

    @property
    def guilty(self) -> Observation | None:
        """Of the exchanges that show the violation the one whose body the evidence quotes, else the
        last.
        """
        quoted = self.faults[0].data if self.faults else b""
        bodies = ((seen, seen.body) for seen in self.shown)
        mine = [seen for seen, body in bodies if quoted and body.startswith(quoted)]
        return next(iter([*mine, *self.shown[-1:]]), None)

    @property
    def result(self) -> Result:
        """What the counts make of the clause."""
        if self.lacks is not None:
            return Result.NOT_APPLICABLE
        if self.violated:
            return Result.WAIVED if self.waived else Result.FAIL
        if self.error:
            return Result.ERROR
        if self.exercised:
            recorded = self.clause.level is Level.RECORD
            return Result.RECORDED if recorded else Result.PASS
        return Result.NOT_EXERCISED if self.reason else Result.NOT_APPLICABLE

    @property
    def why(self) -> str:
        """In a line: the evidence, the records, or why there is neither."""
        if self.faults:
            return str(self.faults[0])
        if self.error:
            return f"a bug of the harness, not of the target: {self.error}"
        if self.records:
            return "; ".join(self.records)
        if self.lacks == "clock":
            return "judging it would take too long in real time"
        if self.lacks is not None:
            return f"not declared: {self.lacks}"
        return self.reason or ("" if self.exercised else "no answer gave occasion")


def described(bug: BaseException) -> str:
    """A bug in a line: its type, what it says, and the line of ours that raised it."""
    frames = traceback.extract_tb(bug.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(bug).__name__}: {str(bug)[:MESSAGE]}{where}"


def _showing(finding: Finding, seen: Iterable[Observation]) -> tuple[Observation, ...]:
    """The exchanges that a finding names, in its order, `MOST_SHOWN` of the last at most."""
    faults = finding if isinstance(finding, tuple) else ()
    named = [number for fault in faults[:1] for number in fault.requests][-MOST_SHOWN:]
    by_number = {each.number: each for each in seen}
    return tuple(by_number[number] for number in named)


def _size(shown: tuple[Observation, ...]) -> int:
    return sum(len(seen.exchange.request.body) for seen in shown)


class Results:
    """Entries for the clauses of every route, or for the `wanted` pairs, fed with observations."""

    def __init__(
        self,
        clauses: Iterable[Clause],
        routes: Iterable[str],
        *,
        wanted: Container[tuple[str, str]] | None = None,
    ) -> None:
        self.entries: dict[tuple[str, str], Entry] = {
            (clause.id, route): Entry(clause, route)
            for route in routes
            for clause in clauses
            if route in clause.routes and (wanted is None or (clause.id, route) in wanted)
        }
        self._checks: dict[str, list[tuple[Entry, ExchangeCheck]]] = {}
        for (_, route), entry in self.entries.items():
            if entry.clause.check is not None:
                self._checks.setdefault(route, []).append((entry, entry.clause.check))

    def see(self, seen: Observation) -> None:
        """Judge one observation by every clause on single exchanges of its route.

        What went to the universal endpoint, which not every target has, or was left by the client
        is judged by the clauses of its own probe alone.
        """
        if seen.case.apart:
            return
        shown = (seen,)
        for entry, check in self._checks.get(seen.case.route, ()):
            finding = entry.ask(check, seen) if entry.lacks is None else None
            if finding is not None:
                entry.note(finding, shown)

    def see_scene(self, probe: str, route: str, scene: Scene) -> None:
        """Judge one played probe by its clauses."""
        for entry in self.of_probe(probe, route):
            if entry.clause.scene is not None:
                entry.note(entry.ask(entry.clause.scene, scene), scene.seen)

    def see_whole(self, seen: Iterable[Observation]) -> None:
        """Judge the run as a whole."""
        listed = list(seen)
        for (_, route), entry in self.entries.items():
            if entry.clause.whole is not None and entry.lacks is None:
                mine = [each for each in listed if each.case.route == route]
                finding = entry.ask(entry.clause.whole, mine)
                entry.note(finding, _showing(finding, mine) or tuple(mine[-2:]))

    def of_probe(self, probe: str, route: str) -> list[Entry]:
        """The applicable entries that a probe on a route has to feed."""
        return [
            entry
            for (_, its), entry in self.entries.items()
            if its == route and entry.clause.probe == probe and entry.lacks is None
        ]

    def failing(self) -> list[Entry]:
        """The entries with a violation, RECORD never among them."""
        return [entry for entry in self.entries.values() if entry.violated]

    def forget(self, routes: Container[str]) -> None:
        """Take back all that was judged on these routes."""
        for entry in self.entries.values():
            if entry.route in routes:
                entry.exercised = entry.violated = 0
                entry.faults, entry.shown = (), ()
                entry.records.clear()

    def missing(
        self,
        reason: str,
        *,
        route: str | None = None,
        probes: Container[str] | None = None,
        out: bool = False,
    ) -> None:
        """Say why the clauses without any observation have none: all, or those of some probes.

        `out` says that their route gave no answer which can be judged.
        """
        for entry in self.entries.values():
            mine = route is None or entry.route == route
            mine = mine and (probes is None or (entry.clause.probe or "") in probes)
            if mine and not entry.exercised and entry.lacks is None and not entry.reason:
                entry.reason, entry.out = reason, out
