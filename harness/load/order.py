"""In which order the routes take turns: shuffled blocks, so that drift hits all routes alike."""

import random
from fractions import Fraction
from functools import lru_cache

BLOCK_STEP = 10
"""`seq` of an interleaved comparison is block * 10 + position, so that pairs can be found again."""
MOST_IN_A_BLOCK = 100
"""A share of streams is kept to the hundredth."""


@lru_cache(maxsize=64)
def block_order(routes: tuple[str, ...], *, block: int, seed: int) -> tuple[str, ...]:
    """Every route once, in an order that depends on nothing but the seed and the block."""
    order = list(routes)
    random.Random(f"{seed}:{block}").shuffle(order)  # noqa: S311 - no secret
    return tuple(order)


def route_of(routes: tuple[str, ...], *, index: int, seed: int) -> str:
    """The route of request `index` when requests run through shuffled blocks one after another."""
    if len(routes) == 1:
        return routes[0]
    block, position = divmod(index, len(routes))
    return block_order(routes, block=block, seed=seed)[position]


def streamed(index: int, *, share: float, seed: int) -> bool:
    """Whether request `index` asks for a stream when `share` of all do, in shuffled blocks."""
    part = Fraction(share).limit_denominator(MOST_IN_A_BLOCK)
    block, position = divmod(index, part.denominator)
    return position in _streams(part.numerator, part.denominator, block=block, seed=seed)


@lru_cache(maxsize=64)
def _streams(many: int, of: int, *, block: int, seed: int) -> frozenset[int]:
    return frozenset(random.Random(f"{seed}:stream:{block}").sample(range(of), many))  # noqa: S311 - no secret
