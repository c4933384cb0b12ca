from collections.abc import Sequence

import numpy as np

from harness.measure.objective import parse_objectives
from harness.report import frame
from harness.report.series import MOST_BINS, TimeSeries, timeline
from harness.report.thresholds import good
from tests.report.folders import answered, blocks, failed, mixed, table
from tests.sample import Sample


def series_of(rows: Sequence[Sample], *wanted: str) -> TimeSeries:
    return timeline(frame.frame(table(rows)), good(parse_objectives(wanted)))


def test_each_second_knows_what_was_sent_finished_and_under_way() -> None:
    rows = [answered(n, sent_ms=n * 500, ttft_ms=900, gaps_ms=[]) for n in range(4)]

    native = series_of(rows).routes["native"]

    assert native.t_s == [0.0, 1.0, 2.0]
    assert native.sent == [2, 2, 0]
    assert native.finished == [1, 2, 1]
    assert native.in_flight == [1, 1, 0]


def test_nothing_is_in_flight_at_the_end_and_nothing_is_lost() -> None:
    rows = mixed(400)

    for columns in series_of(rows).routes.values():
        assert columns.in_flight[-1] == 0
        assert sum(columns.sent) == sum(columns.finished)


def test_a_failure_counts_in_the_second_it_ended_in() -> None:
    rows = [answered(0), failed(1, sent_ms=1980)]

    assert series_of(rows).routes["native"].errors == [0, 0, 1]


def test_good_are_those_sent_in_a_second_that_kept_every_limit_and_clause() -> None:
    rows = [
        *(answered(n, sent_ms=n * 400, ttft_ms=100 + 100 * (n % 2)) for n in range(4)),
        answered(4, sent_ms=1700, violations=("stream.done",)),
        failed(5, sent_ms=1800),
    ]

    native = series_of(rows, "p95(ttft) < 150ms").routes["native"]

    assert native.sent == [3, 3]
    assert native.good == [2, 0]


def test_what_was_refused_with_429_is_counted_apart() -> None:
    rows = [answered(0), failed(1, outcome="rate_limited", sent_ms=1100), failed(2, sent_ms=1200)]

    native = series_of(rows).routes["native"]

    assert native.errors == [0, 2]
    assert native.limited == [0, 1]


def test_a_stream_without_output_for_a_second_stalled() -> None:
    rows = [
        answered(0, gaps_ms=[10, 990, 10]),
        answered(1, gaps_ms=[10, 1000, 10]),
        answered(2, gaps_ms=[]),
        failed(3, outcome="idle_timeout"),
    ]

    assert series_of(rows).routes["native"].stalls == [1, 1]


def test_the_median_of_a_second_is_of_the_requests_sent_in_it() -> None:
    rows = [answered(n, sent_ms=n * 100, ttft_ms=100 + n) for n in range(20)]

    ttft = series_of(rows).routes["native"].latencies["ttft_ms"]

    assert ttft.p50[:2] == [np.median(range(100, 110)), np.median(range(110, 120))]
    assert ttft.p95 == [None] * len(ttft.p50)


def test_a_long_run_has_wider_bins() -> None:
    found = series_of([answered(0), answered(1, sent_ms=3_600_000)])

    assert found.width_s == 13
    assert len(found.routes["native"].t_s) <= MOST_BINS + 1


def test_the_warm_up_is_drawn_and_its_end_known() -> None:
    rows = [answered(0, phase="warmup"), answered(1, sent_ms=2500)]

    assert series_of(rows).steady_from_s == 2.5


def test_the_comparison_is_not_part_of_the_load() -> None:
    assert series_of([*mixed(30), *blocks(5)]).routes["native"].t_s[-1] <= 20


def test_an_empty_run_has_no_series() -> None:
    assert series_of([]).routes == {}
