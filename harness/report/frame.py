"""Samples as a pandas frame, one row per logical request, with each metric as a column.

The metrics are those of `harness.measure`, written over whole columns: milliseconds, null where a
moment did not happen. A failed request has no latency here; it is counted in the rates instead.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from harness.report.quantile import Floats, Indices

UNUSED = ("run_id", "event_id", "log_id", "cf_ray", "finish_reason")
FROM_START = {"ttfb": "first_byte_ns", "ttft": "first_output_ns", "ttfo": "first_answer_ns"}
LATENCIES = ("ttfb", "ttft", "ttfo", "inter_chunk", "tpot", "e2e")
SCHEDULED = tuple(f"{name}_scheduled" for name in ("ttfb", "ttft", "ttfo", "e2e"))
MEASURES = (*LATENCIES, *SCHEDULED)
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


def values(rows: pd.DataFrame, metric: str) -> Floats:
    """The values of one metric over the requests that succeeded, in the order of the rows."""
    if metric == "inter_chunk":
        return gaps(rows)[0]
    return np.asarray(rows.loc[rows["ok"], metric].dropna(), dtype=np.float64)


def gaps(rows: pd.DataFrame) -> tuple[Floats, Indices]:
    """All inter-chunk times of the streams that succeeded, pooled, and the stream of each.

    A gap of 0 ends at an event that shared its receive time with the one before: it says how the
    bytes were packed, not when they came, so it is left out (`coalesced` counts them).
    """
    lists = pa.chunked_array([pa.array(rows.loc[rows["ok"], "gap_ms"])]).combine_chunks()
    flat = pc.list_flatten(lists).to_numpy(zero_copy_only=False)
    owner = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    real = flat > 0
    return flat[real], owner[real]


def _with_metrics(rows: pd.DataFrame) -> pd.DataFrame:
    ends = {**FROM_START, "e2e": "done_ns"}
    for metric, end in ends.items():
        rows[metric] = (rows[end] - rows["sent_ns"]) / MS
        rows[f"{metric}_scheduled"] = (rows[end] - rows["scheduled_ns"]) / MS
    tokens = rows["completion_tokens"]
    spread = (rows["last_output_ns"] - rows["first_output_ns"]) / MS
    rows["tpot"] = (spread / (tokens - 1)).where(tokens > 1)
    return rows
