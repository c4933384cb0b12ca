"""What is measured before a load, and what follows from it: pure, with made-up times."""

import json
import math
from array import array
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.calibration import (
    MOST_CHUNKS_PER_S,
    MOST_STREAMS,
    RATE_SHARE,
    SLICE_NS,
    Ask,
    CalibrationError,
    CalibrationRow,
    Course,
    Effort,
    NoiseFloor,
    Quantiles,
    ServedAnswer,
    allowed_ms,
    beyond,
    course_of,
    highest_rate,
    noise_floor,
    quantiles,
    read_record,
    streams_of,
)
from harness.load.plan import LoadPlan
from harness.routes.address import Address

PLAN = LoadPlan(run_id="r", folder="/f", address=Address("http://h", "a", "g"), model="m")
FLOOR = NoiseFloor(
    ttft_ms=Quantiles(0.01, 0.05),
    inter_chunk_ms=Quantiles(0.02, 0.06),
    e2e_ms=Quantiles(0.03, 0.07),
    cpu_us_per_request=200.0,
    cpu_us_per_chunk=20.0,
    cpu_share=0.3,
    max_rate=4000.0,
    streams=10,
    chunks_per_second=900.0,
)
EFFORT = Effort(
    burst_ended_ns=[at * 1_000_000 for at in range(200)],
    burst_cpu_s=0.1,
    course_s=0.5,
    course_cpu_s=0.25,
)
COURSE = Course(streams=2, rounds=5, ask=Ask(20_000, 10_000, 4, stream=True))

delays = st.integers(0, 5_000_000)


def _served(rid: int) -> ServedAnswer:
    received_ns = 1_000_000_000 + rid * 3_000_000
    return ServedAnswer(
        received_ns, [received_ns + 20_000_000 + at * 10_000_000 for at in range(4)]
    )


def _row(rid: int, *, first_ns: int = 0, last_ns: int = 0, clock_ns: int = 0) -> CalibrationRow:
    """The answer as seen by a client that is so late with the first and the last chunk."""
    served = _served(rid)
    seen = list(served.sent_ns)
    seen[0] += first_ns
    seen[-1] += last_ns
    gaps = [(later - earlier) / 1e6 for earlier, later in pairwise(seen)]
    sent_ns = served.received_ns + clock_ns
    return CalibrationRow(rid, sent_ns, seen[0] + clock_ns, seen[-1] + clock_ns, gaps)


def _floor(
    rows: list[CalibrationRow], *, course: Course = COURSE, effort: Effort = EFFORT
) -> NoiseFloor:
    return noise_floor(course, rows, {row.rid: _served(row.rid) for row in rows}, effort)


def test_a_client_that_saw_what_was_sent_has_no_error() -> None:
    floor = _floor([_row(rid) for rid in range(10)])

    assert floor.ttft_ms == floor.inter_chunk_ms == floor.e2e_ms == Quantiles(0.0, 0.0)


@given(late=st.lists(st.tuples(delays, delays), min_size=10, max_size=10), clock_ns=delays)
def test_errors_are_the_lateness_of_each_moment(late: list[tuple[int, int]], clock_ns: int) -> None:
    rows = [
        _row(rid, first_ns=first, last_ns=last, clock_ns=clock_ns)
        for rid, (first, last) in enumerate(late)
    ]

    floor = _floor(rows)

    first, last = (np.array(which) / 1e6 for which in zip(*late, strict=True))
    gaps = np.concatenate([first, np.zeros(10), last])
    for found, errors in ((floor.ttft_ms, first), (floor.e2e_ms, last)):
        assert found.p50 == pytest.approx(np.quantile(errors, 0.5), abs=1e-6)
        assert found.p99 == pytest.approx(np.quantile(errors, 0.99), abs=1e-6)
    assert floor.inter_chunk_ms.p99 == pytest.approx(np.quantile(gaps, 0.99), abs=1e-6)


