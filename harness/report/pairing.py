"""Finding the requests that belong together: blocks of one request per route, sent interleaved."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from harness.report.arrays import Floats
from harness.report.summary import COMPARE, ordered_routes

BLOCK = 10
"""`compare` numbers its requests by ten times the block plus the position in it."""


@dataclass(frozen=True, slots=True)
class Paired:
    """One metric of two routes, in milliseconds: position i of both comes from the same block."""

    a: str
    b: str
    metric: str
    before: Floats
    after: Floats


def interleaved(rows: pd.DataFrame) -> tuple[str, pd.DataFrame] | None:
    """The first scenario that was sent in blocks, `compare` before others, and its rows.

    They get the column `block`. None when no scenario was.
    """
    for name in sorted(rows["scenario"].unique(), key=lambda name: (name != COMPARE, name)):
        chosen = rows[rows["scenario"] == name]
        for numbered in _numberings(chosen):
            if not numbered.duplicated(["block", "route"]).any():
                return name, numbered
    return None


def _numberings(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The ways in which `seq` may count blocks: in tens, or through all requests one by one.

    In the second, a block is as many requests in a row as there are routes, either of one worker,
    when several share the numbers by turns, or of all.
    """
    routes, workers = rows["route"].nunique(), max(rows["worker"].nunique(), 1)
    seq = rows["seq"]
    if routes < 2 or seq.isna().any():
        return
    own = rows["worker"].fillna("").astype(str) + ":"
    if (seq - seq // BLOCK * BLOCK < routes).all():
        yield rows.assign(block=own + (seq // BLOCK).astype(str))
    yield rows.assign(block=own + (seq // (routes * workers)).astype(str))
    yield rows.assign(block=(seq // routes).astype(str))


def aligned(rows: pd.DataFrame, metric: str) -> Iterator[Paired]:
    """Every two routes over the blocks where both succeeded, in the order they were sent."""
    order = rows.groupby("block")["sent_ns"].min().sort_values().index
    table = rows[rows["ok"]].pivot_table(index="block", columns="route", values=metric)
    table = table.reindex(order).astype("float64")
    for a, b in combinations(ordered_routes(rows["route"].unique()), 2):
        both = table.reindex(columns=[a, b]).dropna()
        both = both[(both > 0).all(axis=1)]
        yield Paired(a, b, f"{metric}_ms", both[a].to_numpy(), both[b].to_numpy())
