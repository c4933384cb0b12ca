"""Blocks of one request per route, sent interleaved: which requests belong together, and what more
blocks would take: time, tokens, dollars.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from harness.report import figures
from harness.report.arrays import NULL, Floats, Indices, Ints
from harness.report.frame import Frame, latency
from harness.report.plan import Prices
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


@dataclass(frozen=True, slots=True)
class Cost:
    """What one block takes; None where nobody knows."""

    seconds: float
    tokens: float | None = None
    dollars: float | None = None

    def of(self, blocks: float) -> str:
        """What so many blocks take, in a few words."""
        told = [figures.long_duration(blocks * self.seconds)]
        if self.tokens is not None:
            told.append(f"{figures.count(round(blocks * self.tokens))} tokens")
        if self.dollars is not None:
            told.append(f"${blocks * self.dollars:.2f}")
        return ", ".join(told)


def of_blocks(blocks: Blocks, prices: Prices) -> Cost:
    """What one of these blocks took; `prices` are those of a token."""
    rows, count = blocks.rows, max(blocks.count, 1)
    ended = max(int(rows.ints(name).max(initial=NULL)) for name in ("done_ns", "closed_ns"))
    seconds = 0.0
    if ended != NULL:
        seconds = max(float(ended - int(rows.ints("begun_ns")[0])) / 1e9, 0.0)
    prompt, completion = (_known(rows, f"{kind}_tokens") for kind in ("prompt", "completion"))
    if not len(prompt) or not len(completion):
        return Cost(seconds / count)
    used = float(prompt.sum()), float(completion.sum())
    dollars = None
    if prices.price_in is not None and prices.price_out is not None:
        dollars = (used[0] * prices.price_in + used[1] * prices.price_out) / count
    return Cost(seconds / count, sum(used) / count, dollars)


def _known(rows: Frame, name: str) -> Ints:
    return rows.ints(name)[rows.known(name)]
