"""Samples as a pandas frame, one row per logical request, with each metric as a column.

The metrics are those of `harness.measure`, written over whole columns: milliseconds, null where a
moment did not happen. A failed request has no latency here; it is counted in the rates instead.
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from harness.measure.metrics import METRICS
from harness.report.quantile import Floats, Indices

UNUSED = ("run_id", "event_id", "log_id", "cf_ray", "finish_reason")
MS = 1e6


def frame(table: pa.Table) -> pd.DataFrame:
    """The rows of a run as a frame of Arrow types, with a column for each per-request metric."""
    kept = table.drop_columns([name for name in UNUSED if name in table.column_names])
    rows = kept.to_pandas(types_mapper=pd.ArrowDtype)
    rows["phase"] = rows["phase"].fillna("steady")
    rows["scenario"] = rows["scenario"].fillna("unnamed")
    rows["route"] = rows["route"].fillna("unknown")
    rows["outcome"] = rows["outcome"].fillna("unrecorded")
    rows["ok"] = rows["outcome"] == "ok"
    return _with_metrics(rows)


def steady(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that count: all but the warm-up."""
    return rows[rows["phase"] != "warmup"]


def values(rows: pd.DataFrame, metric: str) -> tuple[Floats, Indices | None]:
    """The values of one metric in milliseconds over the requests that succeeded.

    For a metric that one request has many of, also which request each value is of.
    """
    counted = rows[rows["ok"]]
    if METRICS[metric].scheduled:
        counted = counted[counted["scheduled_ns"].notna()]
    if METRICS[metric].many:
        return _gaps(counted)
    return np.asarray(counted[metric].dropna(), dtype=np.float64), None


def _gaps(rows: pd.DataFrame) -> tuple[Floats, Indices]:
    """All inter-chunk times, pooled.

    A gap of 0 ends at an event that shared its receive time with the one before: it says how the
    bytes were packed, not when they came, so it is left out (`coalesced` counts them).
    """
    lengths = np.asarray(rows["gap_ms"].list.len().fillna(0), dtype=np.intp)
    owner = np.repeat(np.arange(len(rows)), lengths)
    flat = np.asarray(rows["gap_ms"].list.flatten(), dtype=np.float64)
    real = flat > 0
    return flat[real], owner[real]


def _with_metrics(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with a column for each metric that a request has at most one of."""
    for name, metric in METRICS.items():
        if metric.start and metric.stop:
            rows[name] = (rows[metric.stop] - rows[metric.start]) / MS
    tokens = rows["completion_tokens"]
    spread = (rows["last_output_ns"] - rows["first_output_ns"]) / MS
    defined = (tokens > 1) & (rows["output_chunks"] > 1)
    rows["tpot"] = rows["tpot_scheduled"] = (spread / (tokens - 1)).where(defined)
    return rows
