"""Rows counted by column are the same as durations counted one by one."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.counting import count, fill
from harness.load.recorder import SCHEMA
from harness.load.tally import RouteTally
from harness.measure.histogram import ERROR, HIGHEST_NS, Histogram
from tests.load.samples import sample
from tests.sample import row

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


def test_a_batch_of_two_routes_counts_each_request_where_it_belongs() -> None:
    native = [sample(ttft_ms=50), sample(1, outcome="timeout", message="why")]
    compat = [sample(2, ttft_ms=90, route="compat")]
    tallies: dict[str, RouteTally] = {}

    mixed = [row(each) for each in (native[0], *compat, native[1])]
    count(
        lambda route: tallies.setdefault(route, RouteTally()),
        pa.RecordBatch.from_pylist(mixed, schema=SCHEMA),
    )

    assert tallies["native"].outcomes == {"ok": 1, "timeout": 1}
    assert tallies["native"].messages == {"timeout": "why"}
    assert tallies["compat"].outcomes == {"ok": 1}
    ttft = {route: one.latencies["ttft"] for route, one in tallies.items()}
    assert (ttft["native"].count, ttft["compat"].count) == (1, 1)
    assert ttft["compat"].sum_ns - ttft["native"].sum_ns == 40_000_000
    assert [one.latencies["inter_chunk"].count for one in tallies.values()] == [2, 2]
