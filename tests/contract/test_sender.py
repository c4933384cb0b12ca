"""What a sender holds back from the checks: passing failures, and what the run's end cut off."""

from collections.abc import Iterator

import pytest

from harness.contract.case import Case
from harness.contract.run.budget import Budget, BudgetError
from harness.contract.run.sender import GRACE_S, LATE, TAKEN_AT_ITS_WORD, Sender
from harness.contract.run.standin import TARGET
from harness.contract.run.waits import RunClock
from harness.errors import TransportError, TransportKind
from harness.transports.exchange import Exchange, Timeouts
from harness.wire import Headers, Request, Response

CASE = Case("native", {"model": "m", "messages": []}, "by hand")


class Scripted:
    """A transport that answers with the given statuses in turn, or hangs until its bound."""

    def __init__(self, statuses: Iterator[int | None]) -> None:
        self.statuses = statuses
        self.totals: list[float | None] = []

    def send(self, request: Request, *, timeouts: Timeouts | None = None) -> Exchange:
        self.totals.append(timeouts.total if timeouts else None)
        status = next(self.statuses)
        if status is None:
            error = TransportError(TransportKind.TOTAL_TIMEOUT, "hung")
            return Exchange(request, 0, None, error)
        return Exchange(request, 0, Response(status, Headers(), (), 0))


def sender(*statuses: int | None, now_s: float = 0, deadline_s: float | None = None) -> Sender:
    clock = RunClock(lambda: int(now_s * 1e9), lambda _: None)
    made = Sender(TARGET, Scripted(iter(statuses)), clock, Budget(), "t", Timeouts(total=30.0))
    made.deadline_ns = None if deadline_s is None else int(deadline_s * 1e9)
    return made


def test_a_500_that_does_not_come_back_is_passing() -> None:
    made = sender(500, 400)

    assert made.send(CASE).status == 400
    assert [(s.status, s.passing) for s in made.seen] == [(500, True), (400, False)]


def test_a_500_that_comes_back_twice_is_judged() -> None:
    made = sender(500, 500, 500)

    assert made.send(CASE).status == 500
    assert [s.passing for s in made.seen] == [False, False, False]


def test_a_target_whose_500s_last_is_taken_at_its_word() -> None:
    made = sender(*[500] * 20)

    for _ in range(TAKEN_AT_ITS_WORD + 3):
        made.send(CASE)

    assert len(made.seen) == 3 * TAKEN_AT_ITS_WORD + 3


@pytest.mark.parametrize("status", [429, 502, 503, 504, 520, 524, 529, 530])
def test_some_statuses_are_passing_without_asking_again(status: int) -> None:
    made = sender(status)

    assert made.send(CASE).passing


def test_nothing_is_sent_after_the_deadline() -> None:
    with pytest.raises(BudgetError, match=LATE):
        sender(200, now_s=10, deadline_s=10).send(CASE)


def test_what_the_end_of_the_run_cuts_off_is_not_seen() -> None:
    made = sender(None, now_s=8, deadline_s=10)

    with pytest.raises(BudgetError, match=LATE):
        made.send(CASE)

    assert made.seen == []
    assert isinstance(made.transport, Scripted)
    assert made.transport.totals == [2 + GRACE_S]
