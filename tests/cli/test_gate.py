import json
from pathlib import Path

import pytest

from harness.cli import execute
from tests.report.folders import FLOOR, mixed, write_run, write_worker


@pytest.fixture(name="load", autouse=True)
def _load(tmp_path: Path) -> Path:
    """A load in the folder `l` that has just ended."""
    write_run(tmp_path / "l", mixed(300))
    write_worker(tmp_path / "l", records=300, noise_floor=FLOOR)
    return tmp_path / "l"


def objectives(*texts: str) -> str:
    Path("slo.toml").write_text(f"objectives = {json.dumps(texts)}\n")
    return "--objectives=slo.toml"


@pytest.mark.parametrize(
    ("objective", "code", "verdict"),
    [
        ("p50(ttft) < 1s", 0, "pass"),
        ("p50(ttft) < 1ms", 1, "fail"),
        ("compatible", 3, "unknown"),
    ],
)
def test_the_exit_code_is_that_of_the_verdict(
    objective: str, code: int, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = objectives(objective)

    assert execute(["gate", "--load", "l", asked, "--out", "g", "--json"]) == code

    printed = json.loads(capsys.readouterr().out)
    assert (printed["verdict"], printed["exit_code"], printed["out"]) == (verdict, code, "g")
    assert json.loads(Path("g/gate.json").read_text("utf-8"))["reasons"] == printed["reasons"]
    assert {path.name for path in Path("g").iterdir()} == {"gate.json", "gate.md", "gate.html"}


def test_the_terminal_shows_every_objective_and_ends_with_the_page(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert execute(["gate", "--load", "l", objectives("p50(ttft) < 1s", "compatible")]) == 3

    lines = capsys.readouterr().out.splitlines()
    assert "p50(ttft) < 1s" in "\n".join(lines)
    assert "native, by load" in "\n".join(lines)
    assert lines[-3] == "unknown: 3 of 4 objectives met"
    assert lines[-2] == "  compatible cannot be judged: no --contract RUN was given"
    assert lines[-1].startswith("report: reports/")
    assert lines[-1].endswith("-gate/gate.html")


def test_quiet_prints_the_verdict_alone(capsys: pytest.CaptureFixture[str]) -> None:
    asked = objectives("p50(ttft) < 1s")

    assert execute(["gate", "--load", "l", asked, "--out", "g", "--quiet"]) == 0

    assert capsys.readouterr().out == "pass: 3 of 3 objectives met\nreport: g/gate.html\n"


def test_a_contract_that_was_verified_is_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["verify", "--profile", "core", "--out", "v", "--quiet"]) == 0

    code = execute(["gate", "--contract", "v", objectives("compatible"), "--out", "g"])

    assert code == 0, capsys.readouterr()
    assert json.loads(Path("g/gate.json").read_text("utf-8"))["evidence"][0]["target"] == "mock"


def test_objectives_can_stand_in_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    Path("harness.toml").write_text('[gate]\nobjectives = ["p50(ttft) < 1s"]\n')

    assert execute(["gate", "--load", "l", "--out", "g"]) == 0, capsys.readouterr()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "slo.toml: no objective; expected a list"),
        ("objectives = [", "slo.toml is not valid TOML: "),
        ('objectives = ["p50(ttft) < 1"]', "objective 1: objective: expected a unit"),
        ('objectivs = ["compatible"]', "unknown key 'objectivs'; did you mean objectives"),
    ],
)
def test_objectives_that_cannot_be_read_are_exit_code_2(
    text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("slo.toml").write_text(text)

    assert execute(["gate", "--load", "l", "--objectives", "slo.toml"]) == 2

    assert said in capsys.readouterr().err
    assert not Path("reports").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no run was given: expected --contract, --load, --compare or --capacity"),
        (["--load", "l"], "no objectives: expected --objectives FILE, or [gate] in harness.toml"),
        (["--load", "l", "--objectives", "no.toml"], "cannot read no.toml: No such file"),
        (["--load", "no", "ASKED"], "--load no: no such folder"),
        (["--contract", "l", "ASKED"], "--contract l: expected a run of verify or run"),
        (["--load", "slo.toml", "ASKED"], "--load slo.toml: no such folder"),
        (["--load", "l", "ASKED", "--out", "l"], "--out l holds a run already"),
    ],
)
def test_what_cannot_be_judged_at_all_is_exit_code_2_and_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = objectives("p50(ttft) < 1s")

    code = execute(["gate", *(asked if each == "ASKED" else each for each in arguments)])

    printed = capsys.readouterr()
    assert (code, printed.out) == (2, "")
    assert said in printed.err
    assert len(printed.err.splitlines()) == 1
    assert not Path("reports").exists()
