"""What a run would send: data that can be repeated, and that means what it says."""

import json
from dataclasses import replace

import pytest

from harness.contract.case import Case, Expect
from harness.contract.observation import Observation
from harness.contract.requests import drawn, fixed
from harness.contract.requests.draw import draw
from harness.contract.requests.odd import odd_cases
from harness.contract.run.reduction import reduce
from harness.contract.topics.catalogue import BY_ID
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.routes import compat, native
from harness.routes.address import Address, Credentials
from tests.contract.answers import MODEL, asked, plain, seen


def send(gateway: Gateway, case: Case) -> int:
    """The status that the stand-in gives a case."""
    build = native.build if case.route == "native" else compat.build
    body = case.body
    credentials = Credentials("baseten-key")
    request = build(Address("http://x", "acc", "gw"), body, credentials=credentials)
    return gateway.handle(request, 0).status


@pytest.mark.parametrize("route", ["native", "compat"])
def test_the_stand_in_does_what_the_fixed_cases_expect(route: str) -> None:
    gateway = Gateway(Config())
    bounds = (*fixed.bound_cases(route, MODEL, 1), *fixed.optional_bound_cases(route, MODEL, 1))
    cases = [*fixed.chat_cases(route, MODEL, 1), *bounds]

    found = [(case.topic, case.expect, send(gateway, case)) for case in cases]

    assert [row for row in found if row[1] is Expect.ACCEPT and row[2] != 200] == []
    assert [row for row in found if row[1] is Expect.REJECT and row[2] < 400] == []


def test_drawn_cases_are_accepted_by_the_stand_in() -> None:
    gateway = Gateway(Config())
    cases = draw(drawn.chat_cases(route="native", model=MODEL), 100, number=1)

    found = {(case.expect, send(gateway, case)) for case in cases}

    assert len(cases) == 100
    assert found <= {(Expect.ACCEPT, 200), (Expect.EITHER, 200)}


@pytest.mark.parametrize("route", ["native", "compat"])
def test_odd_cases_are_json_to_which_the_stand_in_has_an_answer(route: str) -> None:
    gateway = Gateway(Config())
    cases = draw(odd_cases(route=route, model=MODEL), 60, number=1)

    answers = {(case.topic, send(gateway, case)) for case in cases}

    assert {topic for topic, _ in answers} >= {"drawn: a key twice", "drawn: header bytes"}
    assert {status for _, status in answers} <= {200, 400}
    texts = [case.body for case in cases if isinstance(case.body, bytes)]
    assert texts
    assert all(isinstance(json.loads(text), dict) for text in texts)


def test_a_number_draws_the_same_cases_again() -> None:
    strategy = drawn.chat_cases(route="native", model=MODEL)

    first, again, other = (draw(strategy, 20, number=n) for n in (7, 7, 8))

    assert first == again
    assert first != other


def test_a_number_draws_the_same_cases_for_both_chat_routes() -> None:
    native_cases, compat_cases = (
        draw(drawn.chat_cases(route=route, model=MODEL), 20, number=5)
        for route in ("native", "compat")
    )

    assert [replace(case, route="compat") for case in native_cases] == compat_cases


def test_every_case_can_be_written_as_json() -> None:
    for case in draw(drawn.model_cases(), 50, number=3):
        assert json.dumps(case.asked)


def test_the_cost_of_a_case_is_bounded_by_its_limit() -> None:
    assert asked(max_tokens=16).cost < 100
    assert asked().cost >= 4096


def test_a_failing_request_is_reduced_to_what_matters() -> None:
    case = asked(max_tokens=32, temperature=1, top_p=0.5, stop=["x"], user="somebody")
    case = replace(
        case,
        body={
            **case.asked,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Tell me something about rivers, please."},
            ],
        },
    )
    sent: list[Case] = []

    def answer(smaller: Case) -> Observation:
        sent.append(smaller)
        return seen(smaller, plain(object="x") if "stop" in smaller.asked else plain())

    check = BY_ID["plain-object"].check
    assert check is not None

    smallest = reduce(check, seen(case, plain(object="x")), answer, limit=30)

    assert set(smallest.case.asked) == {"model", "messages", "max_tokens", "stop"}
    assert smallest.case.asked["messages"] == [{"role": "user", "content": "Hi."}]
    assert len(sent) <= 30


def test_a_request_that_must_be_rejected_is_not_reduced() -> None:
    case = replace(asked(temperature=9), expect=Expect.REJECT)
    failing = seen(case, plain())

    def never(_: Case) -> Observation:
        raise AssertionError("nothing is sent")

    assert reduce(lambda _: (), failing, never, limit=5) is failing
