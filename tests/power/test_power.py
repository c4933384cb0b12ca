"""What the contract catches and what it lets pass, on the stand-in in this process."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from harness.contract.run import standin
from harness.contract.run.results import Results
from harness.contract.run.verdict import conclude
from harness.contract.topics.catalogue import CLAUSES
from harness.gateway.behaviour import SWITCHES, Behaviour, Value
from harness.settings.stand_in import stand_in
from tests.contract.runs import explore, failing
from tests.power.trial import STRICT

STRICT_IDS = frozenset(clause.id for clause in CLAUSES if clause.level in STRICT)
BREAKS = {
    ("stream_cached", True),
    ("rate_limit_answer", "401-2009"),
    ("n_policy", "first-only"),
    ("universal_fallback", "retryable"),
}
"""Switches whose other position contradicts a document."""
OTHERS = {
    s.name: [c for c in s.choices if c != s.default and (s.name, c) not in BREAKS] for s in SWITCHES
}
COMBINED = [{n: v[k] for n, v in OTHERS.items() if len(v) > k} for k in range(3)]
"""Every other legal position of every switch, as many of them in one gateway as possible."""


def caught_by(clauses: frozenset[str]) -> Callable[[Results], bool]:
    return lambda ledger: any(entry.clause.id in clauses for entry in ledger.failing())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_clean_stand_in_keeps_every_clause(seed: int) -> None:
    exploration = explore(seed=seed)

    verdict = conclude(exploration.ledger, strict=True, required=("model", "cache", "rate", "auth"))
    assert failing(exploration) == {}
    assert verdict.line == "pass: native, compat, model"
    assert verdict.exit_code == 0


def _behaving(values: Mapping[str, Value], monkeypatch: pytest.MonkeyPatch) -> None:
    behaviour = Behaviour.from_document({"schema_version": 1, "behaviour": values})
    monkeypatch.setattr(
        standin, "stand_in", lambda *a, **k: replace(stand_in(*a, **k), behaviour=behaviour)
    )


@pytest.mark.parametrize("values", COMBINED, ids=["first", "second", "third"])
def test_undocumented_behaviour_breaks_no_clause(
    values: Mapping[str, Value], monkeypatch: pytest.MonkeyPatch
) -> None:
    _behaving(values, monkeypatch)

    assert failing(explore()) == {}


@pytest.mark.parametrize(("name", "value"), sorted(BREAKS, key=str))
def test_behaviour_against_the_documents_breaks_a_clause(
    name: str, value: Value, monkeypatch: pytest.MonkeyPatch
) -> None:
    _behaving({name: value}, monkeypatch)

    assert failing(explore(enough=caught_by(STRICT_IDS)))


@pytest.mark.parametrize(
    ("defect", "clause"), [("missing-done", "stream-done"), ("skip-cache-ignored", "cache-skip")]
)
def test_what_failed_is_asked_again(defect: str, clause: str) -> None:
    exploration = explore(defect=defect, again=1)

    entry = exploration.ledger.entries[clause, "native"]
    assert (entry.failed_again, entry.sent_again) == (1, 1)


def test_a_small_budget_that_leaves_clauses_open_is_unknown() -> None:
    exploration = explore(requests=40)

    verdict = conclude(exploration.ledger, stopped=exploration.stopped)
    assert verdict.verdict == "unknown"
    assert any("budget of 40 requests" in reason for reason in verdict.reasons)


def test_a_run_never_sends_more_than_its_budget() -> None:
    exploration = explore(requests=100, defect="missing-role")

    assert exploration.sender.budget.requests == 100
    seen = len(exploration.sender.seen)
    assert seen + len(exploration.limited.seen if exploration.limited else ()) == 100


def test_the_same_seed_sends_the_same_requests() -> None:
    first, again = explore(requests=120), explore(requests=120)

    assert [s.exchange.request for s in first.sender.seen] == [
        s.exchange.request for s in again.sender.seen
    ]
