"""A redirect within the origin is followed like any SDK does; to another origin nothing goes."""

import pytest

from harness.contract.case import Case
from harness.contract.requests.fixed import body
from harness.contract.run import standin
from harness.contract.run.budget import Budget, BudgetError
from harness.contract.run.redirect import HOPS, next_hop
from harness.contract.run.sender import Sender
from harness.contract.run.standin import TARGET
from harness.transports.exchange import Exchange, Timeouts
from harness.wire import Headers, Request, Response
from tests.contract.answers import MODEL

REQUEST = Request("POST", "https://gw.example/v1/a", Headers([("Authorization", "x")]), b"{}")
CASE = Case("native", body(MODEL, "Say hello.", max_tokens=8), "by hand")


def redirected(location: str | None, *, status: int = 307) -> Request | None:
    fields = [] if location is None else [("location", location)]
    return next_hop(Exchange(REQUEST, 0, Response(status, Headers(fields), (), 0)))


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/v1/b", "https://gw.example/v1/b"),
        ("?region=eu", "https://gw.example/v1/a?region=eu"),
        ("//gw.example:443/v1/b#top", "https://gw.example:443/v1/b"),
        ("https://GW.example/v1/b", "https://GW.example/v1/b"),
    ],
)
@pytest.mark.parametrize("status", [307, 308])
def test_the_same_request_goes_on_within_the_origin(location: str, url: str, status: int) -> None:
    following = redirected(location, status=status)

    assert following == Request("POST", url, REQUEST.headers, REQUEST.body)


@pytest.mark.parametrize(
    "location",
    [
        None,
        "",
        "https://other.example/v1/a",
        "http://gw.example/v1/a",
        "https://gw.example:8443/v1/a",
        "https://user:pw@gw.example/v1/a",
        "https://gw.example:99999/",
        "https://[::bad/",
        "/with space",
        "/caf\xe9",
        "/" + "x" * 5000,
    ],
)
def test_nothing_goes_to_another_origin_or_to_no_url(location: str | None) -> None:
    assert redirected(location) is None


@pytest.mark.parametrize("status", [200, 301, 302, 303, 304])
def test_a_redirect_that_may_change_the_method_is_not_followed(status: int) -> None:
    assert redirected("/v1/b", status=status) is None


def test_each_hop_is_a_request_of_the_budget() -> None:
    with standin.mock(TARGET, variant="redirect") as embedded:
        budget = Budget(max_requests=10)
        sender = Sender(
            embedded.target, embedded.transport, embedded.clock, budget, "t", Timeouts()
        )

        seen = sender.send(CASE)
        together = sender.send_together([CASE, CASE])

        assert [s.status for s in (seen, *together)] == [200, 200, 200]
        assert [len(s.exchange.redirected) for s in (seen, *together)] == [1, 0, 0]
        assert budget.requests == embedded.arrived == 4


def test_a_budget_ends_between_two_hops() -> None:
    with standin.mock(TARGET, variant="redirect") as embedded:
        parts = (embedded.transport, embedded.clock, Budget(max_requests=1), "t", Timeouts())

        with pytest.raises(BudgetError):
            Sender(embedded.target, *parts).send(CASE)


class Loop:
    """A transport whose every answer is a redirect to the next of endless paths."""

    def send(self, request: Request, *, timeouts: Timeouts | None = None) -> Exchange:
        assert timeouts is not None
        headers = Headers([("location", f"{request.path}x")])
        return Exchange(request, 0, Response(307, headers, (), 0))


def test_a_loop_is_left_and_its_last_redirect_judged() -> None:
    with standin.mock(TARGET) as embedded:
        budget = Budget()
        sender = Sender(embedded.target, Loop(), embedded.clock, budget, "t", Timeouts())

        seen = sender.send(CASE)

    assert seen.status == 307
    assert budget.requests == HOPS + 1
