"""Samples as a pandas frame, one row per logical request, with each metric as a column.

The metrics are those of `harness.measure`, written over whole columns: milliseconds, null where a
moment did not happen. Beside each stands the least and the most that it can have been, by how
uncertain the client says its times are. A failed request has no latency here; it is counted in the
rates instead.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from harness.measure.metrics import METRICS, SCHEDULED
from harness.measure.odd import Odd
from harness.measure.outcome import Outcome, own_outcomes
from harness.report.arrays import Floats, Indices, Mask
from harness.report.gaps import OF_GAPS, gaps

UNUSED = ("log_id", "cf_ray", "finish_reason")
MS = 1e6
LOW, HIGH = "_low", "_high"
"""What the columns of a metric's least and most end with."""


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one metric in milliseconds, and the least and the most that each can have been.

    They are in the order of sending. `owner` says which request each is of, by its place in that
    order, for a metric that one request has many of; those values keep together.
    """

    data: Floats
    low: Floats
    high: Floats
    owner: Indices | None = None

    def __len__(self) -> int:
        return len(self.data)

    def ordered(self) -> "Values":
        """Each column sorted by itself; whose a value was is lost."""
        data = np.sort(self.data)
        low, high = (
            data if np.array_equal(column, self.data) else np.sort(column)
            for column in (self.low, self.high)
        )
        return Values(data, low, high)


def frame(table: pa.Table) -> pd.DataFrame:
    """The rows of a run as a frame of Arrow types, with a column for each per-request metric.

    `streaming` says whether its first output has a time of its own: in a load that asks for streams
    and for whole answers the latter have none, elsewhere all count.
    `own` is what the client did itself, `failed` what the target did, `broken` counts violations.
    Rows are in the order in which the requests were sent or, unsent, were due (`begun_ns`).
    """
    kept = table.drop_columns([name for name in UNUSED if name in table.column_names])
    rows = kept.to_pandas(types_mapper=pd.ArrowDtype)
    rows["phase"] = rows["phase"].fillna("steady")
    rows["scenario"] = rows["scenario"].fillna("unnamed")
    rows["route"] = rows["route"].fillna("unknown")
    rows["outcome"] = rows["outcome"].fillna("unrecorded")
    rows["ok"] = rows["outcome"] == Outcome.OK
    rows["own"] = rows["outcome"].isin(own_outcomes(interrupted=False))
    rows["failed"] = ~rows["ok"] & ~rows["own"]
    rows["broken"] = _broken(rows)
    rows["streaming"] = rows["stream"].fillna(True) | (rows["stream"].nunique() < 2)
    rows["begun_ns"] = rows["sent_ns"].fillna(rows["scheduled_ns"])
    if not rows["begun_ns"].is_monotonic_increasing:
        rows = rows.sort_values("begun_ns", kind="stable", ignore_index=True)
    return _with_metrics(rows)


def steady(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that count: all but the warm-up."""
    return rows[rows["phase"] != "warmup"]


def values(rows: pd.DataFrame, metric: str, *, failures: bool = False) -> Values:
    """The values of one metric over the requests that succeeded.

    With `failures` also one without end for each that the target failed: it took longer than
    anything that was measured.
    """
    counted = _mask(rows["ok"] | rows["failed"] if failures else rows["ok"])
    if METRICS[metric].scheduled:
        counted &= _mask(rows["scheduled_ns"].notna())
    if of_first_output(metric):
        counted &= _mask(rows["streaming"])
    failed = _mask(rows["failed"])[counted]
    if METRICS[metric].many:
        streams = rows.loc[counted & _mask(rows["ok"]), list(OF_GAPS)]
        return _with_failures(Values(*gaps(streams)), failed)
    columns = (_floats(rows[f"{metric}{end}"])[counted] for end in ("", LOW, HIGH))
    data, low, high = (np.where(failed, np.inf, column) for column in columns)
    known = ~np.isnan(data)
    return Values(data[known], low[known], high[known])


