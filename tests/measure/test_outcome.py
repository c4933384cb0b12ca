"""The closed set of outcomes."""

import pytest

from harness.errors import TransportError, TransportKind
from harness.measure.outcome import Outcome


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
