"""The catalogue of clauses as data."""

from collections import Counter
from pathlib import Path

import pytest

from harness.contract.clause import Clause, Level
from harness.contract.output.readme import render
from harness.contract.topics.catalogue import BY_ID, CLAUSES, LATER, PROBES
from harness.defects.table import DEFECTS, UPSTREAM

CONTRACTS = Path(__file__).parents[2] / "contracts"


def test_ids_are_unique() -> None:
    assert len(BY_ID) == len(CLAUSES)


def test_every_route_is_covered_by_core_and_must() -> None:
    for route in ("native", "compat", "model"):
        levels = Counter(clause.level for clause in CLAUSES if route in clause.routes)
        assert levels[Level.MUST] >= 20
        assert levels[Level.RECORD] >= 1


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.id)
def test_a_clause_says_what_why_and_who_says_so(clause: Clause) -> None:
    assert clause.statement
    assert clause.rationale
    assert clause.source
    assert clause.routes


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.id)
def test_a_clause_has_exactly_one_check(clause: Clause) -> None:
    checks = [clause.check, clause.scene, clause.whole]

    assert sum(check is not None for check in checks) == 1
    assert (clause.scene is not None) == (clause.probe is not None)
    assert clause.probe is None or clause.probe in {*PROBES, *LATER}


def test_every_defect_that_a_client_can_see_names_the_clauses_that_must_see_it() -> None:
    for defect in DEFECTS.values():
        assert defect.killed_by, defect.name
        assert BY_ID.keys() >= set(defect.killed_by), defect.name
    assert {name for defect in UPSTREAM.values() for name in defect.killed_by} == set()


def test_the_page_of_the_contract_is_made_from_the_clauses() -> None:
    assert (CONTRACTS / "README.md").read_text("utf-8") == render()
