import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.report.build import assemble
from harness.report.report import Report
from tests.report.folders import (
    answered,
    blocks,
    clause,
    contract,
    failed,
    mixed,
    write_run,
    write_worker,
)
from tests.sample import Sample

GOOD = mixed(300)


@pytest.fixture
def judge(tmp_path: Path) -> Any:
    def judge(rows: Sequence[Sample] = GOOD, **options: Any) -> Report:
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        return assemble(write_run(tmp_path / "run", rows, **options))

    return judge


def test_a_load_with_nothing_against_it_passes(judge: Any) -> None:
    report = judge(thresholds=["p50(ttft) < 1s"])

    assert (report.verdict, report.exit_code, report.reasons) == ("pass", 0, ())


def test_a_missed_objective_fails(judge: Any) -> None:
    report = judge(thresholds=["p50(ttft) < 1ms"])

    assert (report.verdict, report.exit_code) == ("fail", 1)
    assert report.reasons[0].startswith("p50(ttft) < 1ms missed on native: ")


def test_an_objective_with_too_few_samples_is_unknown_and_never_green(judge: Any) -> None:
    report = judge(thresholds=["p99(ttft) < 10s", "p50(ttft) < 10s"])

    assert (report.verdict, report.exit_code) == ("unknown", 3)
    assert "90 samples: p99 needs 368" in report.reasons[0]


