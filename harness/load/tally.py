"""What a load has done so far, small enough to be written twice a second and to be added up."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.measure.histogram import Histogram
from harness.measure.metrics import METRICS, Metric
from harness.measure.outcome import Outcome

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 1


@dataclass(slots=True)
class RouteTally:
    """Counts and latencies of one route; only answers with outcome `ok` have latencies."""

    outcomes: Counter[str] = field(default_factory=Counter)
    layers: Counter[str] = field(default_factory=Counter)
    messages: dict[str, str] = field(default_factory=dict)
    violated: int = 0
    cache_hits: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latencies: dict[str, Histogram] = field(
        default_factory=lambda: {name: Histogram() for name in METRICS}
    )

    def blame(self, layer: str) -> None:
        """Count who failed."""
        self.layers[layer] += 1

    def add(self, rows: "pa.RecordBatch") -> None:
        """Count requests of the route, given as rows of `samples`."""
        outcomes = _texts(rows, "outcome")
        self.outcomes.update(outcomes)
        if rows.column("message").null_count < len(outcomes):
            told = zip(outcomes, _texts(rows, "message"), strict=True)
            self.messages = {**{one: text for one, text in told if text}, **self.messages}
        self.violated += sum(map(bool, rows.column("violations").to_pylist()))
        self.cache_hits += _texts(rows, "cache_status").count("HIT")
        self.prompt_tokens += int(np.nansum(_floats(rows, "prompt_tokens")))
        self.completion_tokens += int(np.nansum(_floats(rows, "completion_tokens")))
        self._add_latencies(rows, np.array([one == Outcome.OK for one in outcomes], dtype=bool))

    def _add_latencies(self, rows: "pa.RecordBatch", good: npt.NDArray[np.bool_]) -> None:
        due = ~np.isnan(_floats(rows, "scheduled_ns"))
        for name, metric in METRICS.items():
            counted = good & due if metric.scheduled else good
            if counted.any():
                self.latencies[name].extend_array(_values(metric, rows, counted))

    def merge(self, other: "RouteTally") -> None:
        """Add what another worker counted."""
        self.outcomes.update(other.outcomes)
        self.layers.update(other.layers)
        self.messages = {**other.messages, **self.messages}
        self.violated += other.violated
        self.cache_hits += other.cache_hits
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        for name, histogram in other.latencies.items():
            self.latencies[name].merge(histogram)

    @property
    def requests(self) -> int:
        """All logical requests, dropped ones included."""
        return self.outcomes.total()

    @property
    def errors(self) -> int:
        """Requests that did not end well, dropped ones included."""
        return self.requests - self.outcomes[Outcome.OK]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "outcomes": dict(self.outcomes),
            "layers": dict(self.layers),
            "messages": self.messages,
            "violated": self.violated,
            "cache_hits": self.cache_hits,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "latencies": {name: one.to_dict() for name, one in self.latencies.items() if one.count},
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "RouteTally":
        """What `to_dict` wrote."""
        values = dict(document)
        latencies = {name: Histogram() for name in METRICS}
        for name, counted in values.pop("latencies").items():
            latencies[name] = Histogram.from_dict(counted)
        outcomes, layers = Counter(values.pop("outcomes")), Counter(values.pop("layers"))
        return cls(outcomes, layers, latencies=latencies, **values)


def total(tallies: Iterable[RouteTally]) -> RouteTally:
    """All of them together."""
    whole = RouteTally()
    for one in tallies:
        whole.merge(one)
    return whole


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
