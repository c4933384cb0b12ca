"""`gateway-harness explain`."""

import json

import pytest

from harness.cli import execute
from harness.contract.topics.catalogue import CLAUSES
from harness.defects.table import DEFECTS, killed_by


def test_a_clause_is_explained_with_all_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["explain", "stream-done"]) == 0

    text = capsys.readouterr().out
    clause = next(clause for clause in CLAUSES if clause.id == "stream-done")
    flat = " ".join(text.split())
    for words in (clause.statement, clause.rationale, clause.source):
        assert " ".join(words.split()) in flat
    kills = killed_by(clause.id)
    for words in (clause.level, clause.evidence, clause.profile, *clause.routes, *kills):
        assert words in text
    assert DEFECTS[kills[0]].statement in flat
    assert max(len(line) for line in text.splitlines()) <= 100


@pytest.mark.parametrize("clause", [clause.id for clause in CLAUSES])
def test_every_clause_can_be_explained(clause: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["explain", clause]) == 0
    assert capsys.readouterr().out.startswith(clause)


def test_without_a_clause_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["explain"]) == 0

    text = capsys.readouterr().out
    assert not [clause.id for clause in CLAUSES if f"  {clause.id} " not in text]


def test_the_list_as_json_has_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["explain", "--json"]) == 0

    listed = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in listed] == [clause.id for clause in CLAUSES]
    assert {"level", "routes", "statement", "source", "evidence", "kills"} <= set(listed[0])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stream-dne", "did you mean stream-done"),
        ("xyzzy", "gateway-harness explain lists all"),
    ],
)
def test_an_unknown_clause_is_said_with_what_may_be_meant(
    name: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["explain", name]) == 2
    assert words in capsys.readouterr().err
