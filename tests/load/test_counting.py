"""Rows counted by column are the same as durations counted one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.counting import fill
from harness.measure.histogram import ERROR, HIGHEST_NS, Histogram

ANY = st.lists(st.integers(-5, 2 * HIGHEST_NS), max_size=60)


@given(ANY, ANY.filter(bool))
def test_durations_filled_at_once_are_those_added_one_by_one(
    before: list[int], values: list[int]
) -> None:
    filled, added = Histogram(before), Histogram(before + values)

    fill(filled, np.array(values, dtype=np.int64))

    assert (filled.count, filled.sum_ns) == (added.count, added.sum_ns)
    assert (filled.min, filled.max) == (added.min, added.max)
    for q in (0.1, 0.5, 0.9, 0.99):  # a value at a bound may go to either bucket
        assert filled.quantile(q) == pytest.approx(added.quantile(q), rel=2.1 * ERROR)


def test_nothing_filled_in_changes_nothing() -> None:
    histogram = Histogram([5])

    fill(histogram, np.array([]))

    assert histogram == Histogram([5])
