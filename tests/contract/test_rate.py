"""What the probe of a rate limit makes of requests that were not sent or not answered."""

from dataclasses import replace

import pytest

from harness.contract.clause import Unjudged
from harness.contract.observation import Observation, observe
from harness.contract.run import standin
from harness.contract.run.budget import Budget, BudgetError
from harness.contract.run.standin import TARGET
from harness.contract.topics.rate import (
    ATTEMPTS,
    BEYOND,
    RateAttempt,
    RateScene,
    _flood,
    one_more_is_refused,
)
from harness.errors import TransportError, TransportKind
from tests.contract.answers import asked, plain, seen
from tests.contract.stages import staged


class Ending(Budget):
    """A budget that is used up by the time, while requests are left."""

    def reserve(self, tokens: int) -> None:
        if self.requests == 30:
            raise BudgetError("the time for this run is used up")
        super().reserve(tokens)


def lost() -> Observation:
    error = TransportError(TransportKind.RESET, "reset")
    found = seen(asked(), b"", error=error)
    return observe(1, found.case, replace(found.exchange, response=None))


def test_a_flood_that_the_end_of_a_run_cut_is_not_judged() -> None:
    scene = RateScene()
    with standin.mock(TARGET) as embedded:
        stage = staged(embedded, "native", ())
        stage.sender.budget = Ending()
        with pytest.raises(BudgetError):
            _flood(stage, scene, 30, 60)

    assert scene.seen == ()


def attempts(beyond: Observation) -> RateScene:
    """Two whole attempts at a limit of three, each quick, with the same answer beyond the limit."""
    passed = seen(asked(), plain())
    attempt = RateAttempt([passed] * 3, dict.fromkeys(BEYOND, beyond), passed)
    return RateScene(attempts=[attempt] * ATTEMPTS)


def test_what_was_never_answered_was_not_let_through() -> None:
    assert one_more_is_refused(attempts(seen(asked(), plain())))
    assert isinstance(one_more_is_refused(attempts(lost())), Unjudged)
