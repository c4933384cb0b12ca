"""The draw of the answers that are checked: its budget, its chances, its honesty."""

import random
from collections.abc import Iterator
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.sampling import LEAST, Sampling, allotted

SECOND_NS = 1_000_000_000
TIMES_NS = st.integers(0, 10**9)


def drawn(
    sampling: Sampling, *, gap_ns: int, answers: int, cost_ns: int, start_ns: int = 0
) -> Iterator[float | None]:
    """The draws of clean answers at a steady rate; each that is drawn costs the same."""
    for now_ns in range(start_ns, start_ns + answers * gap_ns, gap_ns):
        probability = sampling.draw("native", now_ns, suspect=False)
        if probability is not None:
            sampling.spent(cost_ns, suspect=False)
        yield probability


def test_every_answer_is_checked_while_there_is_time() -> None:
    draws = list(drawn(Sampling(0), gap_ns=10_000_000, answers=2000, cost_ns=100_000))

    assert set(draws) == {1.0}


@pytest.mark.parametrize("gap_ns", [200_000, 20_000])
@pytest.mark.parametrize("cost_ns", [100_000, 2_000_000])
def test_checks_take_their_share_of_the_time_and_no_more(gap_ns: int, cost_ns: int) -> None:
    answers = 5 * SECOND_NS // gap_ns
    draws = list(drawn(Sampling(0), gap_ns=gap_ns, answers=answers, cost_ns=cost_ns))

    used_ns = cost_ns * sum(draw is not None for draw in draws)

    assert 0.03 < used_ns / (5 * SECOND_NS) < 0.06


def test_a_process_with_time_to_spare_checks_every_answer() -> None:
    idle = Sampling(0, share=0.02, idle=lambda: 0.9, first=0)

    draws = list(drawn(idle, gap_ns=20_000_000, answers=2_000, cost_ns=3_000_000))

    assert set(draws[100:]) == {1.0}


def test_a_busy_process_checks_no_more_than_its_share() -> None:
    busy = Sampling(0, share=0.02, idle=lambda: 0.01, first=0)

    draws = list(drawn(busy, gap_ns=20_000_000, answers=2_000, cost_ns=3_000_000))

    assert 0.01 < sum(draw is not None for draw in draws) * 3_000_000 / (40 * SECOND_NS) < 0.03


def test_a_sudden_crowd_of_answers_uses_little_more_than_the_time_of_one_period() -> None:
    sampling = Sampling(0)
    list(drawn(sampling, gap_ns=100_000_000, answers=50, cost_ns=1_000_000))

    crowd = list(drawn(sampling, gap_ns=1, answers=5000, cost_ns=1_000_000, start_ns=5 * SECOND_NS))

    assert sum(draw is not None for draw in crowd) < 80


def test_the_first_answers_of_each_route_are_always_checked() -> None:
    sampling = Sampling(0, share=0.0, first=3)

    routes = ("native", "model") * 3
    draws = [sampling.draw(route, 5 * SECOND_NS, suspect=False) for route in routes]

    assert draws == [1.0] * 6


def test_suspect_answers_are_checked_before_others() -> None:
    sampling = Sampling(0, first=0)
    draws: dict[bool, list[float | None]] = {True: [], False: []}
    for number in range(100_000):
        suspect = number % 200 == 0
        draw = sampling.draw("native", number * 50_000, suspect=suspect)
        if draw is not None:
            sampling.spent(100_000, suspect=suspect)
        draws[suspect].append(draw)

    assert all(draw == 1.0 for draw in draws[True])
    assert None in draws[False]


def test_the_same_inputs_give_the_same_draws() -> None:
    first, second = (
        list(drawn(Sampling(0, seed=7), gap_ns=10_000, answers=9000, cost_ns=90_000))
        for _ in range(2)
    )

    assert first == second


def test_weighted_by_its_probability_the_sample_gives_the_rate_of_all() -> None:
    """Violations come while the target is busy, where fewer are checked."""
    weighted, plain = zip(*(estimates(seed) for seed in range(10)), strict=True)

    assert fmean(weighted) == pytest.approx(0.2 * 20 / 21, rel=0.05)
    assert fmean(plain) < 0.15


def estimates(seed: int) -> tuple[float, float]:
    """The rate of violations by weight and by number; 2 s in 4 are 20 times as busy as the rest."""
    dice = random.Random(f"{seed}")  # noqa: S311 - no secret
    sampling, now_ns = Sampling(0, seed=seed), 0
    weights: dict[bool, list[float]] = {True: [], False: []}
    while now_ns < 40 * SECOND_NS:
        busy = now_ns % (4 * SECOND_NS) >= 2 * SECOND_NS
        now_ns += 100_000 if busy else 2_000_000
        probability = sampling.draw("native", now_ns, suspect=False)
        if probability is not None:
            sampling.spent(200_000, suspect=False)
            weights[busy and dice.random() < 0.2].append(1 / probability)
    broken, kept = weights[True], weights[False]
    by_number = len(broken) / (len(broken) + len(kept))
    return sum(broken) / (sum(broken) + sum(kept)), by_number


@given(TIMES_NS, TIMES_NS, TIMES_NS)
def test_what_is_allotted_is_allowed_and_leaves_nobody_out(
    allowed_ns: float, suspect_ns: float, clean_ns: float
) -> None:
    suspect, clean = allotted(allowed_ns, suspect_ns=suspect_ns, clean_ns=clean_ns)

    assert 0 <= suspect <= 1
    assert 0 <= clean <= 1
    assert suspect * suspect_ns + clean * clean_ns <= allowed_ns + 0.001
    assert suspect == 1 or suspect * suspect_ns >= allowed_ns / 2 - 0.001
    assert clean == 1 or clean * clean_ns >= allowed_ns / 2 - 0.001


def test_no_answer_is_out_of_reach() -> None:
    sampling = Sampling(0, share=0.0, first=0)

    draws = list(drawn(sampling, gap_ns=100, answers=50_000, cost_ns=9))

    assert LEAST in draws
