"""Figures have the bounds that the client could see, and none is given beyond the rule."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.measure.metrics import METRICS
from harness.measure.objective import parse_objectives
from harness.report import frame
from harness.report.build import assemble
from harness.report.quantile import Estimate
from harness.report.sentences import withheld
from harness.report.tally import summarise
from harness.report.thresholds import good
from tests.report.folders import Cells, answered, cells, failed, table, write_run
from tests.sample import Sample

MS = 1_000_000


def summary_of(rows: Sequence[Sample | Cells], *texts: str) -> dict[str, Any]:
    found = summarise(frame.frame(table(rows)), good(parse_objectives(texts)))
    return found.routes["native"].document()


def merged(count: int, *, gap_ms: float = 10.0, reads: int = 2) -> list[Cells]:
    """Streams of evenly spaced outputs of which a late client read `reads` at a time."""
    found = []
    for seq in range(count):
        gaps = [0.0 if n % reads else gap_ms * reads for n in range(1, 20)]
        most = [gap_ms * reads] * len(gaps)
        sample = answered(seq, gaps_ms=gaps, sent_ms=seq * 10)
        low = [0.0] * len(gaps)
        found.append(cells(sample, gap_low_ms=low, gap_high_ms=most, blur_ns=round(gap_ms * MS)))
    return found


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 50 * MS)] * 4), min_size=1, max_size=10),
    st.sampled_from([name for name, metric in METRICS.items() if not metric.many]),
)
def test_a_value_lies_between_its_bounds_whatever_was_blurred(
    blurs: list[tuple[int, int, int, int]], metric: str
) -> None:
    names = ("send_blur_ns", "first_output_blur_ns", "last_output_blur_ns", "done_blur_ns")
    rows = [
        cells(answered(n, scheduled_ms=0.0), **dict(zip(names, blur, strict=True)))
        for n, blur in enumerate(blurs)
    ]

    found = frame.values(frame.frame(table(rows)), metric)

    assert len(found) == len(rows)
    assert (found.low >= 0).all()
    assert (found.low <= found.data).all()
    assert (found.data <= found.high).all()


def test_ttft_is_as_short_as_the_blur_of_both_its_ends_allows() -> None:
    row = cells(answered(scheduled_ms=-5.0), first_output_blur_ns=7 * MS, send_blur_ns=2 * MS)
    rows = frame.frame(table([row]))

    sent, due = (frame.values(rows, name) for name in ("ttft", "ttft_scheduled"))

    assert (sent.low[0], sent.data[0], sent.high[0]) == (91.0, 100.0, 100.0)
    assert (due.low[0], due.data[0], due.high[0]) == (98.0, 105.0, 105.0)


def test_a_percentile_is_within_its_bounds_and_its_interval_holds_them() -> None:
    rng = np.random.default_rng(5)
    rows = [
        cells(answered(n, ttft_ms=float(t)), first_output_blur_ns=round(b * MS))
        for n, (t, b) in enumerate(
            zip(rng.normal(100, 10, 500), rng.uniform(0, 4, 500), strict=True)
        )
    ]

    ttft = summary_of(rows)["ttft_ms"]

    for name in ("p50", "p90", "p95", "p99"):
        assert ttft[f"{name}_at_least"] < ttft[name] == ttft[f"{name}_at_most"]
        assert ttft[f"{name}_low"] <= ttft[f"{name}_at_least"]
        assert ttft[f"{name}_at_most"] <= ttft[f"{name}_high"]
    assert ttft["mean_at_least"] < ttft["mean"]


def test_merged_chunks_give_no_percentile_and_say_between_what_it_lies() -> None:
    route = summary_of(merged(40))

    gaps = route["inter_chunk_ms"]
    assert gaps["p50"] is None
    assert (gaps["p50_at_least"], gaps["p50_at_most"]) == (0.0, 20.0)
    assert "could not see more than that it lies between 0 and 20 ms" in (gaps["reasons"]["p50"])
    assert route["ttft_ms"]["p50"] == 100


def test_chunks_that_the_target_packed_are_zeros_and_real() -> None:
    rows = [
        cells(answered(n, gaps_ms=[20.0, 0.0] * 10), coalesced=10, burst_chunks=10)
        for n in range(40)
    ]

    route = summary_of(rows)

    gaps = route["inter_chunk_ms"]
    assert (gaps["n"], gaps["p50"], gaps["mean"]) == (800, 10.0, 10.0)
    assert route["burst_share"] == pytest.approx(10 / 21)


def test_without_a_reader_that_tells_a_zero_is_as_long_as_the_gap_before_it() -> None:
    rows = frame.frame(table([answered(gaps_ms=[0.0, 10.0, 0.0, 0.0, 5.0], coalesced=3)]))

    gaps = frame.values(rows, "inter_chunk")

    assert gaps.data.tolist() == [0.0, 10.0, 0.0, 0.0, 5.0]
    assert gaps.low.tolist() == [0.0, 0.0, 0.0, 0.0, 5.0]
    assert gaps.high.tolist() == [100.0, 10.0, 10.0, 10.0, 5.0]


def test_streams_do_not_lend_each_other_their_gaps() -> None:
    rows = [answered(0, gaps_ms=[30.0]), answered(1, gaps_ms=[0.0, 2.0]), answered(2, gaps_ms=[])]

    gaps = frame.values(frame.frame(table(rows)), "inter_chunk")

    assert gaps.low.tolist() == [30.0, 0.0, 2.0]
    assert gaps.high.tolist() == [30.0, 100.0, 2.0]


def test_a_file_without_bounds_and_without_merged_chunks_is_exact() -> None:
    rows = frame.frame(table([answered(n) for n in range(10)]))

    gaps = frame.values(rows, "inter_chunk")

    assert (gaps.low == gaps.high).all()


def test_an_objective_on_merged_chunks_is_unknown_and_says_what_to_change(tmp_path: Path) -> None:
    report = assemble(write_run(tmp_path, merged(40), thresholds=["p50(inter_chunk) < 15ms"]))

    assert report.verdict == "unknown"
    assert "use less load, or load with more --processes" in report.reasons[0]


@pytest.mark.parametrize("objective", ["p50(inter_chunk) < 1s", "mean(inter_chunk) > 1s"])
def test_no_objective_is_judged_on_a_figure_that_is_not_given(
    tmp_path: Path, objective: str
) -> None:
    report = assemble(write_run(tmp_path, merged(40), thresholds=[objective]))

    assert report.verdict == "unknown"
    assert "the client could not see more than" in report.reasons[0]


@pytest.mark.parametrize(("limit", "result"), [(90, "fail"), (97, "unknown"), (101, "pass")])
def test_an_objective_stands_where_both_bounds_answer_alike(
    tmp_path: Path, limit: int, result: str
) -> None:
    rows = [cells(answered(n), first_output_blur_ns=4 * MS) for n in range(100)]

    report = assemble(write_run(tmp_path, rows, thresholds=[f"p95(ttft) < {limit}ms"]))

    assert report.verdict == result


def test_goodput_that_hangs_on_uncertain_latencies_is_no_answer(tmp_path: Path) -> None:
    rows = [cells(answered(n, sent_ms=n * 100.0), first_output_blur_ns=4 * MS) for n in range(100)]
    texts = ["p90(ttft) < 98ms", "goodput > 5/s"]

    route = summary_of(rows, *texts)
    report = assemble(write_run(tmp_path, rows, thresholds=texts))

    assert route["goodput_at_least"] == 0 < route["goodput_at_most"]
    assert {each.result for each in report.checked if "goodput" in each.objective} == {"unknown"}


def test_a_failed_request_has_no_bounds() -> None:
    assert len(frame.values(frame.frame(table([failed()])), "ttft")) == 0


def test_no_done_of_an_older_file_is_odd_and_spoils_no_goodput() -> None:
    route = summary_of([answered(0, violations=("no_done",)), answered(1, violations=("x",))])

    assert route["violations"] == {"x": 1}
    assert route["goodput_share"] == 0.5
    assert route["odd"]["no_done"] == 1


def test_statistics_are_named_together_only_where_the_same_withholds_them() -> None:
    route = summarise(frame.frame(table([answered()])), good(())).routes["native"]
    reasons = {50: "between 1 and 2", 90: "between 1 and 2", 95: "between 1 and 2", 99: "elsewhere"}
    blurred = {
        percent: Estimate(None, reason=reason, at_least=1.0, at_most=1.0)
        for percent, reason in reasons.items()
    }
    gaps = replace(route.latencies["inter_chunk_ms"], percentiles=blurred)

    told = list(
        withheld({"native": replace(route, latencies={**route.latencies, "inter_chunk_ms": gaps})})
    )

    assert told == [
        "Inter-chunk on native, p50, p90, p95: between 1 and 2",
        "Inter-chunk on native, p99: elsewhere",
    ]