def of_first_output(metric: str) -> bool:
    """Whether a metric is about the first output, which a whole answer has with all others."""
    return metric.removesuffix(SCHEDULED) in ("ttft", "ttfo")


def _with_failures(found: Values, failed: Mask) -> Values:
    """The values of requests that each have many, with one of each that failed."""
    if found.owner is None or not failed.any():
        return found
    endless = np.full(int(failed.sum()), np.inf)
    owner = np.concatenate([np.flatnonzero(~failed)[found.owner], np.flatnonzero(failed)])
    data, low, high = (
        np.concatenate([column, endless]) for column in (found.data, found.low, found.high)
    )
    return Values(data, low, high, owner)


def named(rows: pd.DataFrame, kind: str) -> Mask:
    """Whether each answer is odd in this way; older files say so among the violations."""
    found = np.zeros(len(rows), dtype=bool)
    for column in ("odd", "violations"):
        lengths = np.asarray(rows[column].list.len().fillna(0), dtype=np.intp)
        if lengths.any():
            owner = np.repeat(np.arange(len(rows)), lengths)
            found[owner[_mask(rows[column].list.flatten() == kind)]] = True
    return found


def weights(rows: pd.DataFrame) -> Floats:
    """How many answers each row stands for where clauses are counted (Horvitz and Thompson, JASA
    47, 1952): one that was drawn for a check with a known chance for all that could have been.

    Rows of a run that knows of no checks stand for themselves.
    """
    if not rows["checked"].notna().any():
        return np.ones(len(rows))
    shares = _floats(rows["check_share"].fillna(1.0))
    checked = np.asarray(rows["checked"].fillna(False), dtype=bool)
    return np.where(checked, 1.0 / shares, 0.0)


def _broken(rows: pd.DataFrame) -> "pd.Series[int]":
    """How many violations each answer has; older files count `no_done`, which is only odd."""
    named = rows["violations"].explode()
    kept = named.notna() & ~named.isin(list(Odd))
    return kept.groupby(level=0).sum().astype("int64")


def _with_metrics(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with columns for each metric that a request has at most one of."""
    for name, metric in METRICS.items():
        if metric.start and metric.stop:
            rows[name] = (rows[metric.stop] - rows[metric.start]) / MS
            sooner = _blur(rows, metric.stop)
            later = 0.0 if metric.scheduled else _blur(rows, metric.start)
            if of_first_output(name):
                rows[name] = rows[name].where(rows["streaming"])
            rows = _bounded(rows, name, below=sooner + later, above=0.0)
    tokens = rows["completion_tokens"]
    spread = (rows["last_output_ns"] - rows["first_output_ns"]) / MS
    defined = (tokens > 1) & (rows["output_chunks"] > 1)
    steps = _floats((tokens - 1).where(defined))
    below, above = (_blur(rows, f"{end}_output_ns") / steps for end in ("last", "first"))
    for name in ("tpot", f"tpot{SCHEDULED}"):
        rows[name] = (spread / (tokens - 1)).where(defined)
        rows = _bounded(rows, name, below=below, above=above)
    return rows


def _bounded(
    rows: pd.DataFrame, name: str, *, below: Floats, above: Floats | float
) -> pd.DataFrame:
    """The rows with the least and the most of a metric; no time is less than nothing."""
    value = _floats(rows[name])
    least: Floats = np.minimum(np.maximum(value - below, 0.0), value)
    return rows.assign(**{name + LOW: least, name + HIGH: value + above})


def _blur(rows: pd.DataFrame, moment: str) -> Floats:
    """How uncertain a moment is, in milliseconds; 0 where nothing says so."""
    name = moment.removesuffix("_ns").replace("sent", "send")
    blur: Floats = np.nan_to_num(_floats(rows[f"{name}_blur_ns"])) / MS
    return blur


def _mask(column: "pd.Series[bool]") -> Mask:
    return np.array(column.fillna(False), dtype=bool)


def _floats(column: "pd.Series[float]") -> Floats:
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
