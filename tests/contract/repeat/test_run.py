"""Repeated requests as a part of a contract run: its budget, its end, its document."""

import pytest

from harness.contract.options import DEFAULT_REQUESTS, RunOptions
from harness.contract.repeat.objectives import Judged
from harness.contract.repeat.rates import share_of
from harness.contract.repeat.repetition import Repetition, requests_of
from harness.contract.run import standin
from harness.contract.run.budget import Budget
from harness.contract.run.exploration import Exploration
from harness.contract.run.progress import RunProgress
from harness.contract.run.results import Results
from harness.contract.run.sender import Sender
from harness.contract.run.session import RunOutcome, perform
from harness.contract.run.standin import TARGET
from harness.contract.run.thread import carry_out
from harness.contract.run.verdict import conclude
from harness.contract.topics.catalogue import CLAUSES
from harness.errors import UsageError
from harness.settings import load_settings, resolve_target
from harness.verification import options_for
from tests.schemas import problems


def performed(options: RunOptions) -> RunOutcome:
    """A run on the mock of one clause only, and of what is repeated."""
    pairs = [("usage-sum", "native"), ("usage-sum", "compat")]
    return perform(TARGET, options, pairs=pairs)


def test_the_document_with_rates_keeps_its_schema() -> None:
    found = performed(
        RunOptions(
            repeat=3,
            max_requests=500,
            threshold=("tool_call >= 20%",),
            defect="empty-calls:1-of-2@native",
        )
    )

    assert problems("conformance", found.document) == []
    assert found.document["rates"]["pairs"]
    assert found.document["rates"]["objectives"]


def test_a_run_without_repeating_has_no_rates() -> None:
    found = performed(RunOptions())

    assert "rates" not in found.document
    assert found.rates == ()


def test_the_whole_run_stays_within_its_requests() -> None:
    found = performed(RunOptions(repeat=40, max_requests=120))

    assert found.document["cost"]["requests"] <= 120
    assert "the budget of 120 requests is used up" in found.document["rates"]["ended"]


def test_the_default_of_requests_grows_by_what_is_repeated() -> None:
    target = resolve_target("mock", load_settings())

    assert options_for(target, repeat=10).max_requests == DEFAULT_REQUESTS + requests_of(10)
    with pytest.raises(UsageError, match="needs --repeat N"):
        options_for(target, threshold=["tool_call >= 98%"])


def test_ctrl_c_ends_repeated_requests_in_order() -> None:
    with standin.mock(TARGET) as embedded:
        parts = (embedded.transport, embedded.clock, Budget(), "run")
        exploration = Exploration(
            Sender(embedded.target, *parts), Results(CLAUSES[:1], ("native", "compat"))
        )
        repetition = Repetition(Sender(embedded.target, *parts), 100_000)

        def interrupt(now: RunProgress) -> None:
            if repetition.answers and not now.stopping:
                raise KeyboardInterrupt

        interrupted = carry_out(exploration, interrupt, repetition=repetition)

    assert interrupted
    assert repetition.ended == "interrupted"
    assert repetition.answers


@pytest.mark.parametrize(
    ("result", "verdict", "code"),
    [("pass", "unknown", 3), ("fail", "fail", 1), ("unknown", "unknown", 3)],
)
def test_an_objective_decides_the_verdict(result: str, verdict: str, code: int) -> None:
    objective = Judged("tool_call >= 98%", "native", result, share_of([True]))

    found = conclude(Results(CLAUSES[:1], ("native",)), objectives=[objective])

    assert (found.verdict, found.exit_code) == (verdict, code)
    assert any("tool_call" in reason for reason in found.reasons) is (result != "pass")