def test_a_broken_contract_fails_whatever_else_happened(judge: Any) -> None:
    report = judge(
        command="run",
        interrupted=True,
        conformance=contract(
            clause("fail", id="a"), clause("fail", id="b"), verdict="incompatible"
        ),
    )

    assert report.verdict == "fail"
    assert report.reasons[0] == "the contract is broken: a (native), b (native)"


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("compatible", "pass"),
        ("compatible_with_waivers", "pass"),
        ("unknown", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_the_contract_has_its_part_in_the_verdict(judge: Any, verdict: str, expected: str) -> None:
    found = contract(clause("waived"), clause("not_exercised", id="z"), verdict=verdict)

    assert judge(command="run", conformance=found).verdict == expected


def test_a_verification_without_a_contract_is_unknown(judge: Any) -> None:
    assert judge([], command="verify").verdict == "unknown"
    assert judge([], command="verify", conformance=contract(clause())).verdict == "pass"


def test_a_load_without_a_request_is_unknown(judge: Any) -> None:
    report = judge([], thresholds=["p50(ttft) < 1s"])

    assert (report.verdict, report.reasons) == ("unknown", ("no request was recorded",))


def test_a_load_that_ended_in_its_warm_up_is_unknown(judge: Any) -> None:
    report = judge([answered(phase="warmup")])

    assert report.reasons == ("no request was recorded outside the warm-up",)


@pytest.mark.parametrize(
    ("outcome", "layer"),
    [
        ("refused", "network"),
        ("dns", "network"),
        ("tls", "network"),
        ("cut", "edge"),
        ("unauthorized", "gateway or provider: credentials refused"),
        ("rate_limited", "gateway or provider: rate limit"),
    ],
)
def test_a_target_that_never_answered_cannot_be_judged(
    judge: Any, outcome: str, layer: str
) -> None:
    rows = [
        failed(n, outcome=outcome, message="said so", completion_tokens=None) for n in range(50)
    ]

    report = judge(rows, thresholds=["p50(ttft) < 1s", "error_rate < 1%"])

    assert report.verdict == "unknown"
    assert report.reasons == (
        f"every request failed on every route: 50 x {outcome} ({layer}): said so",
    )


def test_the_layer_that_the_workers_blamed_is_named(judge: Any, tmp_path: Path) -> None:
    judge([failed(n, outcome="unauthorized") for n in range(5)])
    tallies = {"native": {"layers": {"gateway": 5}}}
    write_worker(tmp_path / "run", records=5, routes=tallies)

    (reason,) = assemble(tmp_path / "run").reasons

    assert reason == "every request failed on every route: 5 x unauthorized (gateway)"


def test_one_route_that_never_answered_spoils_the_verdict(judge: Any) -> None:
    rows = [*GOOD, *(failed(n, route="other", outcome="http_4xx") for n in range(900, 950))]

    report = judge(rows, thresholds=["error_rate < 50%"])

    assert report.verdict == "fail"
    assert any("every request failed on other" in reason for reason in report.reasons)


def test_an_interrupted_run_is_unknown(judge: Any) -> None:
    report = judge(interrupted=True)

    assert report.verdict == "unknown"
    assert report.reasons == ("the run was interrupted: the rest was not measured",)


def test_requests_that_an_interruption_cancelled_are_no_errors(judge: Any) -> None:
    rows = [*GOOD, *(failed(n, outcome="cancelled") for n in range(900, 960))]

    assert judge(rows, interrupted=True).summary.routes["native"].counts.errors == 0
    assert judge(rows).summary.routes["native"].counts.errors == 60


def test_a_run_that_was_aborted_fails(judge: Any) -> None:
    report = judge(aborted="error_rate > 20%")

    assert report.verdict == "fail"
    assert report.reasons == ("the run was stopped by --abort: error_rate > 20%",)


def test_missing_records_make_the_numbers_invalid(judge: Any, tmp_path: Path) -> None:
    judge(thresholds=["p50(ttft) < 1ms"])
    write_worker(tmp_path / "run", records=310)

    report = assemble(tmp_path / "run")

    assert report.verdict == "unknown"
    assert report.reasons[0] == "records are missing: 310 requests ended, 300 are recorded"


def test_a_worker_that_did_not_finish_makes_the_numbers_invalid(judge: Any, tmp_path: Path) -> None:
    judge()
    write_worker(tmp_path / "run", records=0, worker="load-1", state="running")

    (reason,) = assemble(tmp_path / "run").reasons

    assert reason.startswith("worker load-1 was killed: how many of its requests")


def test_a_cut_file_of_samples_makes_the_numbers_invalid(judge: Any, tmp_path: Path) -> None:
    judge()
    stream = tmp_path / "run" / "samples" / "load-0.arrows"
    stream.write_bytes(stream.read_bytes()[:-100])

    report = assemble(tmp_path / "run")

    assert report.verdict == "unknown"
    assert report.reasons[0].startswith("records are missing: load-0.arrows: cut off: 250 rows")


def test_a_problem_that_the_command_noted_makes_the_numbers_invalid(judge: Any) -> None:
    report = judge(problems=["the clock went backwards"], notes=["a word to the reader"])

    assert report.reasons == ("the clock went backwards",)
    assert report.decision.remarks == ("a word to the reader",)


def test_a_note_that_a_reason_tells_is_not_told_again(judge: Any) -> None:
    report = judge(problems=["2 requests were lost: look there"], notes=["2 requests were lost"])

    assert report.decision.remarks == ()


def test_a_comparison_passes_when_it_has_an_answer(judge: Any) -> None:
    assert judge(blocks(100, ratio=1.3), command="compare").verdict == "pass"


def test_a_comparison_without_an_answer_is_unknown(judge: Any) -> None:
    report = judge(blocks(30, noise=0.6), command="compare")

    assert report.verdict == "unknown"
    assert report.reasons[0].startswith("the comparison is inconclusive: compat vs native: ")


def test_a_comparison_inside_a_run_never_changes_its_verdict(judge: Any) -> None:
    assert judge([*GOOD, *blocks(30, noise=0.6)], command="run").verdict == "pass"


def test_what_a_target_said_is_one_line_that_nothing_obeys(judge: Any) -> None:
    said = "no\x1b[2J\r\n::error::x\n# pass"
    report = judge([failed(n, message=said) for n in range(5)])

    assert report.verdict == "unknown"
    assert report.reasons[0].endswith("no\\u001b[2J \\u003a:error::x # pass")
    assert all(reason.isprintable() for reason in report.reasons)
