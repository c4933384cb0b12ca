"""The contract at a glance: per route, how many clauses had which result."""

from collections.abc import Sequence

from harness.report.charts.svg import Svg, group, tag, text
from harness.report.conformance import Conformance

WIDTH = 400
LEFT, RIGHT = 64, 388
ROW = 34


def overview(title: str, contract: Conformance) -> Svg | None:
    """One bar per route, cut by result; None without a clause."""
    if not contract.clauses:
        return None
    most = max(sum(contract.counts(route).values()) for route in contract.routes)
    rows = [_row(contract, route, place, most) for place, route in enumerate(contract.routes)]
    return tag(
        "svg",
        tag("title", title),
        *rows,
        viewBox=f"0 0 {WIDTH} {len(rows) * ROW + 8}",
        role="img",
        class_="chart",
        aria_label=title,
    )


def _row(contract: Conformance, route: str, place: int, most: int) -> Svg:
    y, x = place * ROW + 8, float(LEFT)
    counts = contract.counts(route)
    boxes: list[Svg] = []
    for result in contract.results:
        width = counts[result] / most * (RIGHT - LEFT)
        boxes += _box(route, result, counts[result], (x, y, width))
        x += width
    return group(text(route, LEFT - 8, y + 17, class_="label end"), *boxes)


def _box(route: str, result: str, count: int, box: tuple[float, float, float]) -> Sequence[Svg]:
    if not count:
        return []
    x, y, width = box
    name = result.replace("_", " ")
    area = tag(
        "rect", x=x, y=y, width=max(width - 1, 1), height=24, class_=f"result {_kind(result)}"
    )
    shown = text(str(count), x + width / 2, y + 16, class_=f"label middle on-{_kind(result)}")
    inside = [area, shown] if width > 18 else [area]
    return [group(*inside, tip=f"{route}: {count} {name}")]


def _kind(result: str) -> str:
    return f"result-{result.replace('_', '-')}"
