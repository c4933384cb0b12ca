"""The frame that charts share: its size, its axes, and how each route looks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.report.charts.axis import Scale
from harness.report.charts.svg import Svg, group, tag, text
from harness.routes.route import ROUTES

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 388, 12, 214
LABEL, SHORT_LABEL = 48, 22
"""How wide a label of the lower axis may be, and one of `x_ticks`."""


def style(route: str) -> str:
    """The CSS class of a route: colour and dash; any further route shares the last one."""
    return f"route-{ROUTES.index(route) if route in ROUTES else len(ROUTES)}"


def marker(route: str, x: float, y: float, *, size: float = 4) -> Svg:
    """A route's own shape, so that colour is never the only sign."""
    kind = style(route)
    if kind == "route-0":
        return tag("circle", cx=x, cy=y, r=size, class_=f"mark {kind}")
    if kind == "route-1":
        side = size * 1.8
        return tag(
            "rect", x=x - side / 2, y=y - side / 2, width=side, height=side, class_=f"mark {kind}"
        )
    up, across = size * 1.25, size * 1.15
    if kind == "route-2":
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
