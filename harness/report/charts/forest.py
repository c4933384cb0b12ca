"""Routes against each other: one row per pair and metric, its ratio with its interval."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from harness.report import figures
from harness.report.charts.plot import Scale
from harness.report.charts.svg import Svg, group, tag, text
from harness.report.comparison import Comparison, Effect, PairedDifference, PairVerdict

WIDTH = 400
LEFT, RIGHT = 116, 274
ROW, HEAD = 24, 26


def forest(title: str, comparison: Comparison) -> Svg | None:
    """Ratios b/a on a logarithmic axis around "no difference"; the shaded band is the margin.

    None when no pair has a ratio.
    """
    drawn = comparison.measured
    if not drawn:
        return None
    scale = _scale([effect for _, effect in drawn], comparison.margin)
    rows, height = [], 8.0
    for metric, members in groupby(drawn, key=lambda entry: entry[0].metric):
        rows.append(text(figures.metric(metric), 4, height + 16, class_="label strong"))
        height += HEAD
        for pair, effect in members:
            rows.append(_row(scale, pair, effect, height + ROW / 2))
            height += ROW
    return tag(
        "svg",
        tag("title", title),
        *_backdrop(scale, comparison.margin, height + 4),
        *rows,
        viewBox=f"0 0 {WIDTH} {height + 46:.0f}",
        role="img",
        class_="chart",
        aria_label=title,
    )


def _scale(effects: Sequence[Effect], margin: float) -> Scale:
    """Symmetric, and at least twice the margin wide, so that small differences look small."""
    ends = [end for effect in effects for end in (effect.low, effect.high)]
    reach = max([abs(math.log(end)) for end in ends] + [math.log1p(margin) * 2])
    reach = min(reach * 1.05, math.log(100))
    return Scale(math.exp(-reach), math.exp(reach), LEFT, RIGHT, log=True)


def _backdrop(scale: Scale, margin: float, bottom: float) -> Iterator[Svg]:
    left, right = scale(1 / (1 + margin)), scale(1 + margin)
    band = tag("rect", x=left, y=4, width=right - left, height=bottom - 4, class_="margin")
    yield group(band, tip=f"within {margin:.0%}: counts as the same")
    for value in _ticks(scale):
        at = scale(value)
        kind = "axis" if value == 1 else "rule"
        yield tag("line", x1=at, x2=at, y1=4, y2=bottom, class_=kind)
        label = "equal" if value == 1 else f"{(value - 1) * 100:+.2g}%"
        yield text(label, at, bottom + 14, class_="label middle")
    yield text("faster", LEFT, bottom + 32, class_="label muted")
    yield text("slower", RIGHT, bottom + 32, class_="label end muted")


def _ticks(scale: Scale) -> list[float]:
    """Equal, and the same round change to both sides: +10 % and its inverse, -9.1 %."""
    reach = scale.high - 1
    power = 10.0 ** math.floor(math.log10(reach))
    step = max(f * power for f in (1, 2, 5) if f * power <= reach * 0.9 or f == 1)
    return [1 / (1 + step), 1.0, 1 + step]


def _row(scale: Scale, pair: PairedDifference, effect: Effect, y: float) -> Svg:
    low, high, at = (scale(value) for value in (effect.low, effect.high, effect.ratio))
    kind = f"verdict-{pair.verdict}"
    return group(
        tag("rect", x=0, y=y - ROW / 2, width=WIDTH, height=ROW, class_="target"),
        text(pair.names, 12, y + 4),
        tag("line", x1=low, x2=high, y1=y, y2=y, class_=f"whisker {kind}"),
        _mark(pair.verdict, at, y),
        text(figures.ratio(effect.ratio), 328, y + 4, class_="label end"),
        text(pair.verdict, 334, y + 4, class_=f"label {kind}"),
        tip=_tip(pair, effect),
    )


def _mark(verdict: PairVerdict, x: float, y: float) -> Svg:
    """Slower points right, faster left, the same is a square, open is a hollow circle."""
    kind = f"sign verdict-{verdict}"
    if verdict is PairVerdict.EQUIVALENT:
        return tag("rect", x=x - 4.5, y=y - 4.5, width=9, height=9, class_=kind)
    if verdict is PairVerdict.INCONCLUSIVE:
        return tag("circle", cx=x, cy=y, r=4.5, class_=kind)
    tip = 6 if verdict is PairVerdict.SLOWER else -6
    points = f"{x - tip:.1f},{y - 6:.1f} {x + tip:.1f},{y:.1f} {x - tip:.1f},{y + 6:.1f}"
    return tag("polygon", points=points, class_=kind)


def _tip(pair: PairedDifference, effect: Effect) -> str:
    name = figures.metric(pair.metric)
    low, high = figures.ratio(effect.low), figures.ratio(effect.high)
    between = figures.span(effect.difference_low_ms, effect.difference_high_ms)
    change = f"{figures.ratio(effect.ratio)} ({low} to {high})"
    difference = f"{figures.duration(effect.difference_ms)} ({between})"
    return (
        f"{name}, {pair.b} against {pair.a}: {change}, {difference}, {pair.n} pairs: {pair.verdict}"
    )
