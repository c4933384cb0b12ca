import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from harness.report.arrays import Floats
from harness.report.paired import (
    block_length,
    cliffs_delta,
    holm,
    resampled_medians,
    signed_rank_p,
)

DIFFERENCES = arrays(np.float64, st.integers(2, 80), elements=st.integers(-40, 40).map(float))
DISTINCT = st.lists(st.floats(0.001, 1e3), min_size=2, max_size=50, unique=True)


@given(DISTINCT, st.integers(0, 2**32))
def test_the_signed_rank_test_is_scipys_exact_one(sizes: list[float], seed: int) -> None:
    moved = np.array(sizes) * np.random.default_rng(seed).choice([-1.0, 1.0], len(sizes))

    assert signed_rank_p(moved) == pytest.approx(stats.wilcoxon(moved, method="exact").pvalue)


@given(DIFFERENCES)
def test_the_signed_rank_test_with_ties_is_scipys_normal_one(moved: Floats) -> None:
    found = signed_rank_p(moved)

    kept = moved[moved != 0]
    if not len(kept):
        assert found == 1.0
    elif len(set(np.abs(kept))) < len(kept) or len(kept) > 50:
        expected = stats.wilcoxon(kept, correction=True, method="approx")
        assert found == pytest.approx(expected.pvalue)


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

    (found,) = resampled_medians([data], np.random.default_rng(4), length=1)

    expected = stats.bootstrap((data,), np.median, n_resamples=2000, method="percentile", rng=5)
    low, high = np.percentile(found, [2.5, 97.5])
    assert low == pytest.approx(expected.confidence_interval.low, rel=0.03)
    assert high == pytest.approx(expected.confidence_interval.high, rel=0.03)


def test_neighbours_that_resemble_each_other_make_the_interval_wider() -> None:
    rng = np.random.default_rng(8)
    slow = np.repeat(rng.normal(0, 1, 40), 10)

    (alone,) = resampled_medians([slow], np.random.default_rng(1), length=1)
    (together,) = resampled_medians([slow], np.random.default_rng(1), length=20)

    assert together.std() > 1.5 * alone.std()


@settings(max_examples=25)
@given(st.integers(2, 500))
def test_every_resample_has_the_length_of_the_sample(n: int) -> None:
    constant, index = np.ones(n), np.arange(float(n))

    first, second = resampled_medians([constant, index], np.random.default_rng(0))

    assert (first == 1).all()
    assert second.min() >= 0
    assert second.max() <= n - 1


@pytest.mark.parametrize(("n", "length"), [(1, 1), (8, 2), (27, 3), (1000, 10)])
def test_the_block_length_is_a_cube_root(n: int, length: int) -> None:
    assert block_length(n) == length
