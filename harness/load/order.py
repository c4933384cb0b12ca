"""In which order the routes take turns: shuffled blocks, so that drift hits all routes alike."""

import random
from functools import lru_cache

BLOCK_STEP = 10
"""`seq` of an interleaved comparison is block * 10 + position, so that pairs can be found again."""


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
