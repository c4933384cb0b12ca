"""How late the client is: every time that was due counts, also while nobody looked."""

from hypothesis import given
from hypothesis import strategies as st

from harness.load.clock import PAUSE_NS, PERIOD_NS, LagProbe


def probe() -> LagProbe:
    made = LagProbe(0)
    made.stop()
    return made


def test_five_seconds_of_sleep_are_five_hundred_late_ticks_and_a_pause() -> None:
    lag = probe()

    lag.note(5_000_000_000 + PERIOD_NS)

    assert lag.histogram.count == 501
    assert lag.histogram.max == 5_000_000_000
    assert lag.pauses == [(PERIOD_NS, 5_000_000_000)]


@given(st.lists(st.integers(1, PAUSE_NS // 2), max_size=30))
def test_ticks_are_those_of_the_schedule_however_late_each_is(steps: list[int]) -> None:
    lag, now_ns = probe(), 0

    for step in steps:
        now_ns += step
        lag.note(now_ns)

    assert lag.histogram.count == now_ns // PERIOD_NS
    assert lag.pauses == []