@given(st.permutations(range(10)))
def test_the_order_of_the_rows_does_not_matter(order: list[int]) -> None:
    rows = [_row(rid, first_ns=rid * 1000) for rid in range(10)]

    assert _floor([rows[place] for place in order]) == _floor(rows)


def test_costs_are_shared_out_between_requests_and_chunks() -> None:
    floor = _floor([_row(rid) for rid in range(10)])

    assert floor.cpu_us_per_request == pytest.approx(500)
    assert floor.cpu_us_per_chunk == pytest.approx((250_000 - 10 * 500) / 40)
    assert floor.cpu_share == pytest.approx(0.5)
    assert floor.chunks_per_second == pytest.approx(80)


def test_plain_answers_have_no_time_between_chunks() -> None:
    course = Course(1, 2, Ask(20_000))
    record = {rid: ServedAnswer(0, [20_000_000]) for rid in range(2)}
    rows = [CalibrationRow(rid, 0, 21_000_000, 21_000_000) for rid in range(2)]

    floor = noise_floor(course, rows, record, EFFORT)

    assert floor.ttft_ms == floor.e2e_ms == Quantiles(1.0, 1.0)
    assert floor.inter_chunk_ms == Quantiles(None, None)
    assert (floor.cpu_us_per_chunk, floor.chunks_per_second) == (None, 0)


@pytest.mark.parametrize(
    "rows",
    [
        [_row(rid) for rid in range(9)],
        [*(_row(rid) for rid in range(9)), replace(_row(9), gaps_ms=[10.0])],
        [*(_row(rid) for rid in range(9)), replace(_row(0), rid=77)],
    ],
    ids=["lost", "cut", "unknown"],
)
def test_answers_that_did_not_come_back_whole_leave_the_floor_unknown(
    rows: list[CalibrationRow],
) -> None:
    record = {rid: _served(rid) for rid in range(10)}

    with pytest.raises(CalibrationError, match="1 of 10 answers"):
        noise_floor(COURSE, rows, record, EFFORT)


@given(
    st.lists(
        st.tuples(st.integers(-1, 2**60), st.lists(st.integers(0, 2**62), max_size=5)),
        max_size=20,
        unique_by=lambda one: one[0],
    )
)
def test_a_record_is_read_as_it_was_written(requests: list[tuple[int, list[int]]]) -> None:
    numbers = array("q")
    for rid, times in requests:
        numbers.extend((rid, 5, len(times), *times))

    found = read_record(numbers.tobytes())

    assert {rid: (one.received_ns, list(one.sent_ns)) for rid, one in found.items()} == {
        rid: (5, times) for rid, times in requests if rid >= 0
    }


@given(st.lists(st.floats(-1e3, 1e3), min_size=1))
def test_quantiles_are_of_absolute_errors_and_ordered(errors: list[float]) -> None:
    found = quantiles(errors)

    assert found == quantiles(-error for error in errors)
    assert found.p50 is not None
    assert found.p99 is not None
    assert 0 <= found.p50 <= found.p99 <= max(abs(error) for error in errors)


def test_a_pause_in_the_burst_does_not_lower_the_highest_rate() -> None:
    steady = [at * 500_000 for at in range(400)]
    paused = [at_ns + (100_000_000 if at_ns > 100_000_000 else 0) for at_ns in steady]

    assert highest_rate(paused) == highest_rate(steady) == pytest.approx(2000)


@given(st.lists(st.integers(0, 10 * SLICE_NS), min_size=1), st.integers(0, 2**60))
def test_the_highest_rate_is_finite_and_does_not_depend_on_the_clock(
    ended_ns: list[int], clock_ns: int
) -> None:
    rate = highest_rate(ended_ns)

    assert 0 < rate < math.inf
    assert highest_rate([at + clock_ns for at in reversed(ended_ns)]) == rate


