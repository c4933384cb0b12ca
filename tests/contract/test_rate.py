"""What the probe of a rate limit makes of requests that were not sent or not answered."""

from dataclasses import replace

import pytest

from harness.contract.clause import Unjudged
from harness.contract.observation import Observation, observe
from harness.contract.run import standin
from harness.contract.run.budget import Budget, BudgetError
from harness.contract.topics.rate import ATTEMPTS, BEYOND, _flood, one_more_is_refused
from harness.errors import TransportError, TransportKind
from tests.contract.answers import asked, plain, seen
from tests.contract.runs import SUBJECT
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
    with standin.mock(SUBJECT) as embedded:
        stage = staged(embedded, "native", ())
        stage.sender.budget = Ending()
        with pytest.raises(BudgetError):
            _flood(stage, 30, 60)

    assert [name for name in stage.scene if name.startswith("flood")] == []


def attempts(beyond: Observation) -> dict[str, Observation]:
    """Two whole attempts at a limit of three, each quick, with the same answer beyond the limit."""
    scene: dict[str, Observation] = {}
    for number in range(ATTEMPTS):
        scene |= {f"allowed_{number}_{n}": seen(asked(), plain()) for n in range(3)}
        scene |= {f"{name}_{number}": beyond for name in BEYOND}
        scene[f"half_{number}"] = seen(asked(), plain())
    return scene


def test_what_was_never_answered_was_not_let_through() -> None:
    assert one_more_is_refused(attempts(seen(asked(), plain())))
    assert isinstance(one_more_is_refused(attempts(lost())), Unjudged)
