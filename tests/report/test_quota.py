"""A quota is told from saturation, and from what the load did to keep below it."""

from pathlib import Path
from typing import Any

import pytest

from harness.report.build import assemble
from harness.report.report import Report
from tests.report.folders import MS, answered, cells, failed, write_run, write_worker
from tests.schemas import problems

PACED = {"respect_rate_limit": True, "rate_limit": "10/5", "arrivals": "constant"}


def paced(folder: Path, *thresholds: str, **worker: Any) -> Report:
    """A load at 20/s that was let leave at 2/s, and says so."""
    rows = [
        cells(
            answered(n, scheduled_ms=n * 500.0, sent_ms=n * 500.0 + 0.2),
            held_ns=n * 450 * MS if n else None,
        )
        for n in range(100)
    ]
    write_run(folder, rows, thresholds=thresholds, rate=20, plan=PACED)
    write_worker(
        folder,
        records=100,
        **{"paced_to": 1.96, "never_sent": 900, "limit_learned": False, **worker},
    )
    return assemble(folder)


def test_what_was_held_back_is_told_and_none_of_the_clients_lateness(tmp_path: Path) -> None:
    report = paced(tmp_path, "p95(ttft) < 800ms", "p95(ttft_scheduled) < 800ms")

    assert report.verdict == "pass", report.reasons
    assert report.decision.remarks == (
        (
            "paced to 1.96/s by --respect-rate-limit, below the declared 10/5 s: 99 of 1,000 "
            "requests were held back, 44.6 s at the most, and 900 more never left before the load "
            "ended; the times of the schedule are those after it"
        ),
    )
    assert report.document()["pacing"]["start_lag_ms"]["max"] == pytest.approx(0.2)
    assert report.document()["pacing"]["spaced"] == "quota"
    assert report.document()["quota"]["never_sent"] == 900
    assert problems("summary", report.document()) == []


def test_an_objective_on_the_rate_knows_that_it_was_the_load_that_was_paced(tmp_path: Path) -> None:
    report = paced(tmp_path, "rate > 10/s")

    assert report.verdict == "unknown"
    assert "the load was paced to 1.96/s by --respect-rate-limit" in report.reasons[0]


def test_a_rate_that_is_reached_in_spite_of_it_is_met(tmp_path: Path) -> None:
    report = paced(tmp_path, "rate > 1/s", limit_learned=True, paced_to=None)

    assert report.verdict == "pass"
    assert "below the declared 10/5 s, then as refusals (429) taught" in report.decision.remarks[0]


def test_a_load_that_was_held_to_its_end_has_the_rates_of_its_whole_length(tmp_path: Path) -> None:
    rows = [failed(n, outcome="rate_limited", sent_ms=float(n)) for n in range(3)]
    write_run(tmp_path, rows, plan={**PACED, "duration_s": 6.0})
    write_worker(tmp_path, records=3, paced_to=0.98, never_sent=3, limit_learned=True)

    report = assemble(tmp_path)

    assert report.summary.routes["native"].counts.rate == pytest.approx(0.5)
    assert any("3 more never left" in each for each in report.decision.remarks)


def test_a_load_that_a_quota_let_nothing_out_of_says_why(tmp_path: Path) -> None:
    write_run(tmp_path, [], plan={**PACED, "duration_s": 6.0})
    write_worker(tmp_path, records=0, paced_to=0.98, never_sent=34, limit_learned=True)

    report = assemble(tmp_path)

    assert report.verdict == "unknown"
    assert report.reasons[0].startswith("no request was recorded: paced to 0.980/s by --respect-")


def test_a_load_that_held_nothing_back_says_so(tmp_path: Path) -> None:
    rows = [answered(n, scheduled_ms=n * 100.0, sent_ms=n * 100.0) for n in range(50)]
    write_run(tmp_path, rows, rate=10, plan=PACED)

    report = assemble(tmp_path)

    assert "--respect-rate-limit held nothing back" in report.decision.remarks


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ("rate_limited", "20 of 20 failures are refusals with 429: a limit that was set, no satur"),
        ("overloaded", "20 of 20 failures are refusals with 529: saturation, no quota"),
        ("http_5xx", None),
    ],
)
@pytest.mark.parametrize("objective", [(), ("error_rate < 2%",), ("p95(ttft) < 800ms",)])
def test_the_verdict_says_whether_a_quota_or_a_full_target_refused(
    outcome: str, told: str | None, objective: tuple[str, ...], tmp_path: Path
) -> None:
    rows = [answered(n, sent_ms=n * 10.0) for n in range(100)]
    rows += [failed(100 + n, outcome=outcome, sent_ms=n * 50.0 + 1) for n in range(20)]

    report = assemble(write_run(tmp_path, rows, thresholds=objective))

    assert report.verdict == "fail"
    assert (told in report.reasons[0]) if told else ("no " not in report.reasons[0])
    advice = any(
        "--respect-rate-limit paces a load to it" in each for each in report.decision.remarks
    )
    assert advice == (outcome == "rate_limited")
