"""Loads by stages: what is read, when requests are due, and who sends in a closed loop."""

import math
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.load.arrivals import Arrivals, schedule, staged
from harness.load.budget import estimate
from harness.load.plan import LoadPlan, plan_of
from harness.load.stages import (
    LoadStage,
    length_s,
    level_at,
    parse_stages,
    peak,
    room_in_s,
    stage_at,
    with_warmup,
)
from harness.routes.address import Address

STEPS = (LoadStage(30.0, 5.0, 5.0), LoadStage(60.0, 20.0, 20.0), LoadStage(10.0, 60.0, 60.0))
LEVELS = st.floats(0, 50)
STAGES = st.lists(
    st.builds(LoadStage, seconds=st.floats(0.1, 5), begin=LEVELS, end=LEVELS),
    min_size=1,
    max_size=5,
)


def test_stages_are_lengths_and_rates() -> None:
    assert parse_stages("30s:5, 1m:20,10s : 60") == (STEPS, False)
    assert parse_stages("500ms:0.5-20") == ((LoadStage(0.5, 0.5, 20.0),), False)
    assert parse_stages("10s:5u, 10s:5-20u") == ((LoadStage(10, 5, 5), LoadStage(10, 5, 20)), True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected LENGTH:RATE"),
        ("30s", "expected LENGTH:RATE"),
        ("30:5", "expected LENGTH:RATE"),
        ("30s:5,", "expected LENGTH:RATE"),
        ("30s:-5", "expected LENGTH:RATE"),
        ("30s:5, 30s:5u", "either all levels are rates"),
        ("30s:2.5u", "whole numbers"),
        ("0s:5", "length above 0"),
        ("30s:0", "no stage has a level above 0"),
    ],
)
def test_what_is_no_list_of_stages_is_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_stages(text)


def test_a_constant_rate_changes_at_each_stage() -> None:
    due = [at_ns / 1e9 for at_ns in staged(Arrivals.CONSTANT, STEPS, seed=0)]

    counts = Counter(stage_at(STEPS, at_s) for at_s in due)

    assert counts == {0: 150, 1: 1200, 2: 600}
    assert due[:3] == [0.0, 0.2, 0.4]
    assert due[150] == pytest.approx(30.0)
    assert due[151] == pytest.approx(30.05)


def test_a_rising_rate_has_its_mean_in_its_middle() -> None:
    due = [
        at_ns / 1e9 for at_ns in staged(Arrivals.CONSTANT, (LoadStage(10.0, 0.0, 20.0),), seed=0)
    ]

    assert len(due) == 100
    assert sum(at_s < 5.0 for at_s in due) == 25
    assert due[1] == pytest.approx(1.0)


@pytest.mark.parametrize("process", [Arrivals.POISSON, Arrivals.GAMMA])
def test_chance_has_the_rate_of_each_stage(process: Arrivals) -> None:
    stages = (LoadStage(100.0, 10.0, 10.0), LoadStage(100.0, 40.0, 40.0))

    counts = Counter(
        stage_at(stages, at_ns / 1e9)
        for seed in range(10)
        for at_ns in staged(process, stages, seed=seed, shape=2.0)
    )

    assert counts[0] / 10_000 == pytest.approx(1.0, abs=0.05)
    assert counts[1] / 40_000 == pytest.approx(1.0, abs=0.03)


@given(st.sampled_from(Arrivals), STAGES, st.integers(0, 2**63))
def test_a_staged_schedule_ascends_and_ends_in_time(
    process: Arrivals, stages: list[LoadStage], seed: int
) -> None:
    due = list(staged(process, stages, seed=seed))

    assert due == sorted(due)
    assert all(0 <= at_ns <= length_s(stages) * 1e9 for at_ns in due)
    if process is Arrivals.CONSTANT:
        assert abs(len(due) - sum(stage.many for stage in stages)) <= 1


@given(st.floats(0.5, 200), st.floats(0.1, 3))
def test_one_stage_is_the_plain_schedule(rate: float, seconds: float) -> None:
    due = list(staged(Arrivals.CONSTANT, (LoadStage(seconds, rate, rate),), seed=0))
    plain = list(schedule(Arrivals.CONSTANT, rate=rate, seconds=seconds, seed=0))

    assert abs(len(due) - len(plain)) <= 1
    assert all(abs(one - other) <= 2 for one, other in zip(due, plain, strict=False))


@given(STAGES, st.floats(0, 1))
def test_a_level_lies_between_the_ends_of_its_stage(stages: list[LoadStage], part: float) -> None:
    at_s = part * length_s(stages)
    stage = stages[stage_at(stages, at_s)]

    level = level_at(stages, at_s)

    assert min(stage.begin, stage.end) - 1e-9 <= level <= max(stage.begin, stage.end) + 1e-9


def test_the_warm_up_runs_at_the_first_level() -> None:
    assert with_warmup(STEPS, 5.0) == (LoadStage(5.0, 5.0, 5.0), *STEPS)
    assert with_warmup(STEPS, 0.0) == STEPS
    assert level_at(STEPS, -3.0) == 5.0
    assert (peak(STEPS), length_s(STEPS)) == (60.0, 100.0)


def test_a_plan_with_stages_travels_and_its_estimate_is_theirs() -> None:
    plan = LoadPlan(
        run_id="r",
        folder="/f",
        address=Address("https://h"),
        model="m",
        rate=60.0,
        duration_s=100.0,
        warmup_s=5.0,
        stages=STEPS,
    )

    assert plan_of({k: v for k, v in plan.to_dict().items() if k != "schema_version"}) == plan
    assert "at most 1975 requests" in estimate(plan)
    assert "at most 6300 requests" in estimate(replace(plan, stages=()))


def test_a_user_without_room_waits_for_the_stage_that_has_it() -> None:
    stages = (LoadStage(10.0, 2.0, 2.0), LoadStage(10.0, 2.0, 12.0), LoadStage(5.0, 1.0, 1.0))

    assert room_in_s(stages, 2, 4.0) == 6.0
    assert room_in_s(stages, 7, 4.0) == 11.0
    assert room_in_s(stages, 7, -2.0) == 17.0
    assert room_in_s(stages, 12, 4.0) is None
    assert room_in_s(stages, 5, 21.0) is None


@given(STAGES, st.integers(0, 60), st.floats(-1, 20))
def test_after_that_wait_there_is_room(stages: list[LoadStage], place: int, at_s: float) -> None:
    wait_s = room_in_s(stages, place, at_s)

    if wait_s is None:
        moments = [at_s + step * 0.01 for step in range(2500)]
        inside = [moment for moment in moments if at_s <= moment < length_s(stages)]
        assert all(level_at(stages, moment) <= place for moment in inside if moment >= 0)
    else:
        assert level_at(stages, at_s + wait_s + 1e-6) >= place - 1e-3


def test_what_is_later_than_the_end_is_of_the_last_stage() -> None:
    assert stage_at(STEPS, 1e6) == 2
    assert not math.isnan(level_at(STEPS, 1e6))
