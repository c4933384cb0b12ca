"""The run over time: rate, errors, requests in flight and latency per bin of whole seconds."""

import math
from typing import Any

import numpy as np
import pandas as pd

from harness.measure.outcome import Outcome
from harness.report.arrays import Floats, Mask
from harness.report.summary import Good, load_scenarios, ordered_routes

MOST_BINS = 300
LEAST_FOR_P95 = 20
LATENCIES = ("ttft", "e2e")
STALL_MS = 1000.0
"""A stream that brought no output for so long between two of them stalled."""
ENDS = ("closed_ns", "done_ns", "last_output_ns", "first_byte_ns", "headers_ns", "sent_ns")


def timeline(rows: pd.DataFrame, good: Good) -> dict[str, Any]:
    """Columns per route over the load's scenarios, warm-up included; `t_s` counts from `start_ns`.

    `sent`, the latencies of a bin and `good`, which also broke no clause, are of the requests sent
    in it; `finished`, `errors`, `limited` (429) and `stalls` are of those that ended in it;
    `in_flight` is counted at its end. A p95 over fewer than 20 is null, and so is the rate of a
    last bin that is less than half full.
    """
    columns = ["route", "phase", "failed", "ok", "scheduled_ns", *ENDS, *LATENCIES]
    marks = {
        "good": good(rows, "") & _mask(rows["broken"] == 0),
        "limited": _mask(rows["outcome"] == Outcome.RATE_LIMITED),
        "stalled": _stalled(rows),
    }
    ours = _mask(rows["scenario"].isin(load_scenarios(rows)))
    chosen = rows.loc[ours, columns].assign(**{name: mark[ours] for name, mark in marks.items()})
    sent = chosen["sent_ns"].fillna(chosen["scheduled_ns"])
    chosen = chosen.assign(sent=sent, end=ends(chosen)).dropna(subset=["sent"])
    if chosen.empty:
        return {"width_s": 1, "start_ns": None, "steady_from_s": None, "routes": {}}
    zero = int(chosen["sent"].min())
    times = chosen.assign(**{name: (chosen[name] - zero) / 1e9 for name in ("sent", "end")})
    length = float(times["end"].max())
    width = max(1, math.ceil(length / MOST_BINS))
    edges = np.arange(0, math.floor(length / width) + 2, dtype=np.float64) * width
    routes = ordered_routes(times["route"].unique())
    return {
        "width_s": width,
        "start_ns": zero,
        "steady_from_s": _steady_from(times),
        "routes": {
            route: _columns(times[times["route"] == route], edges, length) for route in routes
        },
    }


def ends(rows: pd.DataFrame) -> "pd.Series[int]":
    """The last thing known of each request; one that was never sent ends when it was due."""
    return rows[list(ENDS)].max(axis=1).fillna(rows["scheduled_ns"])


def _columns(rows: pd.DataFrame, edges: Floats, length: float) -> dict[str, Any]:
    sent, end = (np.asarray(rows[name], dtype=np.float64) for name in ("sent", "end"))
    started, ended = np.histogram(sent, edges)[0], np.histogram(end, edges)[0]
    ended_so = {"errors": "failed", "limited": "limited", "stalls": "stalled"}
    counts = {
        "sent": started,
        "good": np.histogram(sent[_mask(rows["good"])], edges)[0],
        "finished": ended,
        **{name: np.histogram(end[_mask(rows[mark])], edges)[0] for name, mark in ended_so.items()},
        "in_flight": np.cumsum(started) - np.cumsum(ended),
    }
    columns = {name: column.tolist() for name, column in counts.items()}
    width = float(edges[1] - edges[0])
    covered = np.minimum(edges[1:], length) - edges[:-1]
    rates = [
        float(count / seconds) if seconds >= width / 2 else None
        for count, seconds in zip(ended, covered, strict=True)
    ]
    seconds = {"t_s": edges[:-1].tolist(), "rate": rates}
    latencies = {metric: _percentiles(rows, metric, edges) for metric in LATENCIES}
    return {**seconds, **columns, **{f"{name}_ms": found for name, found in latencies.items()}}


def _percentiles(rows: pd.DataFrame, metric: str, edges: Floats) -> dict[str, list[float | None]]:
    held = rows[rows["ok"]].dropna(subset=[metric])
    position = np.digitize(np.asarray(held["sent"], dtype=np.float64), edges) - 1
    groups = held[metric].astype("float64").groupby(position)
    every = range(len(edges) - 1)
    p95 = groups.quantile(0.95).where(groups.size() >= LEAST_FOR_P95)
    found = {"p50": groups.quantile(0.5), "p95": p95}
    return {name: [_plain(column.get(i)) for i in every] for name, column in found.items()}


def _stalled(rows: pd.DataFrame) -> Mask:
    """Whether each stream stalled, or was given up in silence."""
    found = _mask(rows["outcome"] == Outcome.IDLE_TIMEOUT)
    lengths = np.asarray(rows["gap_ms"].list.len().fillna(0), dtype=np.intp)
    if lengths.any():
        gaps = np.asarray(rows["gap_ms"].list.flatten(), dtype=np.float64)
        long = np.flatnonzero(gaps >= STALL_MS)
        found[np.searchsorted(np.cumsum(lengths), long, side="right")] = True
    return found


def _mask(column: "pd.Series[bool]") -> Mask:
    return np.array(column, dtype=bool)


def _plain(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


def _steady_from(times: pd.DataFrame) -> float | None:
    counted = times.loc[times["phase"] != "warmup", "sent"]
    return None if counted.empty else float(counted.min())
