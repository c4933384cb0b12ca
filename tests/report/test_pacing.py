"""An open loop is judged by what it asked of itself."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.report import frame
from harness.report.build import assemble
from harness.report.pacing import distance, pacing
from harness.report.report import Lags
from tests.report.folders import Cells, answered, dropped, table, write_run, write_worker
from tests.sample import Sample

TIMES = st.lists(st.floats(0, 100), min_size=4, max_size=60)
THRESHOLDS = ("p50(ttft) < 1s", "p50(ttft_scheduled) < 1s", "error_rate < 2%")


def paced(lags_ms: Sequence[float], *, gap_ms: float = 10.0) -> list[Sample]:
    """Requests due every `gap_ms`, each sent so late."""
    return [
        answered(n, scheduled_ms=n * gap_ms, sent_ms=n * gap_ms + lag)
        for n, lag in enumerate(lags_ms)
    ]


@given(TIMES, TIMES)
def test_the_distance_is_kolmogorovs(one: list[float], other: list[float]) -> None:
    expected = stats.ks_2samp(one, other, method="asymp").statistic

    assert distance(np.array(one), np.array(other)) == pytest.approx(expected)


def test_a_load_that_left_on_time_is_right() -> None:
    found = pacing(frame.frame(table(paced([0.5] * 200))))

    assert found is not None
    assert (found.asked_rate, found.achieved_rate) == (100.0, 100.0)
    assert found.start_lag_ms == Lags(0.5, 0.5, 0.5)
    assert found.distance == 0
    assert (found.rate_off, found.late) == (None, None)


def test_a_closed_loop_has_no_pacing() -> None:
    assert pacing(frame.frame(table([answered(n) for n in range(9)]))) is None


def test_a_client_that_falls_behind_did_not_keep_the_rate() -> None:
    found = pacing(frame.frame(table(paced([n * 1.0 for n in range(200)]))))

    assert found is not None
    assert found.achieved_rate == pytest.approx(91, abs=1)
    assert "did not keep the rate: it sent" in (found.rate_off or "")


def test_a_client_that_stood_still_did_not_keep_the_schedule() -> None:
    stood = [0.0] * 100 + [2_000.0 - n * 10.0 for n in range(200)] + [0.0] * 100

    found = pacing(frame.frame(table(paced(stood))))

    assert found is not None
    assert "did not keep the times of the schedule: requests started 1.96 s" in (
        found.rate_off or ""
    )


def test_one_request_that_left_late_changes_no_rate() -> None:
    found = pacing(frame.frame(table(paced([0.0] * 400 + [500.0]))))

    assert found is not None
    assert found.rate_off is None


def test_late_starts_leave_open_what_counts_from_send(tmp_path: Path) -> None:
    rows = paced([0.0] * 100 + [50.0] * 10 + [0.0] * 90)
    report = assemble(write_run(tmp_path, rows, thresholds=THRESHOLDS))

    results = {each.objective: each.result for each in report.checked}
    assert results == dict(zip(THRESHOLDS, ("unknown", "pass", "pass"), strict=True))
    assert "requests started 50.0 ms late at p99, 2.00 ms are allowed" in report.reasons[0]


def test_what_the_client_started_late_is_not_held_against_the_target(tmp_path: Path) -> None:
    rows = paced([0.0] * 150 + [900.0] * 50)
    report = assemble(write_run(tmp_path, rows, thresholds=["p95(ttft_scheduled) < 500ms"]))

    (each,) = (one for one in report.checked if "scheduled" in one.objective)
    assert each.result == "unknown"


def test_a_rate_that_was_not_kept_leaves_everything_open(tmp_path: Path) -> None:
    rows = paced([n * 1.0 for n in range(200)])
    report = assemble(write_run(tmp_path, rows, thresholds=["p50(ttft_scheduled) < 1ms"]))

    assert report.verdict == "unknown"
    assert report.reasons[0].startswith("the client did not keep the rate")


def test_a_run_with_drops_is_unknown_and_names_the_bound(tmp_path: Path) -> None:
    rows: list[Sample | Cells] = [*paced([0.0] * 197)]
    rows += (dropped(n, scheduled_ms=n * 10) for n in (197, 198, 199))
    report = assemble(
        write_run(tmp_path, rows, thresholds=["p50(ttft) < 1ms"], rate=100, in_flight=64)
    )

    counts = report.summary.routes["native"].counts
    assert (counts.errors, counts.error_rate, counts.own) == (0, 0.0, {"dropped": 3})
    assert report.verdict == "unknown"
    assert report.reasons == (
        (
            "p50(ttft) < 1ms, error_rate < 1% (default) cannot be judged on native: 3 requests "
            "were dropped at --in-flight 64, or too late to be started: raise it, or use less load"
        ),
    )


def test_limits_of_the_client_are_told_apart_from_the_targets_errors(tmp_path: Path) -> None:
    limited = answered(900, outcome="client_limit", message="too many open files")
    proxied = answered(901, outcome="proxy", message="the proxy said no")
    failures = [answered(n, outcome="http_5xx") for n in range(902, 904)]
    rows = [answered(n) for n in range(96)]
    report = assemble(write_run(tmp_path, [*rows, limited, proxied, *failures]))

    counts = report.summary.routes["native"].counts
    assert (counts.sent, counts.errors) == (98, 2)
    assert counts.own == {"client_limit": 1, "proxy": 1}
    assert report.verdict == "unknown"
    assert "not sent for a limit of the client (too many open files)" in report.reasons[0]


def test_a_client_that_stood_still_is_named_with_what_it_touched(tmp_path: Path) -> None:
    rows = [answered(n, sent_ms=n * 10) for n in range(100)]
    write_run(tmp_path, rows)
    pause = [rows[50].timeline.sent_ns, 60_000_000]
    write_worker(tmp_path, records=100, pauses=[pause])

    report = assemble(tmp_path)

    assert report.verdict == "pass"
    (remark,) = report.decision.remarks
    assert re.fullmatch(
        r"the client did not run for 60.0 ms \(worker load-0\): [0-9.]+% of the requests "
        "were under way then",
        remark,
    )


def test_a_load_whose_client_stood_still_for_a_good_part_of_it_is_not_green(tmp_path: Path) -> None:
    rows = [answered(n, sent_ms=n * 10) for n in range(100)]
    write_run(tmp_path, rows)
    pause = [rows[50].timeline.sent_ns, 1_400_000_000]
    write_worker(tmp_path, records=100, pauses=[pause])

    report = assemble(tmp_path)

    assert report.verdict == "unknown"
    (reason,) = report.reasons
    assert reason.startswith("the client did not run for 1.40 s (worker load-0)")
    assert reason.endswith("of its time it was not the load that was asked for")
