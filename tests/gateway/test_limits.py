"""Rate limits: fixed windows on the clock, and the sliding estimate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.config import RateLimit
from harness.gateway.limits import Limiter

SECOND = 1_000_000_000
MINUTE = 60 * SECOND


def test_a_fixed_window_starts_at_the_full_minute() -> None:
    limiter = Limiter(RateLimit(2, 60))
    late = 10 * MINUTE + 59 * SECOND

    assert [limiter.admit(late) for _ in range(3)] == [True, True, False]
    assert limiter.admit(11 * MINUTE)


def test_a_sliding_window_remembers_what_is_still_inside() -> None:
    limiter = Limiter(RateLimit(10, 60, "sliding"))
    admitted = [limiter.admit(10 * MINUTE) for _ in range(12)]

    assert admitted == [True] * 10 + [False] * 2
    assert not limiter.admit(11 * MINUTE)
    assert limiter.admit(11 * MINUTE + 30 * SECOND)


def test_a_sliding_window_forgets_after_two_windows() -> None:
    limiter = Limiter(RateLimit(1, 60, "sliding"))
    limiter.admit(10 * MINUTE)

    assert limiter.admit(12 * MINUTE)


def test_refused_requests_count_only_when_told() -> None:
    lenient = Limiter(RateLimit(1, 60, "sliding"))
    strict = Limiter(RateLimit(1, 60, "sliding"), count_refused=True)
    for limiter in (lenient, strict):
        for _ in range(4):
            limiter.admit(10 * MINUTE)

    later = 11 * MINUTE + 31 * SECOND
    assert lenient.admit(later)
    assert not strict.admit(later)


@given(
    st.integers(1, 20),
    st.integers(1, 120),
    st.lists(st.integers(0, 600 * SECOND), max_size=200).map(sorted),
)
def test_a_fixed_window_never_admits_more_than_its_limit(
    limit: int, seconds: int, times: list[int]
) -> None:
    limiter = Limiter(RateLimit(limit, seconds))
    windows: dict[int, int] = {}

    for now in times:
        if limiter.admit(now):
            window = now // (seconds * SECOND)
            windows[window] = windows.get(window, 0) + 1

    assert all(count <= limit for count in windows.values())


@pytest.mark.parametrize("technique", ["fixed", "sliding"])
def test_time_that_runs_backwards_does_no_harm(technique: str) -> None:
    limiter = Limiter(RateLimit(1, 60, technique))

    assert limiter.admit(10 * MINUTE)
    assert limiter.admit(5 * MINUTE)
    assert limiter.admit(-MINUTE)
