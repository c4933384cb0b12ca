import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.charts import distribution
from harness.report.charts.axis import Scale, from_zero, log_scale
from harness.report.charts.plot import LEFT, RIGHT
from harness.report.charts.svg import Svg, group, tag, text

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


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_a_distribution_ends_at_its_largest_value(n: int) -> None:
    chart = distribution.ecdf("t", {"native": np.linspace(10, 20, n)})

    assert chart is not None
    assert "n = " + f"{n:,}" in chart


def test_a_distribution_shows_where_most_values_lie_though_the_smallest_is_0() -> None:
    chart = distribution.ecdf("t", {"native": np.array([0.0, *[4.0] * 98, 60.0])})

    assert chart is not None
    marks = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', chart)]
    assert min(marks) > LEFT + (RIGHT - LEFT) / 3


def test_a_distribution_of_nothing_is_no_chart() -> None:
    assert distribution.ecdf("t", {"native": np.array([])}) is None
