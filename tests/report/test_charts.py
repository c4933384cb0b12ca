import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report import drawings
from harness.report.charts import distribution
from harness.report.charts.plot import BOTTOM, LEFT, TOP, Scale, from_zero, log_scale
from harness.report.charts.svg import Svg, group, tag, text
from harness.report.thresholds import CheckResult

POSITIVE = st.floats(1e-4, 1e8)


@given(st.lists(POSITIVE, min_size=1, max_size=20))
def test_a_logarithmic_scale_holds_its_values_in_order(values: list[float]) -> None:
    scale = log_scale(values, 0, 100)

    places = [scale(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(0 <= place <= 100 for place in places)
    assert scale.high / scale.low > 1.5


@given(st.lists(POSITIVE, min_size=1, max_size=20), st.booleans())
def test_a_scale_from_zero_holds_its_values(values: list[float], whole: bool) -> None:
    scale = from_zero(values, 200, 10, whole=whole)

    assert scale.high >= max(values) * 0.999
    assert scale(0) == 200
    assert all(10 <= scale(value) <= 200 for value in values)


@given(POSITIVE, st.floats(1.6, 1e6), st.integers(4, 7))
def test_ticks_are_within_the_scale_and_not_too_many(low: float, factor: float, most: int) -> None:
    scale = Scale(low, low * factor, 0, 100, log=True)

    ticks = scale.ticks(most)

    assert ticks == sorted(ticks)
    assert all(low * 0.999 <= tick <= low * factor * 1.001 for tick in ticks)
    assert len(ticks) <= max(most, math.log10(factor) + 2)


def test_counts_have_whole_ticks() -> None:
    assert from_zero([3], 0, 100, whole=True).ticks(5) == [0, 1, 2, 3]
    assert from_zero([1], 0, 100, whole=True).ticks(5) == [0, 1]


@given(st.text())
def test_any_text_makes_well_formed_markup(content: str) -> None:
    drawn = tag("svg", text(content, 1, 2), group(content, tip=content), aria_label=content)

    root = ElementTree.fromstring(drawn)  # noqa: S314 - our own markup

    assert root.tag == "svg"
    assert [element.tag for element in root.iter()].count("script") == 0


def test_markup_is_not_escaped_twice_and_text_is() -> None:
    inner = tag("b", "1 < 2")

    assert tag("p", inner, "3 > 2") == "<p><b>1 &lt; 2</b>3 &gt; 2</p>"
    assert Svg("<i/>").__html__() == "<i/>"


def test_attributes_are_named_as_in_svg_and_none_is_left_out() -> None:
    assert tag("a", class_="x", stroke_width=1.26, id=None) == '<a class="x" stroke-width="1.3"/>'


@pytest.mark.parametrize("n", [1, 2, 7, 1000, 70_000])
def test_a_distribution_is_of_all_values_and_reaches_the_largest(n: int) -> None:
    chart = distribution.tail("t", {"native": np.linspace(10, 20, n)})

    assert chart is not None
    assert f"n = {n:,}" in chart
    curve = _points(chart)
    assert curve == sorted(curve, key=lambda point: (point[0], -point[1]))
    assert curve[0][0] == LEFT
    assert curve[-1][1] == pytest.approx(
        log_scale([20, 20 if n == 1 else 10], BOTTOM, TOP)(20), abs=0.5
    )


def test_each_nine_of_a_distribution_has_the_same_room() -> None:
    chart = distribution.tail("t", {"native": np.linspace(10, 20, 20_000)})

    assert chart is not None
    labels = dict(re.findall(r'<text x="([\d.]+)"[^>]*>(p[\d.]+)<', chart))
    places = {name: float(x) for x, name in labels.items()}
    assert list(places) == ["p0", "p50", "p90", "p99", "p99.9", "p99.99"]
    nines = [places[f"p{name}"] for name in ("90", "99", "99.9", "99.99")]
    assert np.diff(nines) == pytest.approx(nines[1] - nines[0], abs=0.2)


def test_a_percentile_that_few_values_bound_says_so() -> None:
    chart = distribution.tail("t", {"native": np.linspace(10, 20, 100)})

    assert chart is not None
    assert "95% within 19.5 ms (n = 100)" in chart
    assert "99% within 19.9 ms (n = 100; p99 needs 368 to be sure)" in chart
    assert "99.9%" not in chart


def test_a_distribution_shows_where_most_values_lie_though_the_smallest_is_0() -> None:
    chart = distribution.tail("t", {"native": np.array([0.0, *[4.0] * 98, 60.0])})

    assert chart is not None
    heights = [y for _, y in _points(chart)]
    assert max(heights) <= BOTTOM
    assert min(heights[1:-2]) < BOTTOM - 5


def test_a_distribution_of_nothing_is_no_chart() -> None:
    assert distribution.tail("t", {"native": np.array([])}) is None


def test_objectives_are_lines_with_a_mark_at_their_percentile_and_labels_apart() -> None:
    limits = [
        distribution.Limit("p95 < 18 ms: met", 18.0, 95.0, CheckResult.MET),
        distribution.Limit("p99 < 18.1 ms: unknown", 18.1, 99.0, CheckResult.UNKNOWN),
        distribution.Limit("mean < 2 s: met", 2000.0, None, CheckResult.MET),
    ]

    chart = distribution.tail("t", {"native": np.linspace(10, 20, 1000)}, limits)

    assert chart is not None
    root = ElementTree.fromstring(chart)  # noqa: S314 - our own markup
    texts = [each for each in root.iter("text") if "objective" in each.get("class", "")]
    heights = sorted(float(each.get("y", "nan")) for each in texts)
    assert {each.text for each in texts} == {limit.label for limit in limits}
    assert heights[0] >= TOP
    assert heights[-1] <= BOTTOM
    assert min(np.diff(heights)) >= 12
    lines = [each for each in root.iter("line") if "objective" in each.get("class", "")]
    marks = [each for each in root.iter("polygon") if "objective" in each.get("class", "")]
    assert len(lines) == 3
    assert len(marks) == 2


def _points(chart: str) -> list[tuple[float, float]]:
    """The corners of the only curve."""
    line = re.search(r'<path d="([^"]+)"', chart)
    assert line is not None
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", line[1])]


@given(st.integers(1, 5000), st.integers(0, 2**32 - 1))
def test_dots_keep_every_extreme_and_are_not_too_many(n: int, seed: int) -> None:
    values = np.random.default_rng(seed).lognormal(0, 1, n)

    kept = drawings.chosen(values)

    assert len(kept) == n if n <= drawings.MOST_DOTS else len(kept) <= drawings.MOST_DOTS + 1
    assert {values.min(), values.max()} <= {*values[kept]}
    assert sorted({*kept.tolist()}) == kept.tolist()
    if n > drawings.MOST_DOTS:
        for part in np.array_split(values, drawings.PARTS):
            assert {part.min(), part.max()} <= {*values[kept]}
