"""The cases of a run by route: fixed ones, bounds, and drawn ones; the same for one seed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TypeVar

from harness.contract.case import Case
from harness.contract.requests import drawn, fixed
from harness.contract.requests.draw import draw
from harness.contract.requests.odd import odd_cases
from harness.contract.requests.order import FIRST

T = TypeVar("T")


@dataclass(slots=True)
class Cases:
    """What can be asked about a chat model and a deployment; `drawn` is how many are drawn."""

    model: str
    seed: int = 0
    drawn: int = 40
    _everyday: list[Case] = field(default_factory=list)

    def fixed(self, route: str) -> Iterator[Case]:
        """The cases that every run needs."""
        if route == "model":
            return fixed.model_cases(self.number(0))
        return fixed.chat_cases(route, self.model, self.number(0))

    def first(self, route: str) -> Case:
        """The case that tells first whether the route answers."""
        return next(case for case in self.fixed(route) if case.topic == FIRST[route])

    def plainest(self, route: str) -> tuple[Case, Case]:
        """A stream and a plain request: where either is answered, the route is up."""
        cases = list(self.fixed(route))
        return cases[0], next(case for case in cases if not case.stream)

    def required(self, route: str) -> list[Case]:
        """The fixed cases and bounds of every run, but the very first."""
        first = self.first(route)
        others = [case for case in self.fixed(route) if case != first]
        cut = [] if route == "model" else [fixed.cut_json(route)]
        return [*others, *cut, *self._bounds(route, fixed.bound_cases)]

    def optional(self, route: str) -> Iterator[Case]:
        """The bounds on which the documents differ."""
        return self._bounds(route, fixed.optional_bound_cases)

    def draw(self, route: str) -> list[Case]:
        """Drawn cases: everyday ones, alike on both chat routes, and rare ones in turn."""
        number = self.number(1)
        if route == "model":
            return draw(drawn.model_cases(), self.drawn // 4, number=number)
        if not self._everyday:
            cases = drawn.chat_cases(route=route, model=self.model)
            self._everyday = draw(cases, self.drawn, number=number)
        everyday = [replace(case, route=route) for case in self._everyday]
        odd = draw(odd_cases(route=route, model=self.model), self.drawn // 2, number=number)
        return list(in_turn((everyday, odd)))

    def number(self, salt: int) -> int:
        """A number of its own for each use of the seed."""
        return self.seed * 2 + salt

    def _bounds(
        self, route: str, cases: Callable[[str, str, int], Iterator[Case]]
    ) -> Iterator[Case]:
        return iter(()) if route == "model" else cases(route, self.model, self.number(0))


def in_turn(tracks: Iterable[Iterable[T]]) -> Iterator[T]:
    """The first of every track, then the second of every track, and so on."""
    for row in zip_longest(*tracks):
        yield from (each for each in row if each is not None)
