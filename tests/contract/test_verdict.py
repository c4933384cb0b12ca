"""From results to one verdict, waivers and outages included."""

from datetime import date
from pathlib import Path

import pytest

from harness.contract.case import Case, Expect
from harness.contract.clause import Clause, Fault, Result
from harness.contract.observation import observe
from harness.contract.run.budget import Budget, BudgetError
from harness.contract.run.outage import common_refusal, outage
from harness.contract.run.results import Results
from harness.contract.run.verdict import conclude
from harness.contract.run.waivers import Waiver, apply, read_waivers
from harness.contract.topics.catalogue import BY_ID, CLAUSES
from harness.errors import Layer, TransportError, TransportKind, UsageError
from harness.transports.exchange import Exchange
from harness.wire import Request
from tests.contract.answers import asked, plain, seen

MUST, SHOULD, RECORD = (BY_ID[name] for name in ("usage-sum", "log-id-present", "record-get"))
CACHE = BY_ID["cache-hit"]
BROKEN = (Fault("13", "14", "usage"),)


def ledger(
    *kept: Clause, broken: tuple[Clause, ...] = (), lacking: tuple[Clause, ...] = ()
) -> Results:
    """A ledger of one route with these clauses kept, broken, and lacking a setting."""
    made = Results([*kept, *broken, *lacking], ("native",))
    for entry in made.entries.values():
        if entry.clause in lacking:
            entry.lacks = entry.clause.needs[0]
        else:
            entry.note(BROKEN if entry.clause in broken else (), ())
    return made


def test_kept_clauses_pass() -> None:
    verdict = conclude(ledger(MUST, SHOULD))

    assert (verdict.verdict, verdict.word, verdict.exit_code) == ("pass", "compatible", 0)
    assert verdict.line == "pass: native"


def test_a_broken_must_fails() -> None:
    verdict = conclude(ledger(SHOULD, broken=(MUST,)))

    assert (verdict.verdict, verdict.word, verdict.exit_code) == ("fail", "incompatible", 1)
    assert verdict.reasons == ("usage-sum broken on native",)


def test_a_broken_should_fails_only_when_strict() -> None:
    found = ledger(MUST, broken=(SHOULD,))

    assert conclude(found).verdict == "pass"
    assert conclude(found, strict=True).verdict == "fail"


def test_a_must_that_was_not_exercised_is_unknown() -> None:
    found = Results([MUST, SHOULD], ("native",))
    found.entries["log-id-present", "native"].note((), ())
    found.missing("the budget of 5 requests is used up")

    verdict = conclude(found)
    assert (verdict.verdict, verdict.exit_code) == ("unknown", 3)
    assert verdict.reasons == (
        "the budget of 5 requests is used up (1 MUST clauses not exercised)",
    )


def test_nothing_judged_at_all_is_never_green() -> None:
    assert conclude(Results([], ("native",))).verdict == "unknown"


def test_what_is_not_declared_is_named_and_can_be_required() -> None:
    found = ledger(MUST, lacking=(CACHE,))

    assert conclude(found).line == "pass: native; not declared: cache"
    assert conclude(found, required=("cache",)).verdict == "unknown"


def test_a_broken_must_outranks_an_outage() -> None:
    found = ledger(broken=(MUST,))
    found.entries["other", "compat"] = Results([MUST], ("compat",)).entries["usage-sum", "compat"]
    found.missing("outage, provider: HTTP 503", route="compat", out=True)

    verdict = conclude(found)
    assert verdict.verdict == "fail"
    assert verdict.routes == ("native",)


def waiver(expires: date) -> Waiver:
    return Waiver("usage-sum", "native", "known", "https://example.com/1", expires)


def test_a_waiver_makes_a_failure_acceptable_until_it_expires() -> None:
    day = date(2026, 11, 23)
    found = ledger(SHOULD, broken=(MUST,))

    assert apply([waiver(day)], found, today=day) == []
    assert found.entries["usage-sum", "native"].result is Result.WAIVED
    assert conclude(found).word == "compatible_with_waivers"


def test_expired_and_stale_waivers_fail() -> None:
    day = date(2026, 11, 23)
    expired = apply([waiver(date(2026, 11, 22))], ledger(broken=(MUST,)), today=day)
    stale = apply([waiver(day)], ledger(MUST), today=day)

    assert expired == ["waiver for usage-sum on native expired on 2026-11-22"]
    assert stale == ["waiver for usage-sum on native is stale: the clause passes"]
    assert conclude(ledger(MUST), complaints=stale).verdict == "fail"


def toml(**changes: str) -> str:
    """A good waiver with these values replaced; values are TOML."""
    values = {
        "clause": "'usage-sum'",
        "route": "'native'",
        "reason": "'known'",
        "link": "'https://example.com/1'",
        "expires": "2026-12-31",
    }
    return "\n".join(["[[waiver]]", *(f"{k} = {v}" for k, v in (values | changes).items())])


