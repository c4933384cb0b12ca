"""The histogram's error bound, and that merging is addition."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.histogram import BUCKETS, ERROR, HIGHEST_NS, LOWEST_NS, Histogram

DURATIONS = st.lists(st.integers(LOWEST_NS, HIGHEST_NS), min_size=1, max_size=60)
ANY = st.lists(st.integers(-5, 2 * HIGHEST_NS), max_size=60)
QUANTILES = st.floats(0, 1) | st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999])


def merged(*parts: Histogram) -> Histogram:
    total = Histogram()
    for part in parts:
        total.merge(part)
    return total


def test_the_promised_error_is_under_one_percent() -> None:
    assert ERROR < 0.01


@given(DURATIONS, QUANTILES)
def test_a_quantile_is_within_the_error_of_the_sample_at_its_rank(
    values: list[int], q: float
) -> None:
    exact = sorted(values)[max(1, math.ceil(q * len(values))) - 1]

    found = Histogram(values).quantile(q)

    assert found == pytest.approx(exact, rel=ERROR * 1.0001)


@pytest.mark.parametrize("value", [LOWEST_NS, LOWEST_NS + 1, 10**6, 10**9, HIGHEST_NS - 1])
def test_the_error_holds_from_a_microsecond_to_an_hour(value: int) -> None:
    found = Histogram([LOWEST_NS, value, HIGHEST_NS]).quantile(0.5)

    assert found == pytest.approx(value, rel=ERROR * 1.0001)


@given(ANY)
def test_count_mean_and_ends_are_exact(values: list[int]) -> None:
    histogram = Histogram(values)
    clean = [max(value, 0) for value in values]

    assert histogram.count == len(clean)
    assert histogram.sum_ns == sum(clean)
    assert histogram.min == min(clean, default=None)
    assert histogram.max == max(clean, default=None)
    assert histogram.mean == (pytest.approx(sum(clean) / len(clean)) if clean else None)


@given(ANY, ANY, ANY)
def test_merging_is_associative_and_commutative_and_loses_nothing(
    a: list[int], b: list[int], c: list[int]
) -> None:
    one, two, three = Histogram(a), Histogram(b), Histogram(c)

    assert merged(merged(one, two), three) == merged(one, merged(two, three))
    assert merged(one, two) == merged(two, one)
    assert merged(one, two, three) == Histogram(a + b + c)
    assert one == Histogram(a)


@given(ANY)
def test_one_by_one_is_the_same_as_all_at_once(values: list[int]) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)

    assert histogram == Histogram(values)


@given(ANY)
def test_a_histogram_survives_json(values: list[int]) -> None:
    histogram = Histogram(values)

    assert Histogram.from_dict(json.loads(json.dumps(histogram.to_dict()))) == histogram


def test_buckets_of_another_ratio_are_refused() -> None:
    document = Histogram([5]).to_dict() | {"ratio": 1.02}

    with pytest.raises(ValueError, match=r"expected ratio 1.01 from 1000 ns, got 1.02"):
        Histogram.from_dict(document)


@pytest.mark.parametrize("bucket", [-1, BUCKETS, "x"])
def test_a_bucket_that_does_not_exist_is_refused(bucket: int | str) -> None:
    document = Histogram([5]).to_dict() | {"counts": {str(bucket): 1}}

    with pytest.raises(ValueError, match="bucket"):
        Histogram.from_dict(document)


def test_nothing_counted_has_no_quantile() -> None:
    assert Histogram().quantile(0.5) is None


@pytest.mark.parametrize("q", [-0.1, 1.1, math.nan])
def test_a_quantile_outside_zero_to_one_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="expected 0 to 1"):
        Histogram([1]).quantile(q)


def test_quantiles_agree_with_numpy_on_a_long_tail() -> None:
    values = np.random.default_rng(7).lognormal(17, 1.2, 100_000).astype(np.int64)
    histogram = Histogram(values.tolist())

    for q in (0.5, 0.9, 0.95, 0.99, 0.999):
        exact = float(np.quantile(values, q, method="inverted_cdf"))
        assert histogram.quantile(q) == pytest.approx(exact, rel=ERROR * 1.0001)


def test_a_histogram_holds_no_more_than_its_buckets() -> None:
    histogram = Histogram()
    for start in range(0, 10**6, 10**5):
        histogram.extend(range(start, start + 10**5))

    assert histogram.count == 10**6
    assert len(histogram.counts) <= BUCKETS


def test_a_summary_is_in_milliseconds_and_knows_when_there_is_none() -> None:
    late = Histogram()
    nothing = late.summary_ms()

    late.extend([2_000_000])

    assert nothing == {"p50": None, "p99": None, "max": None}
    assert late.summary_ms() == {"p50": 2.0, "p99": 2.0, "max": 2.0}
