import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.report.arrays import Floats
from harness.report.paired import (
    cliffs_delta,
    discordant_p,
    holm,
    inflation,
    location,
    pairs_to_decide,
    resampled_medians,
)


def correlated(n: int, share: float, *, seed: int) -> Floats:
    """A first-order autoregression with that correlation of neighbours."""
    rng = np.random.default_rng(seed)
    series = rng.normal(size=n + 50)
    for n_th in range(1, len(series)):
        series[n_th] += share * series[n_th - 1]
    return series[50:]


@settings(max_examples=25)
@given(st.integers(20, 120), st.integers(0, 2**32), st.floats(-0.5, 0.5))
def test_independent_differences_are_tested_as_by_scipy(n: int, seed: int, shift: float) -> None:
    moved = np.random.default_rng(seed).normal(shift, 1, n)

    found = location(moved)

    wider = math.sqrt(inflation(moved - found.estimate))
    z = stats.norm.isf(found.p / 2) * wider
    expected = stats.wilcoxon(moved, correction=True, method="approx").pvalue
    assert 2 * stats.norm.sf(z) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=25)
@given(st.integers(20, 120), st.integers(0, 2**32))
def test_the_interval_ends_where_the_test_begins_to_reject(n: int, seed: int) -> None:
    moved = np.random.default_rng(seed).normal(0.2, 1, n)

    found = location(moved)
    if not found.bounded:  # few pairs that resemble their neighbours have no interval at all
        assert (found.low, found.high) == (-math.inf, math.inf)
        return
    assert found.low < found.inner_low < found.estimate < found.inner_high < found.high
    assert location(moved - found.low).p == pytest.approx(0.05, abs=0.015)
    assert location(moved - found.estimate).p > 0.9


def test_a_failed_side_has_the_largest_rank_and_no_size() -> None:
    moved = np.random.default_rng(5).normal(0, 1, 60)
    censored, huge = moved.copy(), moved.copy()
    censored[:3], huge[:3] = math.inf, 1e6

    assert location(censored) == location(huge)
    assert location(censored).bounded


def test_an_interval_that_failures_reach_is_not_bounded() -> None:
    moved = np.random.default_rng(5).normal(0, 1, 60)
    moved[:40] = math.inf

    found = location(moved)

    assert (found.estimate, found.bounded) == (math.inf, False)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.8])
def test_dependence_of_neighbours_raises_few_false_alarms(share: float) -> None:
    alarms = sum(location(correlated(200, share, seed=seed)).p < 0.05 for seed in range(100))

    assert alarms <= 13


def test_the_exact_test_of_discordant_blocks() -> None:
    assert discordant_p(0, 0) == 1.0
    assert discordant_p(0, 6) == pytest.approx(2 / 2**6)
    assert discordant_p(3, 3) == 1.0


def test_the_pairs_that_would_decide_do_so_for_most_equal_routes() -> None:
    rng, decided = np.random.default_rng(7), 0
    bound = math.log(1.05)
    for _ in range(60):
        first = location(rng.normal(0, 0.25, 40))
        needed = pairs_to_decide(40, (first.low, first.high), bound=bound, alpha=0.05)
        assert needed is not None
        then = location(rng.normal(0, 0.25, min(needed, 2000)))
        decided += -bound < then.inner_low < then.inner_high < bound or then.p < 0.05

    assert decided >= 42


def test_what_a_hundred_times_as_many_pairs_cannot_decide_has_no_number() -> None:
    assert pairs_to_decide(20, (-50.0, 50.0), bound=0.05, alpha=0.001) is None


@given(st.lists(st.floats(0, 1), max_size=30))
def test_holms_correction_keeps_order_and_is_never_below(p_values: list[float]) -> None:
    corrected = holm(p_values)

    ranked = [corrected[i] for i in sorted(range(len(p_values)), key=p_values.__getitem__)]
    assert ranked == sorted(ranked)
    assert all(after >= before for before, after in zip(p_values, corrected, strict=True))
    assert all(after <= 1 for after in corrected)


def test_holms_correction_of_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=40),
    st.lists(st.integers(0, 9), min_size=1, max_size=40),
)
def test_cliffs_delta_counts_every_pair(a: list[int], b: list[int]) -> None:
    pairs = [np.sign(y - x) for x in a for y in b]

    assert cliffs_delta(np.array(a, float), np.array(b, float)) == pytest.approx(np.mean(pairs))


def test_a_bootstrapped_median_spreads_like_scipys() -> None:
    data = np.random.default_rng(3).lognormal(0, 0.5, 400)

    found = resampled_medians(data, np.random.default_rng(4), length=1)

    expected = stats.bootstrap((data,), np.median, n_resamples=2000, method="percentile", rng=5)
    low, high = np.percentile(found, [2.5, 97.5])
    assert low == pytest.approx(expected.confidence_interval.low, rel=0.03)
    assert high == pytest.approx(expected.confidence_interval.high, rel=0.03)


def test_neighbours_that_resemble_each_other_make_the_interval_wider() -> None:
    rng = np.random.default_rng(8)
    slow = np.repeat(rng.normal(0, 1, 40), 10)

    alone = resampled_medians(slow, np.random.default_rng(1), length=1)
    together = resampled_medians(slow, np.random.default_rng(1), length=20)

    assert together.std() > 1.5 * alone.std()


@settings(max_examples=25)
@given(st.integers(2, 500))
def test_every_resample_has_the_length_of_the_sample(n: int) -> None:
    index = resampled_medians(np.arange(float(n)), np.random.default_rng(0), length=3)

    assert index.min() >= 0
    assert index.max() <= n - 1