def test_an_expired_waiver_fails_though_its_clause_was_not_asked() -> None:
    found = apply([waiver(date(2026, 11, 22))], ledger(SHOULD), today=date(2026, 11, 23))

    assert found == ["waiver for usage-sum on native expired on 2026-11-22"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("waiver = 1", "expected \\[\\[waiver\\]\\]"),
        ("[[waiver]]\nclause = 'x'", "expected the keys clause, route"),
        (toml(clause="'x'"), "there is no clause 'x'"),
        (toml(clause="1"), "clause: expected text"),
        (toml(route="'model'"), "route: usage-sum is about native, compat"),
        (toml(clause="'record-get'"), "record-get is a RECORD clause"),
        (toml(reason="' '"), "reason: expected text"),
        (toml(expires="'soon'"), "expected a date"),
        (toml(expires="2026-12-31T00:00:00Z"), "expected a date"),
        (f"{toml()}\n{toml()}", "waiver 2: usage-sum on native is waived twice"),
        ("[[", "not valid TOML"),
    ],
)
def test_a_wrong_waiver_file_says_where(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "waivers.toml"
    path.write_text(text)

    with pytest.raises(UsageError, match=words):
        read_waivers(path, CLAUSES)


def test_a_budget_is_reserved_before_and_settled_after() -> None:
    budget = Budget(max_requests=3, max_tokens=100)

    budget.reserve(60)
    budget.settle(60, 10)
    budget.reserve(60)
    with pytest.raises(BudgetError, match="100 tokens"):
        budget.reserve(60)

    assert (budget.requests, budget.tokens, budget.left) == (2, 70, 1)


def test_dollars_are_capped_by_the_price_of_a_token() -> None:
    budget = Budget(max_cost=0.01, dollars_per_token=0.0001)

    budget.reserve(99)
    with pytest.raises(BudgetError, match=r"\$0.01"):
        budget.reserve(2)


@pytest.mark.parametrize(
    ("kind", "whole_origin"),
    [(TransportKind.REFUSED, True), (TransportKind.TLS, True), (TransportKind.RESET, False)],
)
def test_no_answer_is_an_outage(kind: TransportKind, whole_origin: bool) -> None:
    error = TransportError(kind, "127.0.0.1: no")
    exchange = Exchange(Request("POST", "http://127.0.0.1/"), 0, None, error)

    found = outage(observe(1, asked(), exchange))

    assert found is not None
    assert found.whole_origin is whole_origin
    assert found.layer is error.layer


@pytest.mark.parametrize("status", [429, 500, 503, 529])
def test_an_overloaded_target_is_an_outage_for_good_requests_only(status: int) -> None:
    body = b'{"message": "busy", "type": "x", "code": 1}'
    bad = Case("native", {}, "no messages", Expect.REJECT)

    assert outage(seen(asked(), body, status=status)) is not None
    assert outage(seen(bad, body, status=status)) is None


def test_a_provider_that_failed_behind_the_gateway_is_an_outage() -> None:
    body = b'{"success": false, "error": [{"code": 2005, "message": "Failed to get response"}]}'

    found = outage(seen(asked(), body, status=400))

    assert found is not None
    assert found.layer is Layer.PROVIDER


def test_a_refusal_counts_only_when_every_route_says_it() -> None:
    refused = seen(asked(), b'{"error": "Invalid API key"}', status=401)
    good = seen(asked("compat"), plain())

    assert common_refusal({"native": refused, "compat": good}) is None
    found = common_refusal({"native": refused, "compat": refused})
    assert found is not None
    assert "HTTP 401: Invalid API key on every route" in str(found)


def test_a_selection_says_that_it_is_one() -> None:
    found = Results([MUST], ("native",))
    found.entries[MUST.id, "native"].note((), ())

    assert conclude(found, left_out=3).line == "pass: native; a selection, 3 clauses left out"


def test_waivers_alone_break_no_route() -> None:
    found = ledger(MUST)

    line = conclude(found, complaints=["waiver for usage-sum on native is stale"]).line
    assert line == "fail: the waivers; kept: native"


def test_the_wrong_key_of_a_waiver_is_named(tmp_path: Path) -> None:
    path = tmp_path / "waivers.toml"
    path.write_text('[[waiver]]\nclause = "usage-sum"\nreson = "soon"\n', "utf-8")

    with pytest.raises(UsageError, match=r"route is missing, .*reson is not known"):
        read_waivers(path, [MUST])


def test_streams_that_are_held_back_are_on_the_line_even_as_a_warning() -> None:
    ledger = Results([BY_ID["stream-unbatched"], BY_ID["route-answers"]], ["compat"])
    ledger.see(seen(asked("compat"), plain()))
    entry = ledger.entries["stream-unbatched", "compat"]
    entry.note((Fault("small parts", "3 arrivals", "request 7"),), (seen(asked(), plain()),))

    verdict = conclude(ledger)

    assert verdict.verdict == "pass"
    assert "streams are held back: compat" in verdict.line
