"""Schedules of the open loop."""

import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.arrivals import Arrivals, schedule, share

RATES = st.floats(min_value=0.5, max_value=500)
PROCESSES = st.sampled_from(Arrivals)


@given(PROCESSES, RATES, st.integers(0, 2**63))
def test_a_schedule_ascends_and_ends_in_time(process: Arrivals, rate: float, seed: int) -> None:
    due = list(schedule(process, rate=rate, seconds=3.0, seed=seed))

    assert due == sorted(due)
    assert all(0 <= at_ns < 3_000_000_000 for at_ns in due)


@given(PROCESSES, st.integers(0, 2**63))
def test_the_same_seed_gives_the_same_schedule(process: Arrivals, seed: int) -> None:
    first = list(schedule(process, rate=50, seconds=2.0, seed=seed))

    assert first == list(schedule(process, rate=50, seconds=2.0, seed=seed))


@given(PROCESSES, RATES, st.integers(1, 7), st.integers(0, 1000))
def test_the_shares_of_all_workers_are_the_whole_schedule(
    process: Arrivals, rate: float, workers: int, seed: int
) -> None:
    def due() -> list[int]:
        return list(schedule(process, rate=rate, seconds=2.0, seed=seed))

    shares = [share(iter(due()), worker=worker, workers=workers) for worker in range(workers)]

    assert sorted(pair for one in shares for pair in one) == list(enumerate(due()))


def test_constant_arrivals_do_not_drift() -> None:
    due = list(schedule(Arrivals.CONSTANT, rate=3, seconds=1000, seed=0))

    assert len(due) == 3000
    assert due[2999] == int(2999 * 1e9 / 3)


@pytest.mark.parametrize(
    ("process", "shape", "variation"),
    [(Arrivals.POISSON, 1.0, 1.0), (Arrivals.GAMMA, 0.25, 2.0), (Arrivals.GAMMA, 4.0, 0.5)],
)
def test_random_arrivals_have_the_rate_and_the_spread_of_their_process(
    process: Arrivals, shape: float, variation: float
) -> None:
    due = list(schedule(process, rate=1000, seconds=60, seed=1, shape=shape))
    gaps = [later - earlier for earlier, later in pairwise(due)]

    mean = statistics.fmean(gaps)
    assert mean == pytest.approx(1e6, rel=0.03)
    assert statistics.pstdev(gaps) / mean == pytest.approx(variation, rel=0.05)
