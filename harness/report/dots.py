"""Which single requests a chart shows as dots: never without the extremes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.report import figures
from harness.report.arrays import Floats, Indices
from harness.report.summary import ordered_routes

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


def dots(rows: pd.DataFrame, metric: str, *, start_ns: int) -> Dots:
    """The dots of a metric; `rows` are in the order of sending."""
    held = rows.loc[rows["ok"], ["route", "sent_ns", metric]].dropna()
    points = {}
    for route in ordered_routes(held["route"].unique()):
        ours = held[held["route"] == route]
        values = np.asarray(ours[metric], dtype=np.float64)
        times = (np.asarray(ours["sent_ns"], dtype=np.int64) - start_ns) / 1e9
        kept = chosen(values)
        points[route] = list(zip(times[kept].tolist(), values[kept].tolist(), strict=True))
    return Dots(points, len(held))


def chosen(values: Floats) -> Indices:
    """The places of the values that are drawn: all of a few, else extremes and every k-th."""
    places = np.arange(len(values), dtype=np.intp)
    if len(values) <= MOST:
        return places
    parts = np.array_split(places, PARTS)
    ends = [part[find(values[part])] for part in parts for find in (np.argmin, np.argmax)]
    step = -(-len(values) // (MOST - len(ends)))
    return np.unique(np.concatenate([places[::step], np.array(ends, dtype=np.intp)]))
