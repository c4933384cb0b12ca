"""A bug of the harness costs the verdict of one clause, and never that of the others."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from harness.contract.clause import Clause, Finding
from harness.contract.observation import Observation
from harness.contract.options import RunOptions
from harness.contract.run import session
from harness.contract.run.session import RunOutcome, perform
from harness.contract.run.standin import TARGET
from harness.contract.topics.catalogue import CLAUSES, PROBES
from harness.contract.topics.scenes import Scene
from harness.contract.topics.stage import Stage
from tests.schemas import problems


def of_an_exchange(seen: Observation) -> Finding:
    raise OverflowError(f"cannot convert float infinity to integer, status {seen.status}")


def of_a_run(seen: Sequence[Observation]) -> Finding:
    raise ZeroDivisionError(len(seen))


def broken(clause: Clause) -> Clause:
    """Two clauses with a check that cannot do what it is asked; the others as they are."""
    if clause.id == "usage-sum":
        return replace(clause, check=of_an_exchange)
    return replace(clause, whole=of_a_run) if clause.id == "no-lasting-500" else clause


def performed(monkeypatch: pytest.MonkeyPatch, **options: Any) -> RunOutcome:
    monkeypatch.setattr(session, "CLAUSES", tuple(map(broken, CLAUSES)))
    return perform(TARGET, RunOptions(**options))


def test_a_bug_in_a_check_is_an_error_of_its_clause_and_all_others_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = performed(monkeypatch, profile="core", out=tmp_path)

    document = json.loads((tmp_path / "conformance.json").read_text())
    assert problems("conformance", document) == []
    assert (found.verdict.verdict, found.verdict.exit_code) == ("unknown", 2)
    assert document["exit_code"] == 2
    rows = {(row["id"], row["route"]): row for row in document["clauses"]}
    assert rows["usage-sum", "native"]["result"] == "error"
    assert "OverflowError" in rows["usage-sum", "native"]["evidence"]
    assert "bug of the harness" in rows["usage-sum", "native"]["evidence"]
    assert rows["no-lasting-500", "native"]["result"] == "error"
    assert rows["stream-done", "native"]["result"] == "pass"
    (suite,) = Xml.fromstring((tmp_path / "junit.xml").read_text())  # noqa: S314 - our own file
    errors = [case.get("name") for case in suite if case.find("error") is not None]
    assert set(errors) == {"usage-sum", "no-lasting-500"}
    assert suite.get("errors") == str(len(errors))
    assert "OverflowError" in (tmp_path / "report.md").read_text()


def test_a_broken_must_is_told_beside_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    found = performed(monkeypatch, profile="core", defect="missing-done", max_requests=60)

    assert found.of("stream-done", "native").result == "fail"
    assert (found.verdict.verdict, found.verdict.exit_code) == ("fail", 2)


def test_a_bug_in_a_probe_ends_it_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def play(stage: Stage, _scene: Scene) -> None:
        raise KeyError(stage.__class__.__name__)

    broken = replace(PROBES["auth"], play=play)
    monkeypatch.setattr("harness.contract.run.exploration.PROBES", {**PROBES, "auth": broken})

    found = perform(TARGET, RunOptions(profile="core"))

    assert found.verdict.exit_code == 2
    assert "KeyError: 'Stage'" in found.verdict.reasons[0]
    assert found.of("stream-done", "native").result == "pass"
    assert found.of("cache-hit", "native").result == "pass"
    assert found.of("auth-key-missing", "native").result == "error"
