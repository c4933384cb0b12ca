"""When a run gives a route up, and when only some of its requests fail."""

from collections.abc import Callable

from harness.contract.case import Case
from harness.contract.observation import Observation
from harness.contract.run import standin
from harness.contract.run.budget import Budget
from harness.contract.run.confirm import ask_lasting
from harness.contract.run.exploration import Exploration
from harness.contract.run.results import Results
from harness.contract.run.sender import Sender, Transport
from harness.contract.run.standin import TARGET
from harness.contract.topics.catalogue import CLAUSES
from harness.transports.exchange import Exchange, Timeouts
from harness.wire import Headers, Request, Response
from tests.contract.answers import asked, seen
from tests.contract.runs import failing


class Failing:
    """A transport that answers 500 itself where `fails` says so."""

    def __init__(self, transport: Transport, fails: Callable[[Request], bool]) -> None:
        self._transport = transport
        self._fails = fails

    def send(self, request: Request, *, timeouts: Timeouts | None = None) -> Exchange:
        if self._fails(request):
            return Exchange(request, 0, Response(500, Headers(), (), 0))
        return self._transport.send(request, timeouts=timeouts)


def explored(fails: Callable[[Request], bool]) -> Exploration:
    with standin.mock(TARGET) as embedded:
        transport = Failing(embedded.transport, fails)
        sender = Sender(embedded.target, transport, embedded.clock, Budget(120), "test", Timeouts())
        run = Exploration(sender, Results(CLAUSES, ("native", "compat")), again=0, reductions=0)
        run.run()
    return run


def test_a_route_on_which_only_some_requests_fail_is_not_given_up() -> None:
    run = explored(lambda request: b"response_format" in request.body)

    assert run.health.outages == {}
    assert "no-lasting-500" in failing(run)


def test_a_route_on_which_everything_fails_after_a_while_is_given_up() -> None:
    seen: list[Request] = []

    def fails(request: Request) -> bool:
        seen.append(request)
        return len(seen) > 10

    run = explored(fails)

    assert set(run.health.outages) == {"native", "compat"}
    assert len(seen) < 60


def test_what_was_answered_by_500_is_asked_again_until_it_is_known_whether_it_lasts() -> None:
    lasting, passing, refused = (asked(user=name) for name in ("lasting", "passing", "refused"))
    asked_again: list[str] = []

    def send(case: Case) -> Observation:
        asked_again.append(case.asked["user"])
        return seen(case, {"error": "no"}, status=500 if case == lasting else 200)

    run = [seen(case, {"error": "no"}, status=500) for case in (lasting, passing)]
    run += [seen(refused, {"error": "no"}, status=400)]
    ask_lasting(run, send)

    assert asked_again == ["lasting", "lasting", "passing"]
