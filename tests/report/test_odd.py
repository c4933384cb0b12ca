"""Odd answers, violations and the client's own error are told wherever figures are shown."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.report.build import assemble, build_report
from harness.report.report import Report
from harness.report.terminal import show
from harness.report.workers import Error
from tests.report.folders import FLOOR, Cells, answered, cells, write_run, write_worker

ONE_PIECE = "42 of 120 answers on native came in one piece: their TTFT is the whole answer's time"


def loaded(*odd: str, count: int = 42, **changes: Any) -> list[Cells]:
    """120 answers of which the first `count` are odd."""
    return [
        cells(answered(n, sent_ms=n * 10), odd=list(odd) if n < count else [], **changes)
        for n in range(120)
    ]


def printed(report: Report) -> str:
    text = io.StringIO()
    show(report, Console(file=text, width=150, color_system=None))
    return text.getvalue()


def test_odd_answers_are_told_with_their_share_wherever_the_run_is(tmp_path: Path) -> None:
    report = build_report(write_run(tmp_path, loaded("one_piece")))

    assert report.verdict == "pass"
    assert ONE_PIECE in report.decision.remarks
    assert ONE_PIECE in printed(report)
    assert "120, 42 in one piece" in (tmp_path / "report.md").read_text("utf-8")
    for name in ("report.md", "report.html"):
        text = (tmp_path / name).read_text("utf-8").replace("&#39;", "'")
        assert ONE_PIECE in text, name


@pytest.mark.parametrize("kind", ["one_piece", "not_streamed"])
def test_a_load_whose_streams_are_none_is_unknown_and_says_so(tmp_path: Path, kind: str) -> None:
    report = assemble(write_run(tmp_path, loaded(kind, count=80)))

    assert report.verdict == "unknown"
    [reason] = report.decision.reasons
    assert reason.startswith("80 of 120 answers on native")
    assert "nothing of a stream was measured there" in reason
    assert "--no-stream" in reason


def test_whoever_expects_streams_in_one_piece_says_so_by_an_objective(tmp_path: Path) -> None:
    rows = [
        cells(answered(n, sent_ms=n * 10), odd=["one_piece"] if n % 3 else []) for n in range(120)
    ]
    report = assemble(write_run(tmp_path, rows, thresholds=["one_piece < 90%"]))

    assert report.verdict == "pass"


def test_two_tokens_that_came_together_are_no_held_back_stream(tmp_path: Path) -> None:
    report = assemble(write_run(tmp_path, loaded("one_piece", count=120, output_chunks=2)))

    assert report.verdict == "pass"


def test_an_odd_answer_can_be_an_objective(tmp_path: Path) -> None:
    texts = ["one_piece < 1%", "no_done < 5%", "not_streamed < 50%"]
    report = assemble(write_run(tmp_path, loaded("one_piece"), thresholds=texts))

    results = {each.objective: (each.result, each.measured) for each in report.checked}
    assert results["one_piece < 1%"][0] == "fail"
    assert results["one_piece < 1%"][1].startswith("35.0% (")
    assert results["no_done < 5%"][0] == "pass"


def test_samples_that_do_not_say_how_odd_they_are_leave_the_objective_open(tmp_path: Path) -> None:
    rows = [answered(n) for n in range(50)]
    report = assemble(write_run(tmp_path, rows, thresholds=["one_piece < 1%"]))

    assert report.verdict == "unknown"
    assert report.summary.routes["native"].odd.counts["one_piece"] is None


def test_a_stream_without_done_is_odd_and_counts_as_goodput(tmp_path: Path) -> None:
    report = assemble(write_run(tmp_path, loaded("no_done", count=120)))

    assert report.summary.routes["native"].goodput.share == 1
    assert report.decision.remarks == (
        "120 of 120 answers on native are streams that ended without [DONE]",
    )


@pytest.mark.parametrize(
    ("checked", "violations", "result"),
    [(True, [], "pass"), (True, ["a"], "fail"), (False, [], "unknown"), (False, ["a"], "fail")],
)
def test_no_violation_is_only_none_where_somebody_looked(
    tmp_path: Path, checked: bool, violations: list[str], result: str
) -> None:
    rows = loaded(checked=checked, violations=violations)
    report = assemble(write_run(tmp_path, rows, thresholds=["violations == 0"]))

    assert report.verdict == result


def test_a_broken_clause_has_its_rate_among_the_answers_that_were_checked(tmp_path: Path) -> None:
    rows = [
        cells(answered(n), checked=n < 40, violations=["stream.done"] if n < 4 else [])
        for n in range(120)
    ]
    report = build_report(write_run(tmp_path, rows))

    found = report.summary.routes["native"].contract
    assert (found.checked, found.violation_rates) == (40, {"stream.done": 0.1})
    assert "10.0%  40 checked" in printed(report)
    assert "| stream.done | native | 4 | 10.0% | 40 checked |" in (
        (tmp_path / "report.md").read_text("utf-8")
    )


def test_the_floor_of_several_workers_is_their_worst_and_their_rates_together(
    tmp_path: Path,
) -> None:
    write_run(tmp_path, loaded())
    worse = {**FLOOR, "ttft_ms": {"p50": 0.2, "p99": 0.4}}
    write_worker(tmp_path, records=120, noise_floor=FLOOR)
    write_worker(tmp_path, records=0, worker="load-1", noise_floor=worse)

    floor = assemble(tmp_path).summary.client.noise_floor

    assert floor is not None
    assert floor.ttft_ms == Error(0.2, 0.4)
    assert (floor.inter_chunk_ms.p99, floor.cpu_us_per_chunk) == (0.04, 7.0)
    assert (floor.max_rate, floor.streams) == (10_000, 800)


def test_a_worker_that_was_not_calibrated_leaves_the_floor_unknown(tmp_path: Path) -> None:
    write_run(tmp_path, loaded())
    write_worker(tmp_path, records=120, noise_floor=FLOOR)
    write_worker(tmp_path, records=0, worker="load-1", noise_floor=None)

    report = build_report(tmp_path)

    assert report.summary.client.noise_floor is None
    for text in (printed(report), (tmp_path / "report.html").read_text("utf-8")):
        assert "error is not known" in " ".join(text.split())
        assert "--no-calibrate" in text


def test_the_clients_own_error_stands_beside_the_figures(tmp_path: Path) -> None:
    write_run(tmp_path, loaded())
    write_worker(tmp_path, records=120, noise_floor=FLOOR)

    report = build_report(tmp_path)

    for text in (printed(report), (tmp_path / "report.md").read_text("utf-8")):
        assert "error" in text
        assert "<100 µs" in text.replace("\\", "")


@pytest.mark.parametrize(
    ("objective", "result"),
    [
        ("p50(ttft) < 100.05ms", "unknown"),
        ("p50(ttft) < 99.95ms", "unknown"),
        ("p50(ttft) < 100.2ms", "pass"),
        ("p50(ttft) < 99.8ms", "fail"),
        ("p50(inter_chunk) < 10.05ms", "pass"),
        ("p50(inter_chunk) < 10.03ms", "unknown"),
        ("error_rate < 5%", "pass"),
        ("error_rate < 1%", "unknown"),
    ],
)
def test_a_limit_closer_than_the_clients_own_error_is_no_answer(
    tmp_path: Path, objective: str, result: str
) -> None:
    write_run(tmp_path, loaded(), thresholds=[objective])
    write_worker(tmp_path, records=120, noise_floor=FLOOR)

    assert assemble(tmp_path).verdict == result
