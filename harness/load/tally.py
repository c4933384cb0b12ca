"""What a load has done so far, small enough to be written twice a second and to be added up.

`harness.load.counting` fills it in. The command that watches a load only reads and adds up, without
numpy.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.measure.histogram import Histogram
from harness.measure.metrics import METRICS
from harness.measure.outcome import Outcome

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
