"""The schedule of the upstream's outputs."""

from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.rng import Rng
from harness.gateway.timing import Stall, Timing

MS = 1_000_000
TIMINGS = st.builds(
    Timing,
    ttft_ns=st.integers(0, 10**10),
    itl_ns=st.integers(0, 10**9),
    jitter=st.floats(0, 1),
    stalls=st.lists(st.builds(Stall, st.integers(0, 50), st.integers(0, 10**10))).map(tuple),
)


@given(TIMINGS, st.integers(1, 100), st.integers())
def test_times_never_decrease_and_depend_on_the_seed_alone(
    timing: Timing, count: int, seed: int
) -> None:
    times = timing.schedule(count, Rng(seed))

    assert times == sorted(times)
    assert len(times) == count
    assert times == timing.schedule(count, Rng(seed))


def test_without_jitter_the_schedule_is_exact() -> None:
    times = Timing(ttft_ns=50 * MS, itl_ns=10 * MS).schedule(4, Rng(0))

    assert times == [50 * MS, 60 * MS, 70 * MS, 80 * MS]


def test_a_stall_delays_all_that_follows() -> None:
    timing = Timing(ttft_ns=0, itl_ns=1, stalls=(Stall(2, 1000),))

    assert timing.schedule(4, Rng(0)) == [0, 1, 1002, 1003]


def test_an_answer_without_output_has_one_time() -> None:
    assert Timing(ttft_ns=7).schedule(0, Rng(0)) == [7]


def test_an_extra_delay_belongs_to_its_route() -> None:
    timing = Timing(route_extra_ns=(("compat", 5),))

    assert (timing.extra_ns("compat"), timing.extra_ns("native")) == (5, 0)
