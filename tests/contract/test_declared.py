"""What was declared and required is judged, or the run is unknown."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from harness.contract.clause import Result
from harness.contract.run.doubt import explain_unmet
from harness.contract.run.results import Results
from harness.contract.run.standin import TARGET
from harness.contract.run.verdict import conclude
from harness.contract.run.waits import Patience, RunClock, lacks, note_lacking
from harness.contract.topics.catalogue import BY_ID, CLAUSES
from harness.defects.make import make_gateway
from harness.errors import UsageError
from harness.gateway.config import Config, RateLimit
from harness.gateway.server import LocalGateway
from harness.settings import Expectations, Target, load_settings, resolve_target
from harness.settings import RateLimit as DeclaredLimit
from harness.verification import options_for
from tests.contract.answers import asked, plain, seen
from tests.contract.runs import judged

REAL = RunClock(time.monotonic_ns, time.sleep)
RATE = frozenset(clause.id for clause in CLAUSES if clause.probe == "rate")


@contextmanager
def limited(enforced: RateLimit | None, *, defect: str | None = None) -> Iterator[Target]:
    """A gateway on a socket that is said to let 12 requests through in a second."""
    config = Config(rate_limit=enforced, epoch_ns=time.time_ns(), gateway_token=standin_token())
    with LocalGateway(make_gateway(config, defect=defect)) as gateway:
        address = replace(TARGET.address, origin=gateway.url)
        yield replace(
            TARGET, address=address, expectations=Expectations(rate_limit=DeclaredLimit(12, 1))
        )


def standin_token() -> str:
    token = TARGET.credentials.gateway_token
    assert token is not None
    return token


def failing(ledger: Results) -> set[str]:
    return {e.clause.id for e in ledger.entries.values() if e.result is Result.FAIL}


def test_a_limit_that_is_absent_is_seen_on_a_socket_or_the_run_is_unknown() -> None:
    with limited(None) as target:
        ledger = judged(target, routes=("native",), clauses=RATE)

    assert conclude(ledger, required=("rate",)).verdict != "pass"
    assert failing(ledger) <= {"rate-refuses", "rate-window", "rate-exact"}
    unmet = ledger.entries["rate-recovers", "native"]
    assert unmet.result is Result.NOT_EXERCISED


@pytest.mark.parametrize("defect", ["rate-limit-500", "rate-limit-one-more"])
def test_a_limit_that_is_broken_is_never_green_on_a_socket(defect: str) -> None:
    with limited(RateLimit(12, 1), defect=defect) as target:
        ledger = judged(target, routes=("native",), clauses=RATE)

    assert conclude(ledger, required=("rate",)).verdict != "pass"


def test_a_limit_that_is_kept_is_not_accused_on_a_socket() -> None:
    with limited(RateLimit(12, 1)) as target:
        ledger = judged(target, routes=("native",), clauses=RATE)

    assert failing(ledger) == set()


def test_what_was_declared_and_gave_no_occasion_is_unknown() -> None:
    ledger = Results([BY_ID["cache-hit"], BY_ID["route-answers"]], ["native"])
    ledger.see(seen(asked(), plain()))

    explain_unmet(ledger)

    assert ledger.entries["cache-hit", "native"].result is Result.NOT_EXERCISED
    assert conclude(ledger).verdict == "unknown"


@pytest.mark.parametrize(
    ("declared", "need"),
    [
        (Expectations(auth=True, rate_limit=DeclaredLimit(600, 60)), "rate"),
        (Expectations(auth=True, cache_ttl=300), "cache"),
    ],
)
def test_required_means_judged(declared: Expectations, need: str) -> None:
    target = replace(TARGET, expectations=declared)
    clauses = [clause for clause in CLAUSES if need in clause.needs]
    ledger = Results([*clauses, BY_ID["route-answers"]], ["native"])
    ledger.see(seen(asked(), plain()))
    note_lacking(ledger, target, clock=REAL)

    required = conclude(ledger, required=(need,))

    assert required.verdict == "unknown"
    assert any("--patience 3m waits longer" in reason for reason in required.reasons)


def test_patience_waits_for_longer_windows_and_times() -> None:
    declared = Expectations(cache_ttl=120, rate_limit=DeclaredLimit(50, 5))
    target = replace(TARGET, expectations=declared)

    found = [
        [
            lacks(BY_ID[clause], "native", target, clock=REAL, patience=patience)
            for clause in ("rate-refuses", "cache-expires")
        ]
        for patience in (Patience(180.0, 75), Patience())
    ]

    assert found == [[None, None], ["clock", "clock"]]


@pytest.mark.parametrize(("text", "seconds"), [("3m", 180.0), ("90s", 90.0), ("0.5h", 1800.0)])
def test_patience_is_a_duration(text: str, seconds: float) -> None:
    target = resolve_target("mock", load_settings(environment={}))

    assert options_for(target, patience=text, environment={}).wait_s == seconds
    with pytest.raises(UsageError, match="expected a duration such as"):
        options_for(target, patience="soon", environment={})
