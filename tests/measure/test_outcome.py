"""The closed set of outcomes."""

import pytest

from harness.errors import TransportError, TransportKind
from harness.measure.outcome import OWN, Outcome, own_outcomes


@pytest.mark.parametrize("kind", list(TransportKind))
def test_every_transport_error_has_an_outcome_of_its_name(kind: TransportKind) -> None:
    assert Outcome.of_error(TransportError(kind, "")) == kind.value


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.OK),
        (204, Outcome.OK),
        (307, Outcome.REDIRECTED),
        (400, Outcome.HTTP_4XX),
        (401, Outcome.UNAUTHORIZED),
        (403, Outcome.UNAUTHORIZED),
        (424, Outcome.HTTP_4XX),
        (429, Outcome.RATE_LIMITED),
        (500, Outcome.HTTP_5XX),
        (524, Outcome.HTTP_5XX),
        (529, Outcome.OVERLOADED),
        (101, Outcome.HTTP_OTHER),
        (999, Outcome.HTTP_OTHER),
    ],
)
def test_a_status_has_one_outcome(status: int, outcome: Outcome) -> None:
    assert Outcome.of_status(status) is outcome


def test_what_the_client_did_is_no_error_of_the_target() -> None:
    assert {"dropped", "client_limit", "proxy", "cancelled"} == OWN


def test_an_answer_that_never_came_is_the_targets_unless_the_run_was_interrupted() -> None:
    assert Outcome.CANCELLED not in own_outcomes(interrupted=False)
    assert own_outcomes(interrupted=True) == OWN
