"""Finding the requests that belong together: blocks of one request per route, sent interleaved."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from harness.report.arrays import Floats
from harness.report.summary import COMPARE, ordered_routes

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


def interleaved(rows: pd.DataFrame) -> pd.DataFrame | None:
    """The rows that `compare` sent, with the column `block`; None when there are none.

    What the client did itself is left out. Workers that count their own blocks are kept apart.
    """
    sent = rows[(rows["scenario"] == COMPARE) & ~rows["own"]]
    own = sent["worker"].fillna("").astype(str) + ":"
    numbered = sent.assign(block=own + (sent["seq"] // BLOCK).astype(str))
    usable = sent["route"].nunique() > 1 and not sent["seq"].isna().any()
    return numbered if usable and not numbered.duplicated(["block", "route"]).any() else None


def aligned(rows: pd.DataFrame, metric: str) -> Iterator[Paired]:
    """Every two routes over the blocks that have both, in the order they were sent."""
    times = rows[metric].astype("float64").where(rows["ok"], np.inf)
    if not np.isfinite(times).any():
        return
    table = _by_block(rows, times.where(times > 0))
    kept = _by_block(rows, rows["reused"].astype("float64").where(rows["ok"]))
    for a, b in _couples(rows):
        both = table[[a, b]].dropna()
        unlike = (kept[a] - kept[b]).abs().reindex(both.index) == 1
        both = both[~unlike]
        before, after = both[a].to_numpy(), both[b].to_numpy()
        yield Paired(a, b, f"{metric}_ms", before, after, int(unlike.sum()))


def discordant(rows: pd.DataFrame) -> Iterator[Discordant]:
    """Every two routes over the blocks that have both: where only one of them failed."""
    table = _by_block(rows, (~rows["ok"]).astype("float64"))
    for a, b in _couples(rows):
        both = table[[a, b]].dropna()
        yield Discordant(a, b, int((both[a] > both[b]).sum()), int((both[a] < both[b]).sum()))


def _by_block(rows: pd.DataFrame, values: pd.Series) -> pd.DataFrame:
    """One row per block in the order they were sent, one column per route."""
    order = rows.groupby("block")["sent_ns"].min().sort_values().index
    table = rows.assign(value=values).pivot(index="block", columns="route", values="value")
    return table.reindex(order).astype("float64")


def _couples(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    return combinations(ordered_routes(rows["route"].unique()), 2)
