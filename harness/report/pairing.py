"""Finding the requests that belong together: blocks of one request per route, sent interleaved."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from harness.report.quantile import Floats
from harness.report.summary import COMPARE, ordered_routes

BLOCK = 10


@dataclass(frozen=True, slots=True)
class Paired:
    """One metric of two routes, in milliseconds: position i of both comes from the same block."""

    a: str
    b: str
    metric: str
    before: Floats
    after: Floats


def interleaved(rows: pd.DataFrame) -> str | None:
    """The scenario whose `seq` is ten times the block plus the position: `compare`, else any."""
    names = sorted(rows["scenario"].unique(), key=lambda name: (name != COMPARE, name))
    return next((name for name in names if _blocked(rows[rows["scenario"] == name])), None)


def in_blocks(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the column `block`; each worker counts its own."""
    number = (rows["seq"] // BLOCK).astype(str)
    return rows.assign(block=rows["worker"].fillna("").astype(str) + ":" + number)


def aligned(rows: pd.DataFrame, metric: str) -> Iterator[Paired]:
    """Every two routes over the blocks where both succeeded, in the order they were sent."""
    order = rows.groupby("block")["sent_ns"].min().sort_values().index
    table = rows[rows["ok"]].pivot_table(index="block", columns="route", values=metric)
    table = table.reindex(order).astype("float64")
    for a, b in combinations(ordered_routes(rows["route"].unique()), 2):
        both = table.reindex(columns=[a, b]).dropna()
        both = both[(both > 0).all(axis=1)]
        yield Paired(a, b, f"{metric}_ms", both[a].to_numpy(), both[b].to_numpy())


def _blocked(rows: pd.DataFrame) -> bool:
    """Whether no block holds a route twice or a position that no route could have."""
    routes, position = rows["route"].nunique(), rows["seq"] - rows["seq"] // BLOCK * BLOCK
    if routes < 2 or rows["seq"].isna().any() or (position >= routes).any():
        return False
    return not in_blocks(rows).duplicated(["block", "route"]).any()
