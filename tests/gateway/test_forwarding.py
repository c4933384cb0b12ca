"""Timeouts, retries and a failing provider."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.gateway.behaviour import Behaviour
from harness.gateway.config import Config, UpstreamOutage
from harness.gateway.model import Gateway
from harness.gateway.timing import Timing
from harness.wire import Request

Ask = Callable[..., Request]

MS = 1_000_000
SLOW = Config(timing=Timing(ttft_ns=300 * MS, itl_ns=0))


def _ask(chat: Ask, **options: Any) -> Request:
    headers = {f"cf-aig-{name.replace('_', '-')}": str(value) for name, value in options.items()}
    return chat({"stream": True}, headers=headers)


def test_an_expired_timeout_is_a_failed_provider(chat: Ask) -> None:
    response = Gateway(SLOW).handle(_ask(chat, request_timeout=100), 0)

    assert (response.status, response.head_at_ns) == (400, 100 * MS)
    assert json.loads(response.body)["internalCode"] == 2005


@pytest.mark.parametrize("status", ["408", "504", "524"])
def test_what_an_expired_timeout_answers_is_a_switch(chat: Ask, status: str) -> None:
    config = Config(timing=SLOW.timing, behaviour=Behaviour(request_timeout=status))

    assert Gateway(config).handle(_ask(chat, request_timeout=100), 0).status == int(status)


def test_a_timeout_that_does_not_expire_changes_nothing(chat: Ask) -> None:
    response = Gateway(SLOW).handle(_ask(chat, request_timeout=301), 0)

    assert (response.status, response.head_at_ns) == (200, 300 * MS)


def test_the_last_attempt_waits_until_completion(chat: Ask) -> None:
    asked = _ask(chat, request_timeout=100, max_attempts=3, retry_delay=10)
    gateway = Gateway(SLOW)

    response = gateway.handle(asked, 0)

    assert response.status == 200
    assert response.head_at_ns == (100 + 10 + 100 + 10 + 300) * MS
    assert gateway.log[-1].attempts == 3


@pytest.mark.parametrize(
    ("backoff", "waited"), [("constant", 30), ("linear", 60), ("exponential", 70)]
)
def test_a_failing_provider_is_tried_again_after_the_backoff(
    chat: Ask, backoff: str, waited: int
) -> None:
    config = Config(outage=UpstreamOutage(503, 3), timing=Timing(ttft_ns=5 * MS, itl_ns=0))
    asked = _ask(chat, max_attempts=4, retry_delay=10, backoff=backoff)

    response = Gateway(config).handle(asked, 0)

    assert (response.status, response.head_at_ns) == (200, (waited + 5) * MS)


def test_attempts_that_do_not_suffice_end_in_the_providers_error(chat: Ask) -> None:
    response = Gateway(Config(outage=UpstreamOutage(503, 9))).handle(_ask(chat, max_attempts=2), 0)

    assert (response.status, json.loads(response.body)["code"]) == (503, 503)


def test_without_options_there_is_one_attempt(chat: Ask) -> None:
    gateway = Gateway(Config(outage=UpstreamOutage(529, 1)))

    assert gateway.handle(chat(), 0).status == 529
    assert gateway.log[-1].attempts == 1


def test_a_provider_that_cannot_be_reached_is_2005(chat: Ask) -> None:
    response = Gateway(Config(outage=UpstreamOutage(None, 1))).handle(chat(), 0)

    assert (response.status, json.loads(response.body)["internalCode"]) == (400, 2005)


def test_hiding_the_providers_status_is_a_switch(chat: Ask) -> None:
    config = Config(outage=UpstreamOutage(500, 1), behaviour=Behaviour(upstream_failure="400-2005"))

    assert json.loads(Gateway(config).handle(chat(), 0).body)["internalCode"] == 2005


def test_what_the_client_did_wrong_is_not_tried_again(chat: Ask) -> None:
    gateway = Gateway()
    headers = {"cf-aig-max-attempts": "5"}

    gateway.handle(chat({"temperature": 9}, headers=headers), 0)

    assert gateway.log[-1].attempts == 1


def test_a_provider_that_limits_is_not_tried_again(chat: Ask) -> None:
    gateway = Gateway(Config(outage=UpstreamOutage(429, 1)))

    response = gateway.handle(_ask(chat, max_attempts=3), 0)

    assert (response.status, gateway.log[-1].attempts) == (429, 1)


def test_a_routes_extra_time_delays_the_whole_answer(chat: Ask) -> None:
    timing = Timing(ttft_ns=5 * MS, itl_ns=MS, tokens=3, route_extra_ns=(("compat", 40 * MS),))
    gateway = Gateway(Config(timing=timing))

    native = gateway.handle(chat({"stream": True}), 0)
    compat = gateway.handle(chat({"stream": True}, route="compat"), 0)

    assert compat.head_at_ns - native.head_at_ns == 40 * MS
    assert compat.end_at_ns - native.end_at_ns == 40 * MS
