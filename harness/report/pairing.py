"""Finding the requests that belong together: blocks of one request per route, sent interleaved."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from harness.report.arrays import Floats, Indices
from harness.report.frame import Frame, latency
from harness.report.repeats import again
from harness.report.report import COMPARE, ordered_routes

BLOCK = 10
"""`compare` numbers its requests by ten times the block plus the position in it."""


@dataclass(frozen=True, slots=True)
class Paired:
    """One metric of two routes, in milliseconds: position i of both comes from the same block.

    A request that failed is infinite: longer than everything measured. `unlike` blocks are left
    out, in which one side opened a connection and the other had one.
    """

    a: str
    b: str
    metric: str
    before: Floats
    after: Floats
    unlike: int = 0


@dataclass(frozen=True, slots=True)
class Discordant:
    """In how many blocks only `a` failed, and only `b`."""

    a: str
    b: str
    only_a: int
    only_b: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """The rows that `compare` sent, and which block each belongs to: the first sent is 0."""

    rows: Frame
    of: Indices
    count: int

    @property
    def couples(self) -> Iterator[tuple[str, str]]:
        """Every two routes."""
        return combinations(ordered_routes(self.rows.texts("route").present), 2)

    def by_route(self, values: Floats) -> dict[str, Floats]:
        """The value of each route in every block; NaN where it has none."""
        routes = self.rows.texts("route")
        found = {}
        for route in routes.present:
            ours = routes.among(route)
            found[route] = np.full(self.count, np.nan)
            found[route][self.of[ours]] = values[ours]
        return found


def interleaved(rows: Frame) -> Blocks | None:
    """The blocks that `compare` sent; None when there are none.

    What the client did itself is left out. Workers that count their own blocks are kept apart.
    """
    sent = rows.where(rows.texts("scenario").among(COMPARE) & ~rows.own)
    routes = sent.texts("route")
    if len(routes.present) < 2 or not sent.known("seq").all():
        return None
    workers = sent.texts("worker")
    keys = np.stack([workers.codes.astype(np.int64), sent.ints("seq") // BLOCK], axis=1)
    _, first, block = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    number = np.empty(len(first), dtype=np.intp)
    number[np.argsort(first)] = np.arange(len(first))
    of = number[block.reshape(-1)]
    if again(of * len(routes.names) + routes.codes).any():
        return None
    return Blocks(sent, of, len(first))


def aligned(blocks: Blocks, metric: str, setup_ms: Floats | None = None) -> Iterator[Paired]:
    """Every two routes over the blocks that have both, in the order they were sent.

    `setup_ms` is added to each time.
    """
    rows = blocks.rows
    times = latency(rows, metric).data
    times = np.where(rows.ok, times if setup_ms is None else times + setup_ms, np.inf)
    if not np.isfinite(times).any():
        return
    table = blocks.by_route(np.where(times > 0, times, np.nan))
    reused = np.where(rows.ok & rows.told("reused"), rows.flags("reused"), np.nan)
    kept = blocks.by_route(reused)
    for a, b in blocks.couples:
        both = ~np.isnan(table[a]) & ~np.isnan(table[b])
        unlike = both & (np.abs(kept[a] - kept[b]) == 1)
        alike = both & ~unlike
        yield Paired(a, b, f"{metric}_ms", table[a][alike], table[b][alike], int(unlike.sum()))


def discordant(blocks: Blocks) -> Iterator[Discordant]:
    """Every two routes over the blocks that have both: where only one of them failed."""
    table = blocks.by_route((~blocks.rows.ok).astype(np.float64))
    for a, b in blocks.couples:
        yield Discordant(a, b, int((table[a] > table[b]).sum()), int((table[a] < table[b]).sum()))
