"""Counts the rows of `samples` into tallies, by column."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from harness.load.breath import Breathe, without_rest
from harness.load.tally import RouteTally
from harness.measure.histogram import BUCKETS, LOG_RATIO, LOWEST_NS, Histogram
from harness.measure.metrics import METRICS, Metric
from harness.measure.outcome import Outcome


def count(tally: RouteTally, rows: pa.RecordBatch, breathe: Breathe = without_rest) -> None:
    """Count requests of one route."""
    outcomes = _texts(rows, "outcome")
    tally.outcomes.update(outcomes)
    if rows.column("message").null_count < len(outcomes):
        told = zip(outcomes, _texts(rows, "message"), strict=True)
        tally.messages = {**{one: text for one, text in told if text}, **tally.messages}
    tally.violated += sum(map(bool, rows.column("violations").to_pylist()))
    tally.cache_hits += _texts(rows, "cache_status").count("HIT")
    tally.prompt_tokens += int(np.nansum(_floats(rows, "prompt_tokens")))
    tally.completion_tokens += int(np.nansum(_floats(rows, "completion_tokens")))
    good = np.array([one == Outcome.OK for one in outcomes], dtype=bool)
    due = ~np.isnan(_floats(rows, "scheduled_ns"))
    for name, metric in METRICS.items():
        counted = good & due if metric.scheduled else good
        if counted.any():
            fill(tally.latencies[name], _values(metric, rows, counted))
            breathe()


def fill(histogram: Histogram, values_ns: npt.NDArray[Any]) -> None:
    """Count many durations, as `Histogram.extend` does."""
    if not values_ns.size:
        return
    values = np.maximum(values_ns.astype(np.int64), 0)
    used, counts = np.unique(_buckets(values), return_counts=True)
    histogram.fill(
        dict(zip(used.tolist(), counts.tolist(), strict=True)),
        sum_ns=sum(values.tolist()),  # in Python, where a sum has no largest value
        least=int(values.min()),
        most=int(values.max()),
    )


def _buckets(values_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The bucket of each value: 0 below `LOWEST_NS`, the last from the highest on."""
    places = np.floor(np.log(np.maximum(values_ns, 1) / LOWEST_NS) / LOG_RATIO) + 1
    clipped: npt.NDArray[np.int64] = np.clip(places, 0, BUCKETS - 1).astype(np.int64)
    return clipped


def by_route(rows: "pa.RecordBatch") -> "dict[str, pa.RecordBatch]":
    """The rows of each route."""
    routes = _texts(rows, "route")
    found = sorted(set(routes))
    if len(found) == 1:
        return {found[0]: rows}
    return {route: rows.filter(np.array([one == route for one in routes])) for route in found}


def _values(
    metric: Metric, rows: "pa.RecordBatch", counted: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """The metric's values of the requests that are counted, in nanoseconds."""
    if metric.many:
        column: Any = rows.column("gap_ms").filter(counted)
        gaps: npt.NDArray[np.float64] = column.flatten().to_numpy(zero_copy_only=False) * 1e6
        return gaps
    if metric.start is None or metric.stop is None:
        values = _per_token(rows)
    else:
        values = _floats(rows, metric.stop) - _floats(rows, metric.start)
    kept: npt.NDArray[np.float64] = values[counted & ~np.isnan(values)]
    return kept


def _per_token(rows: "pa.RecordBatch") -> npt.NDArray[np.float64]:
    """TPOT, as `measure.metrics` defines it."""
    tokens, chunks = _floats(rows, "completion_tokens"), _floats(rows, "output_chunks")
    spread = _floats(rows, "last_output_ns") - _floats(rows, "first_output_ns")
    defined = (tokens > 1) & (chunks > 1)
    values: npt.NDArray[np.float64] = np.where(defined, spread / np.maximum(tokens - 1, 1), np.nan)
    return values


def _floats(rows: "pa.RecordBatch", name: str) -> npt.NDArray[np.float64]:
    """A column of numbers, null as NaN; times keep their nanoseconds for 104 days of uptime."""
    column: npt.NDArray[Any] = rows.column(name).to_numpy(zero_copy_only=False)
    return column.astype(np.float64)


def _texts(rows: "pa.RecordBatch", name: str) -> list[str]:
    """A column of texts, null as the empty text."""
    return [text or "" for text in rows.column(name).to_pylist()]
