"""Which single requests a chart shows as dots: never without the extremes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.report import figures
from harness.report.arrays import Floats, Indices
from harness.report.frame import Frame, latency
from harness.report.report import ordered_routes

MOST = 400
"""A route with more requests is sampled."""
PARTS = 60
"""The fastest and the slowest of each so many parts of a route's requests are always drawn."""


@dataclass(frozen=True, slots=True)
class Dots:
    """The points of each route as (seconds, ms), and of how many requests they are."""

    points: Mapping[str, list[tuple[float, float]]]
    of: int

    @property
    def told(self) -> str:
        """How many of how many are drawn, and which."""
        drawn = sum(len(points) for points in self.points.values())
        if drawn == self.of:
            return f"Dots: all {figures.count(drawn)} requests that succeeded."
        return (
            f"Dots: {figures.count(drawn)} of {figures.count(self.of)} requests that succeeded: of "
            f"each route the fastest and the slowest in {PARTS} parts of the run, and every so "
            "many of the others."
        )


def dots(rows: Frame, metric: str, *, start_ns: int) -> Dots:
    """The dots of a metric; `rows` are in the order of sending."""
    points: dict[str, list[tuple[float, float]]] = {}
    count, routes = 0, rows.where(rows.ok).by("route")
    for route in ordered_routes(routes):
        values = latency(routes[route], metric).data
        known = np.flatnonzero(~np.isnan(values))
        if not len(known):
            continue
        kept = known[chosen(values[known])]
        times = (routes[route].ints("sent_ns")[kept] - start_ns) / 1e9
        points[route] = list(zip(times.tolist(), values[kept].tolist(), strict=True))
        count += len(known)
    return Dots(points, count)


def chosen(values: Floats) -> Indices:
    """The places of the values that are drawn: all of a few, else extremes and every k-th."""
    places = np.arange(len(values), dtype=np.intp)
    if len(values) <= MOST:
        return places
    parts = np.array_split(places, PARTS)
    ends = [part[find(values[part])] for part in parts for find in (np.argmin, np.argmax)]
    step = -(-len(values) // (MOST - len(ends)))
    return np.unique(np.concatenate([places[::step], np.array(ends, dtype=np.intp)]))
