"""Counts the rows of `samples` into tallies, by column."""

from collections.abc import Callable, Iterable
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from harness.load.breath import Breathe, without_rest
from harness.load.tally import RouteTally
from harness.measure.histogram import BUCKETS, LOG_RATIO, LOWEST_NS, Histogram
from harness.measure.metrics import METRICS, Metric
from harness.measure.outcome import Outcome

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class SampleColumns:
    """A batch of `samples` by column, each turned once into what numpy counts.

    Nothing of `pyarrow.compute` is used: to import it takes as long as the rest of Arrow.
    """

    def __init__(self, rows: pa.RecordBatch) -> None:
        self._rows = rows
        self._floats: dict[str, Floats] = {}

    def floats(self, name: str) -> Floats:
        """A column of numbers, null as NaN; times keep their nanoseconds for 104 days of uptime."""
        found = self._floats.get(name)
        if found is None:
            column: npt.NDArray[Any] = self._rows.column(name).to_numpy(zero_copy_only=False)
            found = self._floats[name] = column.astype(np.float64)
        return found

    def texts(self, name: str, of: Mask | None = None) -> list[str]:
        """A column of texts, null as the empty text; all of them, or those of some rows."""
        return [text or "" for text in self._cells(name, of)]

    def filled(self, name: str, of: Mask) -> int:
        """How many of the lists hold something."""
        return sum(map(bool, self._cells(name, of)))

    def gaps_ns(self, of: Mask) -> Floats:
        """The times between the outputs of these answers."""
        column: Any = self._rows.column("gap_ms")
        lengths = np.diff(column.offsets.to_numpy())
        gaps: Floats = column.flatten().to_numpy(zero_copy_only=False)[np.repeat(of, lengths)] * 1e6
        return gaps

    def _cells(self, name: str, of: Mask | None) -> Iterable[Any]:
        cells = self._rows.column(name).to_pylist()
        return cells if of is None or of.all() else compress(cells, of)


def count(
    tally_of: Callable[[str], RouteTally],
    rows: pa.RecordBatch,
    breathe: Breathe = without_rest,
) -> None:
    """Count requests in the tally of the route of each."""
    columns = SampleColumns(rows)
    routes = np.array(columns.texts("route"))
    for route in sorted(set(routes.tolist())):
        _count(tally_of(route), columns, routes == route, breathe)


def _count(tally: RouteTally, columns: SampleColumns, of: Mask, breathe: Breathe) -> None:
    outcomes = columns.texts("outcome", of)
    tally.outcomes.update(outcomes)
    told = zip(outcomes, columns.texts("message", of), strict=True)
    tally.messages = {**{one: text for one, text in told if text}, **tally.messages}
    tally.violated += columns.filled("violations", of)
    tally.cache_hits += columns.texts("cache_status", of).count("HIT")
    tally.prompt_tokens += int(np.nansum(columns.floats("prompt_tokens")[of]))
    tally.completion_tokens += int(np.nansum(columns.floats("completion_tokens")[of]))
    good = of & np.array([one == Outcome.OK for one in columns.texts("outcome")], dtype=bool)
    due = ~np.isnan(columns.floats("scheduled_ns"))
    for name, metric in METRICS.items():
        counted = good & due if metric.scheduled else good
        if counted.any():
            fill(tally.latencies[name], _values(metric, columns, counted))
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


def _values(metric: Metric, columns: SampleColumns, counted: Mask) -> Floats:
    """The metric's values of the requests that are counted, in nanoseconds."""
    if metric.many:
        return columns.gaps_ns(counted)
    if metric.start is None or metric.stop is None:
        values = _per_token(columns)
    else:
        values = columns.floats(metric.stop) - columns.floats(metric.start)
    kept: Floats = values[counted & ~np.isnan(values)]
    return kept


def _per_token(columns: SampleColumns) -> Floats:
    """TPOT, as `measure.metrics` defines it."""
    tokens, chunks = columns.floats("completion_tokens"), columns.floats("output_chunks")
    spread = columns.floats("last_output_ns") - columns.floats("first_output_ns")
    defined = (tokens > 1) & (chunks > 1)
    values: Floats = np.where(defined, spread / np.maximum(tokens - 1, 1), np.nan)
    return values
