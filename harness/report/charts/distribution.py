"""How latencies are distributed: the share of requests that took at most so long, per route."""

from collections.abc import Mapping

import numpy as np

from harness.report import figures
from harness.report.arrays import Floats
from harness.report.charts.axis import Scale, log_scale
from harness.report.charts.plot import BOTTOM, LEFT, RIGHT, TOP, Plot, marker, style
from harness.report.charts.svg import Svg, group, path, tag
from harness.report.quantile import PERCENTILES

STEPS = 160
LEAST_MS = 0.01
LEAST_SHARE = 0.005
"""Where an axis begins: at the value that so many are below, and never below `LEAST_MS`.

A few gaps within one read, which are 0, would else take the room of all others.
"""
TAIL = (0.991, 0.992, 0.993, 0.994, 0.995, 0.996, 0.997, 0.998, 0.999, 1.0)


def ecdf(title: str, routes: Mapping[str, Floats]) -> Svg | None:
    """The empirical distribution of each route on a logarithmic axis; None without any value.

    Values below the axis stand at its left edge. Percentiles that the sample can bound
    carry the route's mark; the curve itself is all of it.
    """
    known = {route: np.sort(data) for route, data in routes.items() if len(data)}
    if not known:
        return None
    low = [float(data[int(LEAST_SHARE * len(data))]) for data in known.values()]
    ends = [max(end, LEAST_MS) for end in (*low, *(float(data[-1]) for data in known.values()))]
    plot = Plot(
        title,
        x=log_scale(ends, LEFT, RIGHT),
        y=Scale(0, 1, BOTTOM, TOP),
        x_name="",
        show_x=figures.short_duration,
        show_y=lambda value: f"{value:.0%}",
        note="Share of values that are at most so large.",
    )
    return plot.draw(*(_curve(plot, route, data) for route, data in known.items()))


def _curve(plot: Plot, route: str, ordered: Floats) -> Svg:
    low, high = min(STEPS, len(ordered)), np.array(TAIL)
    shares = np.concatenate([np.linspace(1 / low, 0.99, low), high]) if low > 1 else np.ones(1)
    places = np.clip(np.ceil(shares * len(ordered)).astype(int) - 1, 0, len(ordered) - 1)
    points = [(plot.x(float(ordered[0])), plot.y(0))]
    for place in dict.fromkeys(places.tolist()):
        at = plot.x(float(ordered[place]))
        points += [(at, points[-1][1]), (at, plot.y((place + 1) / len(ordered)))]
    marks = [_percentile(plot, route, ordered, percent) for percent in PERCENTILES]
    return group(path(points, class_=f"line {style(route)}"), *marks)


def _percentile(plot: Plot, route: str, ordered: Floats, percent: int) -> Svg:
    value = float(np.percentile(ordered, percent))
    tip = f"{route}: {percent}% within {figures.duration(value)} (n = {len(ordered):,})"
    x, y = plot.x(value), plot.y(percent / 100)
    target = tag("circle", cx=x, cy=y, r=9, class_="target")
    return group(marker(route, x, y, size=3.2), target, tip=tip)
