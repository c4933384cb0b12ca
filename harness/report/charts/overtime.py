"""The run over time: latencies of single requests, and counts per second."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report import figures
from harness.report.charts.axis import Scale, from_zero
from harness.report.charts.plot import BOTTOM, LEFT, RIGHT, TOP, Plot, style
from harness.report.charts.svg import Svg, group, path, tag

Points = Mapping[str, Sequence[tuple[float, float]]]


def latency(title: str, timeline: Mapping[str, Any], metric: str, dots: Points) -> Svg | None:
    """Single requests as dots, the median of each bin as a line; None without any value."""
    lines = {route: columns[metric]["p50"] for route, columns in timeline["routes"].items()}
    values = [value for points in dots.values() for _, value in points]
    values += [value for line in lines.values() for value in line if value is not None]
    if not values:
        return None
    plot = _plot(title, timeline, values, figures.short_duration)
    width = timeline["width_s"]
    marks = [_warm_up(plot, timeline)]
    for route, points in dots.items():
        spots = [tag("circle", cx=plot.x(t), cy=plot.y(v), r=1.6) for t, v in points]
        marks.append(group(*spots, class_=f"dots {style(route)}"))
    for route, line in lines.items():
        times = timeline["routes"][route]["t_s"]
        known = [(t + width / 2, v) for t, v in zip(times, line, strict=True) if v is not None]
        marks.append(_line(plot, route, known, figures.duration, "median "))
    return plot.draw(*marks)


def counts(
    title: str, timeline: Mapping[str, Any], column: str, unit: str, *, place: float = 0.5
) -> Svg | None:
    """One count per bin and route as lines; None when the run has no bins.

    `place` is where in its bin a count stands: 0.5 for one of the whole bin, 1 for one at its end.
    """
    routes = timeline["routes"]
    values = [v for columns in routes.values() for v in columns[column] if v is not None]
    if not values:
        return None
    plot = _plot(title, timeline, values, lambda value: f"{value:g}", whole=True)
    width = timeline["width_s"]
    marks = [_warm_up(plot, timeline)]
    for route, columns in routes.items():
        pairs = zip(columns["t_s"], columns[column], strict=True)
        known = [(t + width * place, value) for t, value in pairs if value is not None]
        marks.append(_line(plot, route, known, lambda value: f"{value:g} {unit}"))
    return plot.draw(*marks)


def bars(title: str, timeline: Mapping[str, Any], column: str, unit: str) -> Svg | None:
    """Counts of bins per second, the routes on top of each other; None when all are zero."""
    routes, width_s = timeline["routes"], timeline["width_s"]
    counts = [sum(values) for values in zip(*(c[column] for c in routes.values()), strict=True)]
    stacks = [count / width_s for count in counts]
    if not any(stacks):
        return None
    plot = _plot(title, timeline, stacks, lambda value: f"{value:g}", whole=width_s == 1)
    heights = [0.0] * len(stacks)
    marks = [_warm_up(plot, timeline)]
    for route, columns in routes.items():
        for place, (t, count) in enumerate(zip(columns["t_s"], columns[column], strict=True)):
            if count:
                value = count / width_s
                tip = f"{route}: {value:.3g} {unit} at {t:g} s"
                marks.append(_bar(plot, t, width_s, heights[place], value, style(route), tip))
                heights[place] += value
    return plot.draw(*marks)


def _plot(
    title: str,
    timeline: Mapping[str, Any],
    values: Sequence[float],
    show_y: Any,
    *,
    whole: bool = False,
) -> Plot:
    last = max(columns["t_s"][-1] for columns in timeline["routes"].values())
    return Plot(
        title,
        x=Scale(0.0, last + timeline["width_s"], LEFT, RIGHT),
        y=from_zero(values, BOTTOM, TOP, whole=whole),
        x_name="seconds since the first request",
        show_x=lambda value: f"{value:g}",
        show_y=show_y,
    )


def _warm_up(plot: Plot, timeline: Mapping[str, Any]) -> Svg:
    """The part that no statistic counts, shaded."""
    until = timeline["steady_from_s"]
    if not until:
        return Svg("")
    width = plot.x(until) - LEFT
    area = tag("rect", x=LEFT, y=TOP, width=width, height=BOTTOM - TOP, class_="warm-up")
    return group(area, tip=f"warm-up, {until:.1f} s: not counted")


def _line(
    plot: Plot, route: str, known: Sequence[tuple[float, float]], show: Any, what: str = ""
) -> Svg:
    points = [(plot.x(t), plot.y(value)) for t, value in known]
    spots = [
        group(
            tag("circle", cx=x, cy=y, r=7, class_="target"),
            tip=f"{route}, {t:g} s: {what}{show(v)}",
        )
        for (x, y), (t, v) in zip(points, known, strict=True)
    ]
    alone = [tag("circle", cx=x, cy=y, r=3, class_=f"mark {style(route)}") for x, y in points[:1]]
    shape = [path(points, class_=f"line {style(route)}")] if len(points) > 1 else alone
    return group(*shape, *spots)


def _bar(
    plot: Plot, at: float, width: float, below: float, value: float, kind: str, tip: str
) -> Svg:
    left, right = plot.x(at), plot.x(at + width)
    top, bottom = plot.y(below + value), plot.y(below)
    box = tag(
        "rect",
        x=left + 0.5,
        y=top,
        width=max(right - left - 1, 1),
        height=max(bottom - top, 0.5),
        class_=f"bar {kind}",
    )
    return group(box, tip=tip)
