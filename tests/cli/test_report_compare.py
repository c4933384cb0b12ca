import json
from pathlib import Path

import pytest

from harness.cli import execute
from tests.report.folders import mixed, write_run


def test_the_routes_of_the_stand_in_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"

    code = execute(["compare", "--pairs", "20", "--margin", "50%", "--out", str(out), "--json"])

    assert code in (0, 3), capsys.readouterr()
    printed = json.loads(capsys.readouterr().out)
    found = json.loads((out / "comparison.json").read_text("utf-8"))
    assert printed["exit_code"] == code == {True: 0, False: 3}[found["conclusive"]]
    assert (found["scenario"], found["blocks"], found["margin"]) == ("compare", 20, 0.5)
    assert {pair["n"] for pair in found["pairs"] if pair["metric"] == "ttft_ms"} == {20}
    assert json.loads((out / "run.json").read_text("utf-8"))["command"] == "compare"


def test_two_runs_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"{side}{n}" for side in "ab" for n in range(3)]
    for seed, name in enumerate(names):
        write_run(tmp_path / name, mixed(900, seed=seed))

    code = execute(["compare", "a0,a1,a2", "b0,b1,b2", "--out", "out", "--margin", "40%"])

    printed = capsys.readouterr().out
    assert code == 0
    assert "pass: b0 and 2 more against a0 and 2 more\n" in printed
    assert "made at different times" in printed
    for name in ("comparison.json", "report.md", "report.html"):
        assert (tmp_path / "out" / name).exists()


def test_one_run_alone_is_the_callers_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["compare", "a"]) == 2
    assert "expected no run, two runs, or one and --baseline, got 1" in capsys.readouterr().err


@pytest.mark.parametrize("margin", ["5", "0%", "-1%", "200%", "five"])
def test_a_margin_that_is_no_percentage_is_exit_code_2(
    margin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["compare", f"--margin={margin}"]) == 2
    assert "such as 5%" in capsys.readouterr().err


def test_one_route_is_nothing_to_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["compare", "--routes", "native", "--out", str(tmp_path / "out")]) == 2
    assert "expected two routes or more" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
