"""The one rule on whether the measuring side could have changed an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.validity import blurred, could_change, kernel_times, not_sent


@pytest.mark.parametrize(
    ("value", "at_least", "at_most", "given"),
    [
        (10.0, 10.0, 10.0, True),
        (10.0, 9.0, 10.0, True),
        (10.0, 8.9, 10.0, False),
        (1000.0, 950.0, 1000.0, True),
        (1000.0, 949.0, 1000.0, False),
        (20.0, 0.0, 20.0, False),
    ],
)
def test_a_figure_is_given_where_its_bounds_are_within_a_twentieth_or_a_millisecond(
    value: float, at_least: float, at_most: float, given: bool
) -> None:
    assert (blurred(value, at_least, at_most) is None) is given


def test_a_figure_that_is_not_given_says_its_bounds_and_what_to_change() -> None:
    said = blurred(20.0, 10.0, 20.0) or ""

    assert "between 10 and 20 ms" in said
    assert "--processes" in said


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e3))
def test_an_answer_stands_exactly_where_both_ends_give_it(
    one: float, other: float, limit: float, error: float
) -> None:
    low, high = sorted((one, other))

    doubt = could_change(lambda value: value < limit, low, high, error=error)

    assert (doubt is None) == ((low - error < limit) == (high + error < limit))


def test_a_limit_within_the_clients_own_error_names_that_error() -> None:
    said = could_change(lambda value: value < 10.05, 10.0, 10.0, error=0.1) or ""

    assert "error of up to 0.1 ms could have changed the answer" in said


def test_a_load_that_was_sent_whole_is_the_one_that_was_asked_for() -> None:
    assert not_sent(dropped=0, limited=0, in_flight=10) is None


def test_what_was_not_sent_names_the_bound_that_kept_it() -> None:
    dropped = not_sent(dropped=1200, limited=0, in_flight=64) or ""
    limited = not_sent(dropped=0, limited=1, in_flight=None, said="too many open files") or ""

    assert dropped.startswith("1,200 requests were dropped at --in-flight 64, or too late")
    assert limited.startswith(
        "1 request was not sent for a limit of the client (too many open files): "
    )


def test_one_read_in_a_hundred_may_be_without_the_kernel_s_stamp() -> None:
    assert kernel_times(unstamped=1, reads=100)
    assert not kernel_times(unstamped=2, reads=100)
    assert kernel_times(unstamped=0, reads=0)
