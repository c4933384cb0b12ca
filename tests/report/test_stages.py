"""Objectives of a load by stages: each stage is judged by itself."""

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.report import markdown, page, terminal
from harness.report.build import assemble
from harness.report.report import Report
from harness.report.sentences import pacing
from tests.report.folders import Cells, answered, cells, failed, write_run
from tests.sample import Sample

STAGES = ({"seconds": 10, "begin": 10, "end": 10}, {"seconds": 10, "begin": 20, "end": 60})


def loaded(
    folder: Path, *thresholds: str, slow_ms: float = 100.0, rows: Sequence[Sample | Cells] = ()
) -> Report:
    """Two stages, of which the second has its own TTFT."""
    first = [_sent(n, n * 100.0, stage=1, ttft_ms=100.0 + n % 7) for n in range(100)]
    second = [
        _sent(100 + n, 10_000.0 + n * 25.0, stage=2, ttft_ms=slow_ms + n % 7) for n in range(400)
    ]
    plan = {"stages": STAGES, "arrivals": "constant"}
    return assemble(
        write_run(folder, [*first, *second, *rows], thresholds=thresholds, rate=60, plan=plan)
    )


def _sent(seq: int, at_ms: float, **changes: Any) -> Sample:
    return answered(seq, scheduled_ms=at_ms, sent_ms=at_ms, **changes)


def test_a_stage_that_certainly_misses_turns_the_verdict_and_is_named(tmp_path: Path) -> None:
    report = loaded(tmp_path, "p95(ttft) < 800ms", slow_ms=900.0)

    results = {(each.objective, each.stage): each.result for each in report.checked}
    assert results["p95(ttft) < 800ms", 1] == "pass"
    assert results["p95(ttft) < 800ms", 2] == "fail"
    assert report.verdict == "fail"
    missed = "p95(ttft) < 800ms missed on native: 906 ms"
    assert report.reasons == (missed, f"stage 2 (20 to 60/s): {missed}")


def test_a_stage_stands_by_itself_where_the_whole_load_measured_the_same(tmp_path: Path) -> None:
    report = loaded(tmp_path, "p95(ttft) < 50ms", slow_ms=100.0)

    assert len({each.measured for each in report.checked}) == 1
    assert len(report.reasons) == 3
    assert [reason.count("p95(ttft)") for reason in report.reasons] == [1, 1, 1]


def test_a_load_whose_stages_all_keep_an_objective_passes(tmp_path: Path) -> None:
    report = loaded(tmp_path, "p95(ttft) < 800ms")

    assert report.verdict == "pass", report.reasons
    assert [each.stage for each in report.checked] == [None, 1, 2]


def test_a_stage_without_an_answer_leaves_the_run_unknown(tmp_path: Path) -> None:
    report = loaded(tmp_path, "p99(ttft) < 800ms")

    results = {each.stage: each.result for each in report.checked}
    assert results == {None: "pass", 1: "unknown", 2: "pass"}
    assert report.verdict == "unknown"
    assert report.reasons[0].startswith("stage 1 (10/s): p99(ttft) < 800ms cannot be judged")


def test_a_rate_is_judged_over_all_stages_together(tmp_path: Path) -> None:
    report = loaded(tmp_path, "rate > 10/s")

    assert [(each.stage, each.result) for each in report.checked] == [(None, "pass")]


def test_the_default_on_errors_names_the_stage_in_which_requests_failed(tmp_path: Path) -> None:
    rows = [
        cells(failed(900 + n, sent_ms=12_000.0 + n), stage=2, scheduled_ns=None) for n in range(30)
    ]
    report = loaded(tmp_path, rows=rows)

    found = [(each.stage, each.result) for each in report.checked]
    assert found == [(None, "fail"), (2, "fail")]


def test_requests_dropped_in_one_stage_leave_the_other_judged(tmp_path: Path) -> None:
    rows = [
        cells(_sent(900 + n, 15_000.0 + n, stage=2, outcome="dropped"), sent_ns=None)
        for n in range(3)
    ]
    report = loaded(tmp_path, "p95(ttft) < 800ms", rows=rows)

    results = {each.stage: each.result for each in report.checked}
    assert results == {None: "unknown", 1: "pass", 2: "unknown"}


def test_every_view_has_a_row_for_each_stage(tmp_path: Path) -> None:
    report = loaded(tmp_path, "p95(ttft) < 800ms", slow_ms=900.0)
    printed = StringIO()
    Console(width=160, file=printed).print(terminal.render(report))

    for text in (page.render(report), markdown.render(report), printed.getvalue()):
        assert "stage 2 (20 to 60/s): p95(ttft)" in text
    (stage,) = (each for each in report.document()["objectives"] if each["stage"] == 2)
    assert (stage["level"], stage["result"]) == ("20 to 60/s", "fail")


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ({"stages": STAGES, "arrivals": "constant"}, "requests/s in the mean of all stages had"),
        ({"stages": STAGES, "arrivals": "poisson"}, "requests/s, as the chances fell, had"),
        ({"trace": "t.jsonl", "arrivals": "constant"}, "requests/s, as the trace has them, had"),
    ],
)
def test_the_pacing_says_why_the_times_between_requests_differ(
    plan: dict[str, Any], told: str, tmp_path: Path
) -> None:
    rows = [_sent(n, n * 10.0 + 5.0 * (n > 50), stage=1 + (n > 50)) for n in range(100)]
    report = assemble(write_run(tmp_path, rows, rate=60, plan=plan))

    said = pacing(report.summary.pacing) or ""

    assert told in said
    assert ("Kolmogorov" in said) == (plan["arrivals"] != "constant" or "trace" in plan)
