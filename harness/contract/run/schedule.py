"""What a run sends in which order, as data: nothing here sends, waits or judges.

First what the plan names, then the probes that it does not, then the other cases of all routes in
turn, and last what time has to pass before. Where nothing paces a run, each route goes its own way
beside the others.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from harness.contract.case import Case
from harness.contract.requests.cases import Cases, in_turn
from harness.contract.requests.order import PLAN, OrderedPart
from harness.contract.topics.catalogue import COMPANY, LATER, PROBES


class Step(NamedTuple):
    """The next thing on a route: a case to send, a probe to play, or one to go on with `later`.

    A case that `waits` may be sent before its turn, by a probe that any request serves.
    """

    route: str
    case: Case | None = None
    probe: str = ""
    later: str = ""
    waits: bool = False


@dataclass(slots=True)
class Schedule:
    """The steps of one run.

    `fed` are the routes with a clause that any exchange can feed; others need only their probes.
    `slow` are probes that come last because their windows are long. `waiting` are cases that come
    later in the run: where any request serves a probe, it may take one of them.
    """

    cases: Cases
    routes: Sequence[str] = ()
    fed: Sequence[str] = ()
    slow: Sequence[str] = ()
    waiting: dict[str, list[Case]] = field(default_factory=dict)

    def in_order(self) -> Iterator[Step]:
        """Everything that clauses depend on, one after the other."""
        ordered, others, last = self._steps()
        return chain(ordered, in_turn(others), last)

    def at_once(self) -> list[Iterable[Step]]:
        """The same as tracks that go beside each other."""
        ordered, others, last = self._steps()
        by_route = [[s for s in (*ordered, *last) if s.route == route] for route in self.routes]
        return [*by_route, *others]

    def optional(self) -> tuple[Iterator[Step], Iterator[Step]]:
        """What no clause depends on: drawn requests, then bounds on which the documents differ."""
        drawn, bounds = self._optional()
        return in_turn(map(_steps, drawn)), in_turn(map(_steps, bounds))

    def optional_at_once(self) -> list[Iterable[Step]]:
        """The same as a track per route."""
        return [_steps(chain(*each)) for each in zip(*self._optional(), strict=True)]

    def due(self, step: Step) -> bool:
        """Whether a step is still to be taken: a probe may have sent its case."""
        waiting = self.waiting.get(step.route, [])
        if step.case is None or not step.waits:
            return True
        if step.case not in waiting:
            return False
        waiting.remove(step.case)
        return True

    def _optional(self) -> tuple[list[Iterable[Case]], list[Iterable[Case]]]:
        drawn: list[Iterable[Case]] = [self.cases.draw(route) for route in self.fed]
        return drawn, [self.cases.optional(route) for route in self.fed]

    def _steps(self) -> tuple[list[Step], list[Iterator[Step]], list[Step]]:
        """What is planned and the probes, the other cases by route, and what comes last."""
        rest = {r: self.cases.required(r) if r in self.fed else [] for r in self.routes}
        parts = [p for p in PLAN if p.route in rest and p.probe not in self.slow]
        planned = [step for part in parts for step in self._planned(part, rest[part.route])]
        names = [name for name in PROBES if name not in (*self.slow, COMPANY)]
        probes = [Step(route, probe=name) for name in names for route in self.routes]
        last = [Step(route, later=name) for name in LATER for route in self.routes]
        last += [Step(route, probe=name) for name in self.slow for route in self.routes]
        return [*planned, *probes], [_steps(cases) for cases in rest.values()], last

    def _planned(self, part: OrderedPart, cases: list[Case]) -> Iterator[Step]:
        """The step of a part of the plan; its case leaves `cases` and waits for its turn."""
        if part.probe:
            yield Step(part.route, probe=part.probe)
            return
        case = next((case for case in cases if case.topic == part.topic), None)
        if case is not None:
            cases.remove(case)
            self.waiting.setdefault(part.route, []).append(case)
            yield Step(part.route, case, waits=True)


def _steps(cases: Iterable[Case]) -> Iterator[Step]:
    return (Step(case.route, case) for case in cases)
