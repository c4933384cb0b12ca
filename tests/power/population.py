"""Which mutants there are, and a sample of them: every operator as often as every other."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.defects.mutants.mutant import FAMILIES, PLACES, Mutant
from harness.defects.when import ROUTES

_CHAT_ROUTES = ("all", "native", "compat")


def population(value_places: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The places of every operator; `value_places` are those in JSON that answers have."""
    found = tuple(sorted(value_places))
    return {operator: places or found for operator, places in PLACES.items()}


def sample(places: Mapping[str, Sequence[str]], *, seed: int) -> Iterator[Mutant]:
    """Different mutants without end, an operator of each family in turn; the same for a seed."""
    rng = random.Random(seed)  # noqa: S311 - a sample, not a secret
    taken: set[Mutant] = set()
    barren = 0
    while barren < 10_000:
        for family in FAMILIES:
            operator = rng.choice(FAMILIES[family])
            mutant = _one(family, operator, _place(places[operator], rng), rng)
            barren = barren + 1 if mutant in taken else 0
            if mutant not in taken:
                taken.add(mutant)
                yield mutant


def _place(places: Sequence[str], rng: random.Random) -> str:
    """A place, no area of a document more often than another, however much is in it."""
    areas = sorted({_area(place) for place in places})
    area = rng.choice(areas)
    return rng.choice([place for place in places if _area(place) == area])


def _area(place: str) -> tuple[str, ...]:
    return tuple(step for step in place.split(".") if not step.isdigit())[:4]


def _one(family: str, operator: str, place: str, rng: random.Random) -> Mutant:
    condition = rng.choice(("always", "always", *Mutant(operator, place).conditions))
    routes = _CHAT_ROUTES if family == "event" else ROUTES
    return Mutant(operator, place, rng.choice(("all", *routes)), condition)
