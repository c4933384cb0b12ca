import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.report.quantile import estimate, needed, ranks, value_at, worth

PERCENTS = st.sampled_from([50.0, 75.0, 90.0, 95.0, 99.0, 99.9])
VALUES = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=400)


@pytest.mark.parametrize(("percent", "n"), [(50, 6), (90, 36), (95, 72), (99, 368), (99.9, 3688)])
def test_the_fewest_samples_that_bound_a_percentile_are_known(percent: float, n: int) -> None:
    assert needed(percent) == n


@given(PERCENTS, st.integers(1, 200_000))
def test_ranks_are_those_of_the_exact_binomial_distribution(percent: float, n: int) -> None:
    p = percent / 100
    if n < needed(percent):
        low, high = ranks(n, p)
        assert low < 1 or high > n
        return

    low, high = ranks(n, p)

    assert stats.binom.cdf(low - 1, n, p) <= 0.025 * (1 + 1e-9)
    assert stats.binom.cdf(low, n, p) > 0.025 * (1 - 1e-9)
    assert stats.binom.sf(high - 1, n, p) <= 0.025 * (1 + 1e-9)
    assert stats.binom.sf(high - 2, n, p) > 0.025 * (1 - 1e-9)


@given(VALUES, PERCENTS)
def test_an_estimate_is_numpys_percentile_within_its_interval(
    values: list[float], percent: float
) -> None:
    ordered = np.sort(np.array(values))

    found = estimate(ordered, percent)

    if len(values) < needed(percent):
        assert found.value is None
        assert found.reason is not None
        assert f"needs {needed(percent):,}" in found.reason
        return
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.value == pytest.approx(np.percentile(values, percent))
    assert found.low <= found.value <= found.high


@given(VALUES, PERCENTS)
def test_a_percentile_is_numpys_to_the_last_digit(values: list[float], percent: float) -> None:
    ordered = np.sort(np.array(values))

    assert value_at(ordered, percent) == np.percentile(ordered, percent)


def test_nineteen_of_twenty_intervals_hold_the_true_percentile() -> None:
    rng = np.random.default_rng(5)
    truth = float(np.exp(stats.norm.ppf(0.95)))

    held = 0
    for _ in range(400):
        found = estimate(np.sort(rng.lognormal(0, 1, 300)), 95)
        held += (
            found.low is not None and found.high is not None and found.low <= truth <= found.high
        )

    assert held / 400 >= 0.93


def test_values_of_one_stream_that_are_alike_are_worth_one() -> None:
    rng = np.random.default_rng(6)
    levels = rng.lognormal(3, 0.5, 50)
    owner = np.repeat(np.arange(50), 20)

    middle = float(np.median(levels))

    assert worth(np.repeat(levels, 20), middle, owner) == pytest.approx(50, rel=0.15)


def test_values_of_streams_that_are_not_alike_are_worth_their_number() -> None:
    rng = np.random.default_rng(7)
    owner = np.repeat(np.arange(100), 20)

    data = rng.lognormal(3, 0.5, 2000)

    assert worth(data, float(np.percentile(data, 90)), owner) > 1400


def test_one_stream_bounds_nothing() -> None:
    data = np.arange(1.0, 1000.0)

    effective = worth(data, 500.0, np.zeros(len(data), dtype=np.intp))

    assert effective == 1
    assert estimate(data, 50, effective=effective).value is None


@given(st.integers(6, 300), st.floats(1, 50))
def test_fewer_independent_values_never_make_an_interval_narrower(n: int, shrink: float) -> None:
    ordered = np.arange(1.0, n + 1)
    full, less = estimate(ordered, 50), estimate(ordered, 50, effective=n / shrink)

    if less.low is not None and less.high is not None:
        assert full.low is not None
        assert full.high is not None
        assert less.low <= full.low
        assert less.high >= full.high
