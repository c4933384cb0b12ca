import json
from pathlib import Path

import pytest

from harness.cli import execute
from tests.report.folders import mixed, write_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "made", mixed(300))


def test_a_report_is_rebuilt_and_its_verdict_printed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["report", str(folder)]) == 0

    printed = capsys.readouterr().out
    assert "TTFT" in printed
    last = "pass: 270 requests, 14.8/s sent, goodput 14.8/s"
    assert printed.endswith(f"{last}\nreport: {folder}/report.html\n")
    assert (folder / "report.html").exists()


def test_another_threshold_is_a_what_if_and_the_run_keeps_its_verdict(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["report", str(folder), "--quiet"]) == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    capsys.readouterr()

    assert execute(["report", str(folder), "--threshold", "p50(ttft) < 1ms", "--quiet"]) == 1

    printed = capsys.readouterr().out
    assert printed.startswith("fail: by other objectives: 270 requests, ")
    assert "; p50(ttft) 151 ms of 1 ms\n  p50(ttft) < 1ms missed on " in printed
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_json_is_the_verdict_and_nothing_else(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["report", str(folder), "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["exit_code"], found["out"]) == ("pass", 0, str(folder))


def test_a_killed_run_is_rebuilt_as_interrupted_again_and_again(folder: Path) -> None:
    path = folder / "run.json"
    document = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(document | {"state": "running", "pid": 2**22 + 1}), "utf-8")

    assert [execute(["report", str(folder), "--quiet"]) for _ in range(2)] == [3, 3]
    assert "This run was interrupted" in (folder / "report.html").read_text("utf-8")


@pytest.mark.parametrize("arguments", [["nowhere"], [], ["made", "--threshold", "p95(tftt) < 1s"]])
def test_a_wrong_call_is_exit_code_2(
    folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder.name == "made"
    assert execute(["report", *arguments]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_page_of_a_contract_run_stays_when_its_report_is_built_again(tmp_path: Path) -> None:
    out = tmp_path / "run"
    verify = ["verify", "--target", "mock", "--profile", "core", "--max-requests", "40", "--quiet"]
    execute([*verify, "--out", str(out)])
    page = (out / "report.md").read_text()

    execute(["report", str(out), "--quiet"])

    assert page.startswith("# Contract")
    assert (out / "report.md").read_text() == page
