"""How latencies are distributed: the percentiles of each route, with the tail spread out.

The axis is that of HdrHistogram's plots: the place of a percentile is by how rare what lies above
it is, so that each further nine takes as much room as the one before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.report import figures
from harness.report.charts.plot import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Plot,
    Scale,
    log_scale,
    marker,
    of_route,
    style,
)
from harness.report.charts.svg import Svg, group, path, tag, text
from harness.report.ordered import Ranked
from harness.report.quantile import needed, value_at
from harness.report.thresholds import CheckResult

MARKED = (50.0, 90.0, 95.0, 99.0, 99.9, 99.99)
TICKS = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99)
LEAST_MS = 0.01
LEAST_SHARE, LEAST_OF_MEDIAN = 0.005, 0.05
"""Where an axis begins: at the value that so many are below, and never below so much of a median
or below `LEAST_MS`.

Gaps within one read, which are 0, would else take the room of all others.
"""
STEPS = 200
RAREST = 20_000.0
"""One value in so many is the right edge, a little beyond p99.99."""
LEAST_RARE = 25.0
LINE = 14.0
"""How far apart the labels of two objectives stand."""
LONGEST = 52


@dataclass(frozen=True, slots=True)
class Limit:
    """An objective to be drawn: its limit, its percentile if it has one, and how it was judged."""

    label: str
    limit_ms: float
    percent: float | None
    result: CheckResult


def tail(title: str, routes: Mapping[str, Ranked], limits: Sequence[Limit] = ()) -> Svg | None:
    """The percentiles of each route, of sorted values, on a logarithmic tail; None without any.

    Values below the axis stand at its lower edge. Each limit is a line across, with a mark at its
    own percentile: a curve that passes below the mark keeps it.
    """
    known = {route: ordered for route, ordered in routes.items() if len(ordered)}
    if not known:
        return None
    ends = [end for data in known.values() for end in _ends(data)]
    most = max(2.0 * len(data) for data in known.values())
    rarest = min(max(most, LEAST_RARE), RAREST)
    plot = Plot(
        title,
        x=Scale(1.0, rarest, LEFT, RIGHT, log=True),
        y=log_scale(
            [*ends, *(limit.limit_ms for limit in limits)], BOTTOM, TOP + (LINE if limits else 0)
        ),
        x_name="",
        show_x=_percentile_name,
        show_y=figures.short_duration,
        note="Latency by percentile; each further nine has equal room.",
        x_ticks=[rare for rare in map(_rarity, TICKS) if rare <= rarest],
    )
    high = max(value_at(data, 90) for data in known.values())
    lines = _limits(plot, limits, high)
    return plot.draw(*(_curve(plot, route, data) for route, data in known.items()), *lines)


def _ends(ordered: Ranked) -> tuple[float, float]:
    """From where to where the axis must reach for one route."""
    low, middle = (float(ordered[int(share * len(ordered))]) for share in (LEAST_SHARE, 0.5))
    return max(low, middle * LEAST_OF_MEDIAN, LEAST_MS), max(float(ordered[-1]), LEAST_MS)


def _rarity(percent: float) -> float:
    """How many values there are for one above the percentile: 2 for p50, 100 for p99."""
    return 100.0 / (100.0 - percent)


def _percentile_name(rare: float) -> str:
    return f"p{100 - 100 / rare:.4g}"


def _curve(plot: Plot, route: str, ordered: Ranked) -> Svg:
    """The k-th value of n stands from the share (k-1)/n to k/n, the largest half as far."""
    count = len(ordered)
    rare = np.geomspace(1.0, min(count, plot.x.high), STEPS)
    places = np.unique(np.minimum((count * (1 - 1 / rare)).astype(int), count - 1))
    if count <= STEPS:
        places = np.arange(count)
    shares = np.append(places, count - 0.5) / count
    points = []
    for place, start, end in zip(places.tolist(), shares, shares[1:], strict=False):
        at = plot.y(max(float(ordered[place]), LEAST_MS))
        points += [(plot.x(1 / (1 - start)), at), (plot.x(1 / (1 - end)), at)]
    points.append((points[-1][0], plot.y(max(float(ordered[-1]), LEAST_MS))))
    marks = [
        _percentile(plot, route, ordered, percent)
        for percent in MARKED
        if percent == MARKED[0] or count >= _rarity(percent)
    ]
    return of_route(route, path(points, class_=f"line {style(route)}"), *marks)


def _percentile(plot: Plot, route: str, ordered: Ranked, percent: float) -> Svg:
    value, count = value_at(ordered, percent), len(ordered)
    few = "" if count >= needed(percent) else f"; p{percent:g} needs {needed(percent):,} to be sure"
    tip = f"{route}: {percent:g}% within {figures.duration(value)} (n = {count:,}{few})"
    x, y = plot.x(_rarity(percent)), plot.y(max(value, LEAST_MS))
    target = tag("circle", cx=x, cy=y, r=9, class_="target")
    return group(marker(route, x, y, size=3.2), target, tip=tip)


def _limits(plot: Plot, limits: Sequence[Limit], high_ms: float) -> Iterator[Svg]:
    """Lines across, each with its label where the curves are not.

    Of a limit above `high_ms`, the highest p90, that is on the left and above the line; of one
    below on the right and below the line.
    """
    wanted = sorted(
        (plot.y(limit.limit_ms) + (-4 if limit.limit_ms >= high_ms else 13), n)
        for n, limit in enumerate(limits)
    )
    heights = _apart([height for height, _ in wanted])
    for height, (_, n) in zip(heights, wanted, strict=True):
        limit = limits[n]
        above, at = limit.limit_ms >= high_ms, plot.y(limit.limit_ms)
        label = limit.label if len(limit.label) <= LONGEST else f"{limit.label[: LONGEST - 1]}…"
        kind = f"objective objective-{limit.result}"
        place, side = (LEFT + 5, "") if above else (RIGHT - 3, " end")
        yield group(
            tag("line", x1=LEFT, x2=RIGHT, y1=at, y2=at, class_=kind),
            *_own_percentile(plot, limit, at, kind),
            text(label, place, height, class_=f"label halo{side} {kind}"),
            tip=f"{limit.label}, limit {figures.duration(limit.limit_ms)}",
        )


def _apart(heights: Sequence[float]) -> list[float]:
    """Ascending heights of labels moved so that none touches the next or leaves the chart."""
    down: list[float] = []
    for height in heights:
        down.append(max(height, down[-1] + LINE if down else TOP + 9))
    up: list[float] = []
    for height in reversed(down):
        up.append(min(height, up[-1] - LINE if up else BOTTOM - 4))
    return up[::-1]


def _own_percentile(plot: Plot, limit: Limit, at: float, kind: str) -> Iterator[Svg]:
    if limit.percent is not None and _rarity(limit.percent) <= plot.x.high:
        x = plot.x(_rarity(limit.percent))
        points = f"{x - 5:.1f},{at - 5:.1f} {x + 5:.1f},{at - 5:.1f} {x:.1f},{at:.1f}"
        yield tag("polygon", points=points, class_=f"sign {kind}")
