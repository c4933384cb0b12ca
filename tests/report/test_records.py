"""Sent is recorded, once, and nothing else is."""

import json
import os
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.report.build import assemble
from harness.report.documents import document, write_json
from harness.report.report import Report
from tests.report.folders import Cells, answered, dropped, write_run, write_stream, write_worker
from tests.sample import Sample

ROWS = [answered(n, sent_ms=n * 10) for n in range(100)]


def judged(
    folder: Path, rows: Sequence[Sample | Cells] = ROWS, *, sent: int | None, state: str
) -> Report:
    write_run(folder, rows)
    write_worker(folder, records=len(rows), state=state)
    if sent is not None:
        (folder / "workers" / "load-0.sent").write_bytes(struct.pack("<Q", sent))
    return assemble(folder)


def test_records_that_add_up_are_no_reason(tmp_path: Path) -> None:
    rows: list[Sample | Cells] = [*ROWS[:99], dropped(99, scheduled_ms=0)]
    report = judged(tmp_path, rows, sent=99, state="closed")

    assert not any("record" in reason or "worker" in reason for reason in report.reasons)
    assert document(report.summary.records.workers) == {
        "load-0": {"sent": 99, "recorded": 99, "closed": True}
    }


@pytest.mark.parametrize(
    ("sent", "state", "reason"),
    [
        (
            1204,
            "running",
            "worker load-0 was killed: 1,104 of 1,204 requests that it sent are not ",
        ),
        (100, "running", "worker load-0 was killed: all 100 requests that it sent are recorded"),
        (103, "closed", "worker load-0: 3 of 103 requests that it sent are not recorded"),
        (97, "closed", "worker load-0: 3 more requests are recorded than the 97 it sent"),
        (
            None,
            "running",
            "worker load-0 was killed: how many of its requests are not recorded is not",
        ),
    ],
)
def test_what_a_worker_sent_is_held_against_its_records(
    tmp_path: Path, sent: int | None, state: str, reason: str
) -> None:
    report = judged(tmp_path, sent=sent, state=state)

    assert report.verdict == "unknown"
    assert report.reasons[0].startswith(reason)


def test_an_old_report_of_a_killed_worker_is_no_count_of_what_it_sent(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS)
    write_worker(tmp_path, records=90, state="running", sent=92)

    (reason,) = assemble(tmp_path).reasons

    assert reason == (
        "worker load-0 was killed: how many of its requests are not recorded is not known"
    )


def test_a_report_made_during_the_run_says_that_its_worker_is_at_work(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS)
    document = json.loads((tmp_path / "run.json").read_text("utf-8"))
    write_json(tmp_path / "run.json", document | {"state": "running", "pid": os.getppid()})
    write_worker(tmp_path, records=90, state="running")

    assert any("load-0 is still at work" in reason for reason in assemble(tmp_path).reasons)


def test_the_loss_of_a_killed_worker_is_told_once(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS, expected_records=100)
    write_worker(tmp_path, records=100, state="running")
    (tmp_path / "workers" / "load-0.sent").write_bytes(struct.pack("<Q", 100))
    stream = tmp_path / "samples" / "load-0.arrows"
    stream.write_bytes(stream.read_bytes()[:-40])

    report = assemble(tmp_path)

    assert report.reasons == (
        "worker load-0 was killed: 50 of 100 requests that it sent are not recorded",
    )


def test_a_file_that_cannot_be_read_is_named_beside_the_requests_that_it_lost(
    tmp_path: Path,
) -> None:
    folder = write_run(tmp_path, [answered(n, sent_ms=n * 10.0) for n in range(20)])
    write_worker(folder, records=20, sent=20)
    (folder / "samples" / "load-0.arrows").write_bytes(b"no samples at all")

    report = assemble(folder)

    assert report.verdict == "unknown"
    assert (
        "20 of 20 requests that it sent are not recorded" in report.reasons[0] + report.reasons[1]
    )
    assert any("load-0.arrows: cut off: 0 rows read" in reason for reason in report.reasons)


def test_a_worker_that_died_before_it_reported_is_known_by_its_count(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS)
    (tmp_path / "workers" / "load-1.sent").write_bytes(struct.pack("<Q", 7))

    report = assemble(tmp_path)

    assert report.reasons == (
        "worker load-1 was killed: 7 of 7 requests that it sent are not recorded",
    )


def test_rows_of_another_run_are_left_out_and_make_the_verdict_unknown(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS)
    stray = [answered(n, run_id="another", ttft_ms=9000, event_id=f"a-{n}") for n in range(30)]
    write_stream(tmp_path / "samples" / "stray.arrows", stray)

    report = assemble(tmp_path)

    assert report.verdict == "unknown"
    assert report.reasons == (
        "30 records of another run (another) among the samples, left out of all figures",
    )
    assert report.summary.routes["native"].counts.requests == 100
    assert report.summary.records.foreign == {"another": 30}


def test_more_rows_than_requests_are_unknown_like_missing_ones(tmp_path: Path) -> None:
    report = assemble(write_run(tmp_path, ROWS, expected_records=97))

    assert report.verdict == "unknown"
    assert report.reasons == (
        "more is recorded than was sent: 97 requests ended, 100 are recorded",
    )


@pytest.mark.parametrize(
    "again",
    [answered(3, event_id="new"), answered(900, event_id=ROWS[3].event_id, worker="load-1")],
    ids=["number", "event id"],
)
def test_a_request_that_is_recorded_twice_is_unknown(tmp_path: Path, again: Sample) -> None:
    report = assemble(write_run(tmp_path, [*ROWS, again], expected_records=100))

    assert report.verdict == "unknown"
    assert report.reasons == ("1 record there twice (same worker and number, or same event id)",)
    assert report.summary.requests == 100
