"""One request that is due: its number and its route.

Routes take turns in shuffled blocks, so that drift hits all of them alike.
"""

import random
from dataclasses import dataclass
from functools import lru_cache

from harness.load.prompts import Prompt

BLOCK_STEP = 10
"""`seq` of an interleaved comparison is block * 10 + position, so that pairs can be found again."""


@dataclass(slots=True)
class Ticket:
    """One request that is due: `seq` is unique in the run, `scheduled_ns` set in an open loop.

    Tickets with one `turn` ask the same, each after a nonce of its own; by default it is `seq`.
    `asked` is the prompt itself where it is of no file: the `question` of that number, from 1, of a
    conversation. `held_ns` is how much later than it was due a quota lets it leave; `scheduled_ns`
    is then when it may.
    """

    seq: int
    route: str
    scenario: str
    phase: str
    scheduled_ns: int | None = None
    turn: int | None = None
    stage: int | None = None
    asked: Prompt | None = None
    question: int | None = None
    held_ns: int | None = None

    @property
    def prompt(self) -> int:
        """Which prompt is asked."""
        return self.seq if self.turn is None else self.turn


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
