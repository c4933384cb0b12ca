"""The catalogue of clauses as data."""

from collections import Counter
from pathlib import Path

import pytest

from harness.contract.clause import Clause, Level
from harness.contract.clauses.catalogue import BY_ID, CLAUSES
from harness.contract.handbook import render
from harness.contract.probes.catalogue import LATER, PROBES
from harness.defects.table import EVERY

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


def test_what_a_clause_kills_is_a_defect_of_the_stand_in() -> None:
    assert {name for clause in CLAUSES for name in clause.kills} <= set(EVERY)


def test_the_page_of_the_contract_is_made_from_the_clauses() -> None:
    assert (CONTRACTS / "README.md").read_text("utf-8") == render()
