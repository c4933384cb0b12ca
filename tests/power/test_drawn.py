"""Generated defects against the suite: what is judged, what is excused, what is a hole."""

import re
from itertools import count

import pytest

from harness.contract.run.reference import Reference, reference
from harness.defects.mutants.mutant import FAMILIES, Mutant, parse
from tests.power import legal
from tests.power.__main__ import main
from tests.power.drawn import Fate, Sample, value_places
from tests.power.trial import Trial, TrialOutcome

KILLED = TrialOutcome(Trial(), {"role-first": 3}, 9, "fail")
PASSED = TrialOutcome(Trial(), {}, 291, "pass")


@pytest.fixture(scope="module")
def known() -> Reference:
    return reference()


def test_the_reference_is_the_same_run_again(known: Reference) -> None:
    assert reference().sent == known.sent


def test_a_mutant_of_what_nobody_asks_shows_nowhere(known: Reference) -> None:
    assert known.shows("drop:plain.nothing@all/always") == 0
    assert known.shows("drop:plain.id@all/always") > known.shows("drop:plain.id@native/every-3") > 0


def test_the_places_of_a_run_are_of_every_kind_of_document(known: Reference) -> None:
    kinds = {place.partition(".")[0] for place in value_places(known.clean)}

    assert kinds >= {"plain", "first", "finish", "usage", "predict", "refusal", "envelope"}


def test_what_is_killed_or_excused_is_no_hole() -> None:
    mutant = Mutant("drop", "plain.id")

    assert not Fate(mutant, 5, KILLED).hole
    assert not Fate(mutant, 5, PASSED, "legal").hole
    assert Fate(mutant, 5, PASSED).hole


def test_named_mutants_are_judged_by_their_names() -> None:
    names = ["drop:plain.choices.0.message.role@all/always", "header-case:cf-ray@all/always"]
    sample = Sample(0)

    fates = list(sample.judge([*names, "drop:plain.nothing@all/always"]))

    assert [fate.killed for fate in fates] == [True, False]
    assert fates[1].why is not None
    assert sample.holes == []
    assert sum(sample.hidden.values()) == 1
    assert "2 generated defects change an answer: 1 killed, 1 excused, 0 holes" in sample.table()


def test_the_command_judges_names_and_samples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drop:plain.object@all/always"]) == 0
    assert main(["--drawn", "3", "--seed", "9"]) in (0, 1)

    assert "3 generated defects change an answer" in capsys.readouterr().out


@pytest.mark.parametrize("row", legal.LEGAL, ids=map(str, count()))
def test_every_excuse_has_an_operator_and_a_reason(row: legal.LegalRow) -> None:
    operators = [operator for known in FAMILIES.values() for operator in known]

    assert any(re.fullmatch(row.operators, operator) for operator in operators)
    assert row.reason


@pytest.mark.parametrize(
    "name",
    [
        "drop:plain.id@all/always",
        "null:plain.choices.0.message.role@native/always",
        "other:usage.usage.total_tokens@all/always",
        "event-drop:text@all/always",
        "sent-drop:max_tokens@all/always",
        "token-open:gateway@all/always",
    ],
)
def test_what_breaks_the_contract_has_no_excuse(name: str) -> None:
    assert legal.reason(parse(name)) is None
