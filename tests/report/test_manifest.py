import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.report import manifest
from harness.report.plan import Plan, Planned, Prices


def begin(folder: Path, **changes: Any) -> manifest.Manifest:
    known: dict[str, Any] = {
        "command": "load",
        "target": "t",
        "settings": {},
        "plan": {},
        "seed": 3,
    }
    return manifest.start(folder, **{**known, **changes})


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run.json").read_text("utf-8"))
    return found


def test_a_run_begins_without_a_verdict(tmp_path: Path) -> None:
    begin(tmp_path / "new", plan={"run_id": "abc", "thresholds": ["error_rate < 1%"]})

    found = document(tmp_path / "new")
    assert found["schema_version"] == 1
    assert (found["run_id"], found["state"], found["verdict"]) == ("abc", "running", None)
    assert {"clock", "versions", "machine", "seed", "metrics"} <= set(found)
    assert manifest.read(tmp_path / "new").thresholds == ("error_rate < 1%",)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    written = begin(tmp_path, plan={"routes": ["native"]})

    assert manifest.read(tmp_path) == written


def test_facts_are_added_and_replaced(tmp_path: Path) -> None:
    begin(tmp_path)

    manifest.note(tmp_path, interrupted=False, problems=["a"])
    manifest.note(tmp_path, interrupted=True)

    found = manifest.read(tmp_path)
    assert (found.interrupted, found.problems) == (True, ("a",))
    assert document(tmp_path)["interrupted"] is True


def test_a_finished_run_has_verdict_exit_code_and_reasons(tmp_path: Path) -> None:
    begin(tmp_path)

    manifest.finish(tmp_path, verdict="fail", exit_code=1, reasons=["p95 missed"])

    found = document(tmp_path)
    assert (found["verdict"], found["exit_code"], found["reasons"]) == ("fail", 1, ["p95 missed"])
    assert found["state"] == "finished"
    assert not manifest.read(tmp_path).interrupted


def test_a_run_of_this_process_is_not_interrupted(tmp_path: Path) -> None:
    begin(tmp_path)

    assert not manifest.read(tmp_path).interrupted


def test_a_run_whose_process_is_gone_was_interrupted_and_stays_so(tmp_path: Path) -> None:
    begin(tmp_path)
    gone = document(tmp_path) | {"pid": 2**22 + 1}
    (tmp_path / "run.json").write_text(json.dumps(gone), "utf-8")

    before = manifest.read(tmp_path)
    manifest.finish(tmp_path, verdict="unknown", exit_code=3, reasons=[])

    assert before.interrupted
    assert not before.going_on
    assert manifest.read(tmp_path).interrupted
    assert document(tmp_path)["ended"] is None


def test_a_run_of_another_process_that_lives_is_going_on(tmp_path: Path) -> None:
    begin(tmp_path)
    other = document(tmp_path) | {"pid": os.getppid()}
    (tmp_path / "run.json").write_text(json.dumps(other), "utf-8")

    assert manifest.read(tmp_path).going_on


def test_where_a_secret_came_from_is_no_secret(tmp_path: Path) -> None:
    begin(tmp_path, settings={"provider_key": "environment BASETEN_API_KEY", "max_tokens": 64})

    assert document(tmp_path)["settings"]["provider_key"] == "environment BASETEN_API_KEY"


def test_secrets_of_the_environment_are_blanked_by_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", "a-long-key-of-baseten")

    begin(tmp_path, plan={"note": "sent with a-long-key-of-baseten"})

    assert document(tmp_path)["plan"]["note"] == "sent with $BASETEN_API_KEY"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 1}', "not json"])
def test_a_file_that_is_no_manifest_is_the_callers_fault(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text, "utf-8")

    with pytest.raises(UsageError, match="is not a manifest of this harness"):
        manifest.read(tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("plan", None, r"run\.json\.plan: expected an object, got None"),
        ("pid", "7", r"run\.json\.pid: expected a whole number, got '7'"),
        ("schema_version", 99, "has schema version 99, this harness reads 1"),
    ],
)
def test_a_manifest_that_another_version_made_is_refused_by_name(
    tmp_path: Path, field: str, value: object, complaint: str
) -> None:
    begin(tmp_path)
    text = json.dumps({**document(tmp_path), field: value})
    (tmp_path / "run.json").write_text(text, "utf-8")

    with pytest.raises(UsageError, match=complaint):
        manifest.read(tmp_path)


def test_a_folder_without_a_manifest_is_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no run folder"):
        manifest.read(tmp_path)


def test_numbers_that_json_cannot_hold_become_null(tmp_path: Path) -> None:
    begin(tmp_path, plan={"duration_s": float("inf")})

    assert document(tmp_path)["plan"]["duration_s"] is None


def test_a_plan_is_read_as_far_as_a_report_needs_it(tmp_path: Path) -> None:
    stages = [{"seconds": 10, "begin": 5, "end": 20.5}]
    plan = {"rate": 20, "stages": stages, "caps": {"requests": 9, "price_in": 1e-6}, "users": None}
    begin(tmp_path, plan=plan)

    asked = manifest.read(tmp_path).asked

    assert asked == Plan(rate=20, stages=(Planned(10, 5, 20.5),), caps=Prices(1e-6))


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ({"extend": "3x"}, "run.json: plan.extend: expected a whole number, got '3x'"),
        ({"stages": [{"seconds": 10}]}, "plan.stages[0]: expected the field begin, got seconds"),
        ({"search": {"by": "rate"}}, "plan.search: expected the field min_rate, got by"),
    ],
)
def test_a_plan_that_cannot_be_one_is_told_by_its_place(
    plan: dict[str, Any], told: str, tmp_path: Path
) -> None:
    begin(tmp_path, plan=plan)

    with pytest.raises(UsageError) as raised:
        _ = manifest.read(tmp_path).asked

    assert told in str(raised.value)


def test_of_two_runs_that_begin_at_once_in_one_folder_the_second_is_refused(tmp_path: Path) -> None:
    first = begin(tmp_path)

    with pytest.raises(UsageError, match="holds a run already"):
        begin(tmp_path)

    assert manifest.read(tmp_path).run_id == first.run_id
