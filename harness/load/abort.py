"""Whether a load hurts so much that it should stop: objectives held against the live counts."""

from collections.abc import Mapping, Sequence

from harness.errors import UsageError
from harness.load.progress import LoadProgress
from harness.load.tally import RouteTally, total
from harness.measure.objective import Objective, parse_objective
from harness.measure.odd import Odd

LEAST_REQUESTS = 20
"""Fewer requests than this decide nothing: the first error is not 100 %."""


class AbortWatch:
    """`--abort` expressions: each says when to stop, such as `error_rate > 20%`."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.tripped: str | None = None
        self._objectives = tuple(parse_objective(text) for text in texts)
        for objective in self._objectives:
            if objective.metric in set(Odd):
                raise UsageError(
                    f"--abort {objective.text!r}: {objective.metric} is not counted live"
                )

    def trips(self, progress: LoadProgress) -> bool:
        """Whether one of them has just come true; `tripped` keeps its text."""
        if self.tripped is not None:
            return False
        for objective in self._objectives:
            for labels, tally in _groups(objective, progress):
                value = _value(objective, tally, progress.elapsed_s)
                if value is not None and objective.met(value) and objective.applies_to(labels):
                    self.tripped = objective.text
                    return True
        return False


def so_far(text: str, progress: LoadProgress) -> list[tuple[str, str]]:
    """The value of an objective by now, by route: a glance, no verdict, which needs an interval."""
    objective = parse_objective(text)
    unit = " ms" if objective.statistic is not None else ""
    found = []
    for labels, tally in _groups(objective, progress):
        if objective.applies_to(labels):
            value = _value(objective, tally, progress.elapsed_s)
            shown = "not yet" if value is None else f"{value:.4g}{unit}"
            found.append((labels.get("route", "all"), shown))
    return found


def _groups(
    objective: Objective, progress: LoadProgress
) -> list[tuple[Mapping[str, str], RouteTally]]:
    """Each route, or all together for a share or a rate without a label."""
    if objective.statistic is None and not objective.labels:
        return [({}, total(progress.routes.values()))]
    return [({"route": route}, tally) for route, tally in progress.routes.items()]


def _value(objective: Objective, tally: RouteTally, elapsed_s: float) -> float | None:
    if tally.requests < LEAST_REQUESTS:
        return None
    if objective.statistic is not None:
        return _latency_ms(objective, tally)
    values = {
        "error_rate": tally.errors / tally.requests,
        "violation_rate": tally.violated / tally.requests,
        "cache_hit_share": tally.cache_hits / tally.requests,
        "rate": tally.requests / max(elapsed_s, 1e-9),
        "violations": tally.violated,
        "goodput": (tally.requests - tally.errors) / max(elapsed_s, 1e-9),
    }
    return values.get(objective.metric)


def _latency_ms(objective: Objective, tally: RouteTally) -> float | None:
    histogram = tally.latencies[objective.metric]
    quantile = objective.quantile
    if quantile is not None:
        value = histogram.quantile(quantile)
    else:
        value = {"mean": histogram.mean, "min": histogram.min, "max": histogram.max}[
            objective.statistic or ""
        ]
    return None if value is None else value / 1e6
