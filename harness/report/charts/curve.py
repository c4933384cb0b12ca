"""How latency grows with the load: one point per level of a search, with its interval."""

import math
from collections.abc import Iterator

from harness.report import figures
from harness.report.capacity.level import LevelTrial
from harness.report.capacity.result import Capacity
from harness.report.capacity.search import LevelResult
from harness.report.charts.plot import BOTTOM, LEFT, RIGHT, TOP, Plot, log_scale
from harness.report.charts.svg import Svg, group, path, tag, text
from harness.report.plan import LoadBy
from harness.report.quantile import Estimate

SIGNS = {
    LevelResult.CARRIED: "verdict-equivalent",
    LevelResult.NOT_CARRIED: "verdict-slower",
    LevelResult.OPEN: "verdict-inconclusive",
    LevelResult.CLIENT: "verdict-inconclusive",
}
WORDS = {
    LevelResult.CARRIED: "carried",
    LevelResult.NOT_CARRIED: "not carried",
    LevelResult.OPEN: "too close or too short to tell",
    LevelResult.CLIENT: "the client gave way",
}


def load_latency(title: str, capacity: Capacity) -> Svg | None:
    """Levels against the percentile that decides; None without one that was measured.

    The shaded band lies between the level that certainly is carried and the one that is not.
    """
    percent = round(capacity.percent)
    drawn, middle = (_measured(capacity, each) for each in (percent, 50))
    if not drawn and not middle:
        return None
    both = [*drawn, *middle]
    ends = [end for _, each in both for end in (each.value, each.low, each.high) if end]
    plot = Plot(
        title,
        x=log_scale([level.asked for level, _ in both], LEFT, RIGHT),
        y=log_scale([end for end in ends if end < math.inf], BOTTOM, TOP),
        x_name="requests per second" if capacity.by is LoadBy.RATE else "users",
        show_x=figures.digits,
        show_y=figures.short_duration,
        note=f"Each level of the search with p{percent} and its interval; the dashed line is p50.",
    )
    return plot.draw(
        *_edge(plot, capacity),
        path(_places(plot, middle), class_="line route-1"),
        path(_places(plot, drawn), class_="line route-0"),
        *(_point(plot, capacity, level, each) for level, each in drawn),
    )


def _measured(capacity: Capacity, percent: int) -> list[tuple[LevelTrial, Estimate]]:
    """The levels at which a percentile is known, by their load."""
    return [
        (level, found)
        for level in sorted(capacity.levels, key=lambda each: each.asked)
        if (found := _shown(level.times.get(percent))) is not None
        and level.result is not LevelResult.CLIENT
    ]


def _places(plot: Plot, drawn: list[tuple[LevelTrial, Estimate]]) -> list[tuple[float, float]]:
    return [(plot.x(level.asked), plot.y(each.value or 0)) for level, each in drawn]


def _shown(estimate: Estimate | None) -> Estimate | None:
    if estimate is None or estimate.value is None or not 0 < estimate.value < math.inf:
        return None
    return estimate


def _edge(plot: Plot, capacity: Capacity) -> Iterator[Svg]:
    low, high = capacity.carried.low, capacity.carried.high
    if low is None or high is None:
        return
    left, right = plot.x(low), plot.x(high)
    width = max(right - left, 2)
    band = tag("rect", x=left, y=TOP, width=width, height=BOTTOM - TOP, class_="margin")
    carried = figures.digits(capacity.carried.value)
    yield group(band, tip=f"between {figures.digits(low)} and {figures.digits(high)}")
    anchor = "end" if left > (LEFT + RIGHT) / 2 else ""
    at = left - 4 if anchor else right + 4
    yield text(f"{carried}{capacity.unit}", at, TOP + 12, class_=f"label strong {anchor}".strip())


def _point(plot: Plot, capacity: Capacity, level: LevelTrial, found: Estimate) -> Svg:
    x, y = plot.x(level.asked), plot.y(found.value or 0)
    kind = SIGNS[level.result]
    whisker = ""
    if found.low is not None and found.high is not None:
        top = plot.y(min(found.high, plot.y.high))
        whisker = tag("line", x1=x, x2=x, y1=plot.y(found.low), y2=top, class_=f"whisker {kind}")
    mark = (
        tag("rect", x=x - 4, y=y - 4, width=8, height=8, class_=f"sign {kind}")
        if level.result is LevelResult.CARRIED
        else tag("circle", cx=x, cy=y, r=4.5, class_=f"sign {kind}")
    )
    told = f"{figures.digits(level.asked)}{capacity.unit}: {WORDS[level.result]}, "
    shown = f"{figures.duration(found.value)} ({figures.span(found.low, found.high)})"
    return group(whisker, mark, tip=f"{told}p{capacity.percent:g} {shown}")
