import csv
import io
from collections.abc import Sequence

import numpy as np
import pytest

from harness.measure.objective import parse_objectives
from harness.report import frame
from harness.report.files import flat
from harness.report.report import ordered_routes
from harness.report.tally import Tally, summarise
from harness.report.thresholds import good
from tests.report.folders import answered, blocks, cells, failed, mixed, table
from tests.sample import Sample

TWINS = ("ttfb_ms", "ttft_ms", "ttfo_ms", "inter_chunk_ms", "tpot_ms", "e2e_ms")


def summary_of(rows: Sequence[Sample], *texts: str) -> Tally:
    return summarise(frame.frame(table(rows)), good(parse_objectives(texts)))


def test_each_route_has_every_metric_and_its_scheduled_twin() -> None:
    route = summary_of([answered()]).routes["native"]

    for name in TWINS:
        told = route.latencies[name].document()
        assert {"n", "mean", "p50", "p50_low", "p50_high", "p99"} <= set(told)
        assert f"{name}_scheduled" in route.latencies


def test_percentiles_are_those_of_numpy_over_the_counted_successes() -> None:
    rows = mixed(900)
    wanted = [
        (s.timeline.first_output_ns - s.timeline.sent_ns) / 1e6
        for s in rows
        if s.route == "compat" and s.phase == "steady" and s.timeline.first_output_ns
    ]

    ttft = summary_of(rows).routes["compat"].latencies["ttft_ms"]

    assert ttft.n == len(wanted)
    p95 = ttft.percentiles[95]
    assert p95.value == pytest.approx(np.percentile(wanted, 95))
    assert (p95.low or np.inf) <= (p95.value or np.nan) <= (p95.high or 0.0)
    assert ttft.mean.value == pytest.approx(np.mean(wanted))


def test_a_percentile_of_too_few_samples_is_null_and_says_why() -> None:
    ttft = (
        summary_of([answered(n, ttft_ms=100 + n * 7 % 40) for n in range(40)])
        .routes["native"]
        .latencies["ttft_ms"]
    )

    assert ttft.percentiles[90].value is not None
    assert ttft.percentiles[95].value is None
    assert ttft.percentiles[95].reason == "40 samples: p95 needs 72"


def test_failures_count_in_the_rates_and_not_in_the_latencies() -> None:
    rows = [answered(n, sent_ms=n * 100) for n in range(8)]
    rows += [
        failed(8, sent_ms=800, outcome="cut", message="half an answer"),
        failed(9, sent_ms=900),
    ]

    route = summary_of(rows).routes["native"]

    assert (route.counts.requests, route.counts.ok, route.counts.errors) == (10, 8, 2)
    assert route.counts.error_rate == 0.2
    assert route.counts.error_classes == {"cut": 1, "http_5xx": 1}
    assert route.counts.error_statuses == {"http_5xx": {"502": 1}}
    assert route.counts.error_examples == {"cut": ["half an answer"]}
    assert route.latencies["e2e_ms"].n == 8
    assert route.goodput.share == 0.8


def test_rates_are_over_the_time_of_all_routes() -> None:
    rows = [answered(n, route="native", sent_ms=n * 100) for n in range(10)]
    rows.append(answered(99, route="compat", sent_ms=9869, ttft_ms=100, gaps_ms=[10, 10, 10]))

    routes = summary_of(rows).routes

    assert routes["native"].counts.seconds == pytest.approx(10.0)
    assert routes["native"].counts.rate == pytest.approx(1.0)
    assert routes["compat"].counts.rate == pytest.approx(0.1)


def test_goodput_leaves_out_what_missed_an_objective_or_broke_a_clause() -> None:
    rows = [answered(0, ttft_ms=50), answered(1, ttft_ms=500), answered(2, violations=("x",))]

    route = summary_of(rows, "p95(ttft) < 200ms").routes["native"]

    assert route.goodput.share == pytest.approx(1 / 3)
    assert route.contract.violations == {"x": 1}
    assert route.contract.violation_rate == pytest.approx(1 / 3)


def test_an_objective_of_one_route_does_not_touch_the_goodput_of_another() -> None:
    rows = [answered(0, ttft_ms=500), answered(1, ttft_ms=500, route="compat")]

    routes = summary_of(rows, "p95(ttft{route=compat}) < 200ms").routes

    assert routes["native"].goodput.share == 1
    assert routes["compat"].goodput.share == 0


def test_cache_hits_are_a_share_of_the_answers_that_state_one() -> None:
    rows = [answered(0, cache_status="HIT"), answered(1), answered(2, cache_status=None)]

    assert summary_of(rows).routes["native"].cache_hit_share == 0.5


def test_a_share_of_nothing_is_null() -> None:
    route = summary_of([failed(cache_status=None)]).routes["native"]

    assert route.cache_hit_share is None
    assert route.tokens.output_tokens_per_second is None
    assert route.latencies["ttft_ms"].mean.value is None


def test_the_comparison_does_not_dilute_the_load() -> None:
    found = summary_of([*mixed(90), *blocks(20)])

    assert found.routes_of == ("mixed",)
    assert found.routes["native"].counts.requests == 27
    assert found.scenarios["compare"]["native"].counts.requests == 20


def test_the_comparison_alone_is_the_load() -> None:
    assert summary_of(blocks(20)).routes["compat"].counts.requests == 20


def test_no_rows_give_no_routes() -> None:
    found = summary_of([])

    assert found.requests == 0
    assert found.routes == {}
    assert flat(found.scenarios).count("\n") == 1


def test_routes_come_in_the_usual_order_and_others_after_them() -> None:
    assert ordered_routes({"other", "model", "compat", "native"}) == [
        *("native", "compat", "model", "other")
    ]


def test_the_flat_summary_has_a_row_per_scenario_route_and_metric() -> None:
    head, *rows = csv.reader(io.StringIO(flat(summary_of([*mixed(90), *blocks(20)]).scenarios)))

    assert len(rows) == (3 + 2) * 12
    assert head[:3] == ["scenario", "route", "metric"]
    assert {"n", "p50", "p95_low", "p99_high", "error_rate"} <= set(head)


def test_a_stream_that_a_late_client_read_may_have_come_in_one_piece() -> None:
    late = [
        cells(answered(n, gaps_ms=(0.0, 0.0)), first_output_blur_ns=9_000_000) for n in range(3)
    ]
    rows = [*late, cells(answered(3))]

    route = summarise(frame.frame(table(rows)), good(())).routes["native"]

    assert (route.odd.counts["one_piece"], route.odd.untold) == (0, 3)
    assert (route.odd.shares["one_piece"], route.odd.at_most["one_piece"]) == (0.0, 0.75)