@given(
    users=st.integers(1, 50_000),
    rate=st.none() | st.floats(0.01, 1e6),
    workers=st.integers(1, 64),
    tokens=st.integers(1, 100_000),
    stream=st.booleans(),
)
def test_every_plan_is_measured_in_a_second_within_the_bounds(
    users: int, rate: float | None, workers: int, tokens: int, stream: bool
) -> None:
    plan = replace(
        PLAN,
        users=users,
        rate=rate,
        workers=workers,
        max_output_tokens=tokens,
        stream=stream,
    )

    course = course_of(plan)

    ask = course.ask
    assert 1 <= course.streams <= min(streams_of(plan), MOST_STREAMS)
    assert 1 <= ask.chunks <= tokens
    assert ask.gap_us == 0 or course.streams * 1e6 / ask.gap_us <= MOST_CHUNKS_PER_S
    assert course.rounds * ask.length_us + course.spread_us <= 1_000_000


@pytest.mark.parametrize(
    ("fields", "streams"),
    [
        ({"users": 10}, 10),
        ({"users": 10, "workers": 4}, 3),
        ({"users": 1, "workers": 4}, 1),
        ({"rate": 10.0, "max_output_tokens": 70}, 10),
        ({"rate": 10.0, "max_output_tokens": 70, "workers": 2}, 5),
        ({"rate": 1e6}, 400),
        ({"rate": 1e6, "in_flight": 20}, 20),
        ({"rate": 0.001}, 1),
    ],
)
def test_requests_at_once_are_the_share_of_one_process(
    fields: dict[str, Any], streams: int
) -> None:
    assert streams_of(replace(PLAN, **fields)) == streams


def test_a_plan_that_was_reached_is_let_through() -> None:
    assert beyond(replace(PLAN, users=10), FLOOR) is None
    assert beyond(replace(PLAN, rate=FLOOR.max_rate * RATE_SHARE, in_flight=10), FLOOR) is None


@pytest.mark.parametrize(
    ("fields", "changes", "asked", "advice"),
    [
        (
            {"users": 2000},
            {"streams": 1000},
            "2000 requests at once for one process, 1000 were measured",
            "use --processes 2",
        ),
        (
            {"rate": 3000.0, "in_flight": 10},
            {},
            "3,000 requests/s for one process, which sends 4,000 back to back",
            "use --processes 2",
        ),
        (
            {"rate": 9000.0, "in_flight": 30, "workers": 3},
            {},
            "3,000 requests/s for one process",
            "use --processes 5",
        ),
        (
            {"users": 10},
            {"ttft_ms": Quantiles(0.1, 1.5), "cpu_share": 0.95},
            "whose TTFT was then 1.5 ms off at p99, with 95% of a core used",
            "use --processes 2",
        ),
        (
            {"users": 10},
            {"inter_chunk_ms": Quantiles(0.1, 9.0), "cpu_share": 0.7},
            "whose inter-chunk time was then 9.0 ms off at p99",
            "use --processes 2",
        ),
        (
            {"users": 10},
            {"e2e_ms": Quantiles(0.1, 20.0), "cpu_share": 0.7},
            "whose E2E was then 20.0 ms off at p99",
            "use --processes 2",
        ),
    ],
)
def test_a_plan_beyond_what_was_reached_is_told_with_advice(
    fields: dict[str, Any], changes: dict[str, Any], asked: str, advice: str
) -> None:
    said = beyond(replace(PLAN, **fields), replace(FLOOR, **changes))

    assert said is not None
    assert asked in said
    assert advice in said
    assert said.endswith("or less load")


def test_a_client_that_errs_at_leisure_is_no_reason_for_more_processes() -> None:
    disturbed = replace(FLOOR, ttft_ms=Quantiles(1.0, 50.0), cpu_share=0.2)

    assert beyond(replace(PLAN, users=10), disturbed) is None


def test_an_error_may_be_a_millisecond_or_five_percent() -> None:
    assert (allowed_ms(2.0), allowed_ms(20.0), allowed_ms(1000.0)) == (1.0, 1.0, 50.0)


def test_a_noise_floor_is_plain_json() -> None:
    found = json.loads(json.dumps(FLOOR.to_dict()))

    assert found["ttft_ms"] == {"p50": 0.01, "p99": 0.05}
    assert (found["max_rate"], found["streams"]) == (4000.0, 10)
