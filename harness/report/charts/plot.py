"""The frame that charts share: its size, how each route looks, its axes and their round numbers."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.report.charts.svg import Svg, group, tag, text
from harness.routes.route import ROUTES

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 388, 12, 214
LABEL, SHORT_LABEL = 48, 22
"""How wide a label of the lower axis may be, and one of `x_ticks`."""
DECADE = (1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high` on places from `start` to `stop`."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False
    whole: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value; one outside lands on the nearer end."""
        kept = min(max(value, self.low), self.high)
        low, high, at = (self._stretch(each) for each in (self.low, self.high, kept))
        return self.start + (at - low) / (high - low) * (self.stop - self.start)

    def ticks(self, most: int = 6) -> list[float]:
        """At most about `most` round values within the scale, whole numbers where asked."""
        if self.whole:
            return sorted({round(value) for value in _ticks(self.low, self.high, most)})
        return (
            _log_ticks(self.low, self.high, most) if self.log else _ticks(self.low, self.high, most)
        )

    def _stretch(self, value: float) -> float:
        return math.log(value) if self.log else value


def log_scale(values: Iterable[float], start: float, stop: float) -> Scale:
    """A logarithmic scale around positive values, never narrower than a factor of 1.5."""
    known = [value for value in values if value > 0] or [1.0]
    low, high = min(known) / 1.05, max(known) * 1.05
    if high / low < 1.5:
        middle = math.sqrt(low * high)
        low, high = middle / 1.25, middle * 1.25
    return Scale(low, high, start, stop, log=True)


def from_zero(values: Iterable[float], start: float, stop: float, *, whole: bool = False) -> Scale:
    """A linear scale from 0 to a round number above the largest value."""
    highest = max([value for value in values if value > 0], default=1.0)
    step = _step(highest, 4)
    step = max(step, 1.0) if whole else step
    return Scale(0.0, math.ceil(highest / step - 1e-9) * step, start, stop, whole=whole)


def style(route: str) -> str:
    """The CSS class of a route: colour and dash; any further route shares the last one."""
    return f"route-{_place(route)}"


def _place(route: str) -> int:
    return ROUTES.index(route) if route in ROUTES else len(ROUTES)


def marker(route: str, x: float, y: float, *, size: float = 4) -> Svg:
    """A route's own shape, so that colour is never the only sign."""
    kind, place = style(route), _place(route)
    if place == 0:
        return tag("circle", cx=x, cy=y, r=size, class_=f"mark {kind}")
    if place == 1:
        side = size * 1.8
        return tag(
            "rect", x=x - side / 2, y=y - side / 2, width=side, height=side, class_=f"mark {kind}"
        )
    up, across = size * 1.25, size * 1.15
    if place == 2:
        points = (
            f"{x:.1f},{y - up:.1f} {x + across:.1f},{y + size:.1f} {x - across:.1f},{y + size:.1f}"
        )
        return tag("polygon", points=points, class_=f"mark {kind}")
    points = f"{x:.1f},{y - up:.1f} {x + up:.1f},{y:.1f} {x:.1f},{y + up:.1f} {x - up:.1f},{y:.1f}"
    return tag("polygon", points=points, class_=f"mark {kind}")


def of_route(route: str, *marks: str) -> Svg:
    """What is drawn of one route, which the page's script hides and shows by this name."""
    return tag("g", *marks, data_route=route)


@dataclass(frozen=True, slots=True)
class Plot:
    """Two axes; `x` and `y` give places, `show_x` and `show_y` write a value.

    `x_ticks` are values to be marked instead of round ones. On a chart that is `over_time` the
    page's script moves what is in a group `moves`: circles, rectangles, and in paths what is
    absolute.
    """

    title: str
    x: Scale
    y: Scale
    x_name: str
    show_x: Callable[[float], str]
    show_y: Callable[[float], str]
    note: str = ""
    x_ticks: Sequence[float] | None = None
    over_time: bool = False

    def draw(self, *marks: str) -> Svg:
        """The whole chart; the title is for those who cannot see it."""
        return tag(
            "svg",
            tag("title", f"{self.title}. {self.note}".strip()),
            self._grid(),
            *marks,
            text(self.x_name, (LEFT + RIGHT) / 2, HEIGHT - 4, class_="label middle muted"),
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            class_="chart",
            aria_label=self.title,
            data_time=f"{LEFT} {RIGHT} {self.x.low:g} {self.x.high:g}" if self.over_time else None,
        )

    def _grid(self) -> Svg:
        rows = [self._row(value) for value in self.y.ticks(5)]
        base = tag("line", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM, class_="axis")
        return group(*rows, group(*self._columns(), class_="columns"), base, class_="grid")

    def _columns(self) -> Iterator[Svg]:
        """A line for each value, with its label where there is room for it."""
        free, half = 0.0, (LABEL if self.x_ticks is None else SHORT_LABEL) / 2
        for value in self.x.ticks(6) if self.x_ticks is None else self.x_ticks:
            at = self.x(value)
            yield tag("line", x1=at, x2=at, y1=TOP, y2=BOTTOM + 4, class_="rule")
            if at - half >= free:
                yield text(self.show_x(value), at, BOTTOM + 18, class_="label middle")
                free = at + half

    def _row(self, value: float) -> Svg:
        at = self.y(value)
        line = tag("line", x1=LEFT, x2=RIGHT, y1=at, y2=at, class_="rule")
        return group(line, text(self.show_y(value), LEFT - 6, at + 4, class_="label end"))


def _ticks(low: float, high: float, most: int) -> list[float]:
    step = _step(high - low, most)
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]


def _step(width: float, most: int) -> float:
    rough = width / most or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    """1, 2, 5 per decade; powers of ten alone on a long axis, even steps on a short one."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in (DECADE, (1.0, 3.0), (1.0,)):
        found = [f * 10.0**p for p in powers for f in factors if low <= f * 10.0**p <= high]
        if len(found) <= most:
            break
    return found if len(found) >= 3 else _ticks(low, high, most - 1)
