"""Evidence quotes what the target said, obeys none of it, and names the exchanges that show it."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from harness.contract.answer.reading import ABSENT
from harness.contract.clause import Clause, Level
from harness.contract.fault import LIMIT, fault, told, unequal
from harness.contract.options import RunOptions
from harness.contract.output.files import junit
from harness.contract.output.rows import by_weight, followed, layer
from harness.contract.run.results import MOST_SHOWN, Entry, Results
from harness.contract.run.session import perform
from harness.contract.run.standin import TARGET
from harness.contract.run.verdict import REMEDIES, conclude
from harness.contract.run.waivers import apply, read_waivers
from harness.contract.topics.catalogue import BY_ID, CLAUSES
from harness.defects.table import killed_by
from harness.errors import UsageError
from tests.contract.answers import good_chunks, seen, sse, streamed
from tests.contract.runs import explore

NOT_EXERCISED = {
    "log-id-unique": "no defect of the catalogue breaks it",
    "answer-is-http": "the mock is no socket",
}
WHOLE = [
    (clause, killed_by(clause.id)[0])
    for clause in CLAUSES
    if clause.whole is not None and clause.id not in NOT_EXERCISED and killed_by(clause.id)
]


@pytest.mark.parametrize("said", [" stop", "\x1b[2Jstop", "stop\r\n::error::no", "x" * 5000])
def test_what_a_target_said_is_quoted_and_cut(said: str) -> None:
    came = fault("stop", said, "finish_reason").came

    assert came.startswith("'" + repr(said)[1:20])
    assert came.isprintable()
    assert len(came) <= LIMIT


def test_our_own_words_hide_nothing_that_a_terminal_obeys() -> None:
    came = told("a whole answer", "cut: \x1b]0;title\x07 and\nmore" + "y" * 5000, "the body").came

    assert came.startswith(r"cut: \x1b]0;title\x07 and\nmoreyy")
    assert came.isprintable()
    assert len(came) == LIMIT


def test_two_texts_are_shown_around_their_first_difference() -> None:
    same = "x" * 5000
    found = unequal(f"{same}abc", f"{same}abd", "text", expected="{}, as before")

    assert found.expected == f"…{'x' * 38}abc', as before"
    assert found.came == f"…{'x' * 38}abd'"
    assert unequal("short", "shirt", "text").came == "'shirt'"
    assert unequal("abc", "abcdef", "text").came == "'abcdef'"


def test_what_is_not_there_is_nothing() -> None:
    assert fault("a usage object", ABSENT, "$.usage").came == "nothing"


@pytest.mark.parametrize(("clause", "defect"), WHOLE, ids=lambda value: str(value)[:40])
def test_a_finding_over_a_whole_run_shows_the_exchanges_that_it_names(
    clause: Clause, defect: str
) -> None:
    exploration = explore(defect=defect, seed=1)
    broken = [e for e in exploration.ledger.failing() if e.clause.id == clause.id]

    assert broken, f"{defect} was not seen by {clause.id}"
    for found in broken:
        named = found.faults[0].requests
        assert named
        assert [each.number for each in found.shown] == list(named[-MOST_SHOWN:])


def test_of_a_sequence_the_exchange_whose_body_is_quoted_is_the_guilty_one() -> None:
    clause = next(clause for clause in CLAUSES if clause.scene is not None)
    first, second = (seen(streamed(), sse(good_chunks()), number=n) for n in (1, 2))
    quoted = first.response.body if first.response else b""
    other = seen(streamed(), b"data: [DONE]\n\n", number=3)
    found = Entry(clause, "native")

    found.note((told("a", "b", "c", quoted),), (first, other))
    assert found.guilty is first

    found = Entry(clause, "native")
    found.note((told("a", "b", "c"),), (first, second))
    assert found.guilty is second


def entry(clause: str, *broken_by: int, of: int = 4, route: str = "native") -> Entry:
    """A failing clause that these requests broke."""
    found = Entry(BY_ID[clause], route)
    for number in range(1, of + 1):
        faults = (told("a", "b", "c"),) if number in broken_by else ()
        found.note(faults, (seen(streamed(), sse(good_chunks()), number=number),))
    return found


def ledger_of(*entries: Entry) -> Results:
    ledger = Results([each.clause for each in entries], ("native",))
    ledger.entries.update({(each.clause.id, each.route): each for each in entries})
    return ledger


def test_failures_are_listed_by_what_they_cost() -> None:
    should, rare = entry("log-id-present", 1, 2, 3), entry("usage-sum", 1)
    often = entry("plain-fields", 1, 2)

    assert sorted([should, rare, often], key=by_weight) == [often, rare, should]


def test_what_the_same_requests_broke_follows_what_more_of_them_broke() -> None:
    ledger = ledger_of(entry("stream-done", 1, 2), entry("usage-sum", 2), entry("plain-fields", 3))

    assert followed(ledger) == {("usage-sum", "native"): "stream-done"}


def test_a_clause_over_a_sequence_is_never_the_cause_of_one_over_an_exchange() -> None:
    scene = Entry(BY_ID["universal-step"], "native")
    scene.note((told("a", "b", "c"),), (seen(streamed(), sse(good_chunks()), number=1),))

    assert followed(ledger_of(scene, entry("stream-done", 1))) == {
        ("universal-step", "native"): "stream-done"
    }


def test_an_answer_from_the_cache_is_the_gateways_own() -> None:
    hit = seen(streamed(), sse(good_chunks()), headers=[("cf-aig-cache-status", "HIT")])
    found = Entry(BY_ID["stream-done"], "native")
    found.note((told("a", "b", "c"),), (hit,))

    assert layer(found) == "gateway"


def test_junit_fails_for_a_should_only_where_it_binds() -> None:
    should = next(clause for clause in CLAUSES if clause.level is Level.SHOULD and clause.check)
    ledger = ledger_of(entry(should.id, 1), entry("stream-done", 1))
    took = {(should.id, "native"): 0.25}

    for strict, failures in ((False, "1"), (True, "2")):
        text = junit(ledger, str, strict=strict, took=took)
        (suite,) = Xml.fromstring(text)  # noqa: S314 - our own file
        assert suite.get("failures") == failures
        assert suite[0].get("time") == "0.250"
        assert (suite[0].find("system-out") is None) == strict


def test_the_page_says_why_a_broken_clause_matters_and_what_is_next(tmp_path: Path) -> None:
    options = RunOptions(defect="missing-done", max_requests=40, out=tmp_path)
    outcome = perform(TARGET, options)

    assert f"- `stream-done`: {BY_ID['stream-done'].rationale[:20]}" in outcome.markdown
    assert "`gateway-harness replay failures/stream-done-" in outcome.markdown


def test_drafted_waivers_waive_what_failed(tmp_path: Path) -> None:
    file = tmp_path / "waivers.toml"
    options = RunOptions(defect="missing-done", max_requests=40, out=tmp_path, write_waivers=file)

    first = perform(TARGET, options)
    waived = perform(TARGET, replace(options, write_waivers=None, waivers=file))

    assert first.verdict.verdict == "fail"
    assert "MUST broken" in first.verdict.line
    assert {each.result for each in waived.failing} == {"waived"}
    assert all("until" in (each.waived or "") for each in waived.failing)
    assert waived.verdict.tally["waived"] >= 1
    assert "MUST broken" not in waived.verdict.tally


def test_drafts_never_take_the_place_of_waivers_that_are_there(tmp_path: Path) -> None:
    file = tmp_path / "waivers.toml"
    file.write_text(WAIVER.format("all"))

    with pytest.raises(UsageError, match="is there already; drafts go into a new file"):
        perform(TARGET, RunOptions(write_waivers=file))
    assert file.read_text() == WAIVER.format("all")


WAIVER = """
[[waiver]]
clause = "stream-done"
route = "{}"
reason = "known"
link = "ticket 1"
expires = 2026-12-31
"""


def test_a_waiver_may_be_for_all_routes_of_its_clause(tmp_path: Path) -> None:
    file = tmp_path / "waivers.toml"
    file.write_text(WAIVER.format("all"))
    ledger = Results([BY_ID["stream-done"]], ("native", "compat"))
    ledger.entries["stream-done", "native"] = entry("stream-done", 1)
    kept = entry("stream-done", route="compat")
    ledger.entries["stream-done", "compat"] = kept

    complaints = apply(read_waivers(file, CLAUSES), ledger, today=date(2026, 12, 1))

    assert complaints == []
    assert ledger.entries["stream-done", "native"].waived.startswith("known (ticket 1")
    ledger.entries["stream-done", "native"] = entry("stream-done")
    again = apply(read_waivers(file, CLAUSES), ledger, today=date(2026, 12, 1))
    assert again == ["waiver for stream-done on all is stale: the clause passes"]


def test_a_route_that_all_covers_is_not_waived_again(tmp_path: Path) -> None:
    file = tmp_path / "waivers.toml"
    file.write_text(WAIVER.format("all") + WAIVER.format("native"))

    with pytest.raises(UsageError, match="waiver 2: stream-done on native is waived twice"):
        read_waivers(file, CLAUSES)


@pytest.mark.parametrize("setting", sorted(REMEDIES))
def test_what_is_required_and_not_declared_is_said_with_how_to_declare_it(setting: str) -> None:
    ledger = Results([BY_ID["stream-done"]], ("native",))
    ledger.entries["stream-done", "native"].lacks = setting

    [reason] = conclude(ledger, required=[setting]).reasons

    assert reason.startswith(f"required, but not declared: {setting}: {REMEDIES[setting]}")
