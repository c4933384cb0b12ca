"""What a run writes is what its published schemas say."""

import json
from pathlib import Path

import pytest

from harness.cli import execute
from tests.schemas import problems

CASES = {
    "pass": (["-k", "stream"], 0),
    "fail": (["--defect", "missing-done", "--", "-k", "stream or usage"], 1),
    "unknown": (["--max-requests", "3"], 3),
    "refused": (["--target", "http://127.0.0.1:1"], 3),
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_writes_what_the_schemas_say(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_text("what an earlier step said\n")
    arguments, code = CASES[case]
    arguments = arguments if "--" in arguments or case != "pass" else ["--", *arguments]

    assert execute(["verify", "--quiet", "--out", "run", *arguments]) == code

    document = json.loads((tmp_path / "run" / "conformance.json").read_text())
    assert problems("conformance", document) == []
    capsules = list((tmp_path / "run").glob("failures/*/capsule.json"))
    assert [problems("capsule", json.loads(path.read_text())) for path in capsules] == (
        [[]] * len(capsules)
    )
    assert bool(capsules) == (code == 1)
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith("what an earlier step said\n# Contract\n")
    assert document["line"] in summary


def test_the_costs_of_the_clauses_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert execute(["verify", "--quiet", "--out", "run", "--profile", "core"]) == 0

    document = json.loads((tmp_path / "run" / "conformance.json").read_text())
    shares = [row["cost"] for row in document["clauses"]]
    assert sum(cost["requests"] for cost in shares) == pytest.approx(
        document["cost"]["requests"], rel=0.1
    )
    assert 0 < sum(cost["tokens"] for cost in shares) <= document["cost"]["tokens"] + 1
