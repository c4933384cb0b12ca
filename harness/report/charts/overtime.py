"""The run over time: latencies and rates per bin, single requests as dots, and what happened.

A chart has one transparent column per bin, whose tip says the values of every route in it, a line
for each; the page's script shows it under the pointer and by the arrow keys, and hides with a
route the lines that begin with its name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.report import figures
from harness.report.charts.plot import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Plot,
    Scale,
    from_zero,
    log_scale,
    of_route,
    style,
)
from harness.report.charts.svg import Svg, group, path, tag
from harness.report.series import Column, RouteSeries, TimeSeries

Points = Mapping[str, Sequence[tuple[float, float]]]

SPREAD = 8.0
"""An axis of latencies is logarithmic where the largest is so many times the middle one."""
LANE = 6.0


@dataclass(frozen=True, slots=True)
class Marker:
    """What is marked above a chart: its name, its counts per bin, and its shape around a point."""

    name: str
    counts: Callable[[RouteSeries], Sequence[int]]
    shape: str


EVENTS: Mapping[str, Marker] = {
    "errors": Marker("failed", lambda columns: columns.errors, "m-3 -3l6 6m-6 0l6 -6"),
    "limited": Marker(
        "refused with 429", lambda columns: columns.limited, "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0"
    ),
    "stalls": Marker("stalled", lambda columns: columns.stalls, "m0 -5l4 5l-4 5l-4 -5z"),
}
"""By the word that the style sheet knows each by."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line per route: what it is called, its values per bin, and where in a bin they stand.

    A `thin` line accompanies the main one.
    """

    name: str
    values: Callable[[RouteSeries], Column]
    place: float = 0.5
    thin: bool = False


@dataclass(frozen=True, slots=True)
class PauseSpan:
    """A time in which a process of the client did not run, in seconds since the first request."""

    worker: str
    begun_s: float
    length_s: float

    @property
    def told(self) -> str:
        """The pause in words."""
        return f"client {self.worker} did not run for {figures.duration(self.length_s * 1e3)}"


@dataclass(frozen=True, slots=True)
class RunAxis:
    """What all charts of a run have in common: its bins and the pauses of its client."""

    timeline: TimeSeries
    pauses: Sequence[PauseSpan] = ()

    @property
    def routes(self) -> Mapping[str, RouteSeries]:
        """The columns of each route."""
        return self.timeline.routes

    @property
    def width_s(self) -> int:
        """The length of a bin."""
        return self.timeline.width_s

    def kinds(self) -> list[str]:
        """The kinds of events that the charts mark."""
        return [
            kind
            for kind, event in EVENTS.items()
            if any(sum(event.counts(columns)) for columns in self.routes.values())
        ]


def latency(title: str, run: RunAxis, metric: str, dots: Points) -> Svg | None:
    """Single requests as dots, p50 and p95 of each bin as lines; None without any value."""
    series = [
        Series("p50", lambda columns: columns.latencies[metric].p50),
        Series("p95", lambda columns: columns.latencies[metric].p95, thin=True),
    ]
    values = [value for points in dots.values() for _, value in points]
    values += _values(run, series)
    if not values:
        return None
    wide = max(values) > SPREAD * sorted(values)[len(values) // 2]
    y = log_scale(values, BOTTOM, TOP) if wide else from_zero(values, BOTTOM, TOP)
    plot = _plot(title, run, y, figures.short_duration)
    spots = {
        route: group(
            *(tag("circle", cx=plot.x(t), cy=plot.y(v), r=1.6) for t, v in points),
            class_=f"dots {style(route)}",
        )
        for route, points in dots.items()
    }
    return _draw(plot, run, series, figures.duration, spots)


def rates(title: str, run: RunAxis) -> Svg | None:
    """Requests sent per second as thin lines, those that came to good answers as thick ones."""
    series = [
        Series("good", lambda columns: _per_second(columns.good, run.width_s)),
        Series("sent", lambda columns: _per_second(columns.sent, run.width_s), thin=True),
    ]
    return _counted(title, run, series, "/s")


def in_flight(title: str, run: RunAxis) -> Svg | None:
    """How many requests were under way at the end of each bin."""
    return _counted(title, run, [Series("in flight", lambda columns: columns.in_flight, 1)], "")


def failures(title: str, run: RunAxis) -> Svg | None:
    """Failed requests per second; None when none failed."""
    if "errors" not in run.kinds():
        return None
    errors = Series("failed", lambda columns: _per_second(columns.errors, run.width_s))
    return _counted(title, run, [errors], "/s")


def key(run: RunAxis) -> list[tuple[str, Svg]]:
    """What is marked above the charts, with its sign; only what happened."""
    return [
        (
            EVENTS[kind].name,
            tag("svg", _event(kind, 8, 8), viewBox="0 0 16 16", class_="sign", aria_hidden="true"),
        )
        for kind in run.kinds()
    ]


def _counted(title: str, run: RunAxis, series: Sequence[Series], unit: str) -> Svg | None:
    values = _values(run, series)
    if not values:
        return None
    y = from_zero(values, BOTTOM, TOP, whole=not unit)
    plot = _plot(title, run, y, lambda value: f"{value:g}")
    return _draw(plot, run, series, lambda value: f"{figures.digits(value)}{unit}", {})


def _values(run: RunAxis, series: Sequence[Series]) -> list[float]:
    columns = (each.values(route) for route in run.routes.values() for each in series)
    return [value for column in columns for value in column if value is not None]


def _per_second(counts: Sequence[int], width_s: int) -> list[float]:
    return [count / width_s for count in counts]


def _plot(title: str, run: RunAxis, y: Scale, show_y: Callable[[float], str]) -> Plot:
    last = max(columns.t_s[-1] for columns in run.routes.values())
    return Plot(
        title,
        x=Scale(0.0, last + run.width_s, LEFT, RIGHT),
        y=y,
        x_name="seconds since the first request",
        show_x=lambda value: f"{value:g}",
        show_y=show_y,
        over_time=True,
    )


def _draw(
    plot: Plot,
    run: RunAxis,
    series: Sequence[Series],
    show: Callable[[float], str],
    dots: Mapping[str, Svg],
) -> Svg:
    drawn = [
        of_route(
            route,
            dots.get(route, Svg("")),
            *(_line(plot, route, each, columns, run.width_s) for each in series),
            *_events(plot, columns, run.width_s),
        )
        for route, columns in run.routes.items()
    ]
    bins = group(*_bins(plot, run, series, show), class_="bins")
    return plot.draw(group(*_areas(plot, run), *drawn, bins, class_="moves"))


def _areas(plot: Plot, run: RunAxis) -> Iterator[Svg]:
    """The part that no statistic counts, and the times in which the client did not run."""
    until = run.timeline.steady_from_s
    if until:
        yield _area(plot, 0.0, until, "warm-up")
    for pause in run.pauses:
        yield _area(plot, pause.begun_s, pause.begun_s + pause.length_s, "pause")


def _area(plot: Plot, start: float, end: float, kind: str) -> Svg:
    left, right = plot.x(start), plot.x(end)
    width = max(right - left, 1)
    return tag("rect", x=left, y=TOP, width=width, height=BOTTOM - TOP, class_=kind)


def _line(plot: Plot, route: str, each: Series, columns: RouteSeries, width_s: int) -> Svg:
    """A line that is broken where a bin has no value."""
    kind = f"line {'thin ' if each.thin else ''}{style(route)}"
    parts: list[list[tuple[float, float]]] = [[]]
    for t, value in zip(columns.t_s, each.values(columns), strict=True):
        if value is None:
            parts.append([])
        else:
            parts[-1].append((plot.x(t + width_s * each.place), plot.y(value)))
    drawn = (part if len(part) > 1 else part * 2 for part in parts if part)
    return group(*(path(part, class_=kind) for part in drawn))


def _events(plot: Plot, columns: RouteSeries, width_s: int) -> Iterator[Svg]:
    for kind, event in EVENTS.items():
        for t, count in zip(columns.t_s, event.counts(columns), strict=True):
            if count:
                yield _event(kind, plot.x(t + width_s / 2), LANE)


def _event(kind: str, x: float, y: float) -> Svg:
    return tag("path", d=f"M{x:.1f} {y:.1f}{EVENTS[kind].shape}", class_=f"event event-{kind}")


def _bins(
    plot: Plot, run: RunAxis, series: Sequence[Series], show: Callable[[float], str]
) -> Iterator[Svg]:
    """One column per bin in which there is anything to say, with all that there is."""
    columns = {
        route: [(each.name, each.values(found)) for each in series]
        for route, found in run.routes.items()
    }
    edges = [plot.x.low, *(t + run.width_s for t in next(iter(run.routes.values())).t_s)]
    for place, (start, end) in enumerate(pairwise(edges)):
        told = [
            f"{route}: {line}"
            for route, found in columns.items()
            if (line := _told(run.routes[route], place, found, show))
        ]
        told += [
            pause.told
            for pause in run.pauses
            if pause.begun_s < end and pause.begun_s + pause.length_s > start
        ]
        if told:
            counted = "" if start >= (run.timeline.steady_from_s or 0) else ", warm-up"
            tip = "\n".join([f"{start:g} to {end:g} s{counted}", *told])
            left, right = plot.x(start), plot.x(end)
            yield group(
                tag("rect", x=left, y=0, width=right - left, height=BOTTOM, class_="target"),
                tip=tip,
            )


def _told(
    columns: RouteSeries,
    place: int,
    series: Sequence[tuple[str, Column]],
    show: Callable[[float], str],
) -> str:
    """The values of one route in one bin, and what happened to it there."""
    values = [
        f"{name} {show(value)}" for name, column in series if (value := column[place]) is not None
    ]
    events = [
        f"{figures.count(count)} {event.name}"
        for event in EVENTS.values()
        if (count := event.counts(columns)[place])
    ]
    return ", ".join([*values, *events])
