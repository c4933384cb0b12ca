"""The universal endpoint: steps, fallback, and what a step may set."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.defects.table import suited
from harness.gateway.behaviour import Behaviour
from harness.gateway.config import Config, RateLimit, UpstreamOutage
from harness.gateway.model import Gateway
from harness.gateway.timing import Timing
from harness.wire import Headers, Request, Response

MS = 1_000_000
MODEL, OTHER = "openai/gpt-oss-120b", "zai-org/GLM-4.6"
KEY = {"Authorization": "Bearer baseten-key", "Content-Type": "application/json"}


def step(model: str = MODEL, **more: Any) -> dict[str, Any]:
    """A native step; `more` overrides its fields."""
    messages = [{"role": "user", "content": "What is Cloudflare?"}]
    native = {
        "provider": "baseten",
        "endpoint": "v1/chat/completions",
        "headers": KEY,
        "query": {"model": model, "messages": messages},
    }
    return {**native, **more}


def compat(model: str = f"baseten/{MODEL}", **more: Any) -> dict[str, Any]:
    return step(model, provider="compat", endpoint="chat/completions", **more)


def post(body: Any, headers: Mapping[str, str] | None = None, path: str = "/v1/acc/gw") -> Request:
    fields = {"content-type": "application/json", **(headers or {})}
    return Request("POST", path, Headers(fields.items()), json.dumps(body).encode())


def code(response: Response) -> int:
    return int(json.loads(response.body)["error"][0]["code"])


@pytest.mark.parametrize("path", ["/v1/acc/gw", "/v1/acc/gw/"])
@pytest.mark.parametrize("first", [step(), compat()])
def test_a_single_step_is_answered_as_on_its_own_route(first: dict[str, Any], path: str) -> None:
    gateway = Gateway()

    response = gateway.handle(post([first], path=path), 0)

    assert response.status == 200
    assert json.loads(response.body)["model"] == MODEL
    assert response.headers.get("cf-aig-step") == "0"
    assert response.headers.get("cf-aig-log-id") == response.headers.get("cf-aig-request-id")
    assert gateway.log[-1].route == "universal"


def test_a_step_reaches_the_model_route_too() -> None:
    asked = step(endpoint="model/abcd1234", query={"prompt": "Hi", "max_tokens": 3})

    assert "output" in json.loads(Gateway().handle(post([asked]), 0).body)


def test_a_failed_step_hands_over_to_the_next() -> None:
    gateway = Gateway()

    response = gateway.handle(post([step("nobody/nothing"), compat()]), 0)

    assert response.status == 200
    assert response.headers.get("cf-aig-step") == "1"
    assert response.headers.get("cf-aig-log-id") != response.headers.get("cf-aig-request-id")
    assert [tried.status for tried in gateway.log[-1].steps] == [404, 200]
    assert gateway.log[-1].attempts == 2


def test_a_fallback_to_a_stream_is_streamed_later() -> None:
    config = Config(
        timing=Timing(ttft_ns=50 * MS), outage=UpstreamOutage(503, attempts=1, model=OTHER)
    )
    query = {**step()["query"], "stream": True}
    first = step(OTHER, config={"maxAttempts": 1})
    asked = [first, step(query=query)]

    response = Gateway(config).handle(post(asked), 0)

    assert response.media_type == "text/event-stream"
    assert response.headers.get("cf-aig-step") == "1"
    assert response.body.endswith(b"data: [DONE]\n\n")
    assert response.head_at_ns == 50 * MS


def test_a_step_that_takes_too_long_is_left_for_the_next() -> None:
    config = Config(timing=Timing(ttft_ns=300 * MS, itl_ns=0))
    slow = step(config={"requestTimeout": 100})

    response = Gateway(config).handle(post([slow, step()]), 0)

    assert response.headers.get("cf-aig-step") == "1"
    assert response.head_at_ns == 400 * MS


def test_each_step_is_retried_as_it_says_before_the_next_one() -> None:
    gateway = Gateway(Config(outage=UpstreamOutage(503, attempts=9, model=OTHER)))
    retried = step(OTHER, config={"maxAttempts": 3, "retryDelay": 100, "backoff": "exponential"})

    response = gateway.handle(post([retried, step()]), 0)

    assert [tried.attempts for tried in gateway.log[-1].steps] == [3, 1]
    assert response.head_at_ns >= 300 * MS


def test_when_all_steps_fail_the_last_error_is_the_answer() -> None:
    asked = post([step("nobody/a"), step("nobody/b")])

    response = Gateway().handle(asked, 0)
    hidden = Gateway(Config(behaviour=Behaviour(universal_last_error="400-2005"))).handle(asked, 0)

    assert (response.status, response.headers.get("cf-aig-step")) == (404, "1")
    assert (hidden.status, code(hidden)) == (400, 2005)


def test_config_wins_over_step_headers_and_these_over_request_headers() -> None:
    config = Config(outage=UpstreamOutage(503, attempts=9))
    by_request = {"cf-aig-max-attempts": "2"}
    by_step = {**KEY, "cf-aig-max-attempts": "3"}
    asked = [
        step(),
        step(headers=by_step),
        step(headers=by_step, config={"maxAttempts": 4}),
    ]
    gateway = Gateway(config)

    gateway.handle(post(asked, by_request), 0)

    assert [tried.attempts for tried in gateway.log[-1].steps] == [2, 3, 4]


def test_a_step_may_refuse_the_cache_that_the_request_asks_for() -> None:
    gateway = Gateway()
    cached, uncached = step(), step(OTHER, headers={**KEY, "cf-aig-cache-ttl": "0"})
    headers = {"cf-aig-cache-ttl": "3600"}

    seen = [
        gateway.handle(post([one], headers), at * 10**9).headers.get("cf-aig-cache-status")
        for at, one in enumerate((cached, cached, uncached, uncached))
    ]

    assert seen == ["MISS", "HIT", "MISS", "MISS"]


def test_the_provider_key_of_the_request_is_no_steps_key() -> None:
    keyless = step(headers={})
    given = {"authorization": "Bearer baseten-key"}
    inherits = Behaviour(universal_authorization="step-or-request")

    assert Gateway().handle(post([keyless], given), 0).status == 401
    assert Gateway(Config(behaviour=inherits)).handle(post([keyless], given), 0).status == 200
    older = step(headers={}, authorization="Bearer baseten-key")
    assert Gateway().handle(post([older]), 0).status == 200


def test_an_unknown_gateway_and_a_missing_token_are_what_clients_look_for() -> None:
    unknown = Gateway().handle(post([step()], path="/v1/acc/other"), 0)
    config = suited(Config(), "gateway-token-ignored")
    token = {"cf-aig-authorization": f"Bearer {config.gateway_token}"}
    locked = Gateway(config).handle(post([step()]), 0)
    opened = Gateway(config).handle(post([step()], token), 0)

    assert (unknown.status, code(unknown)) == (400, 2001)
    assert (locked.status, code(locked)) == (401, 2009)
    assert opened.status == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        [1],
        [{}],
        "text",
        [step(), None],
        [step(headers=[])],
        [step(headers={"a": {}})],
        [step(config="fast")],
        [step(provider=5)],
        [step(endpoint=None)],
    ],
)
def test_what_is_no_list_of_steps_is_refused(body: Any) -> None:
    other = Config(behaviour=Behaviour(universal_bad_body="400-2019"))

    assert code(Gateway().handle(post(body), 0)) == 2001
    assert code(Gateway(other).handle(post(body), 0)) == 2019


def test_another_method_is_refused() -> None:
    assert Gateway().handle(replace(post([step()]), method="GET"), 0).status == 400


def test_an_unknown_provider_ends_the_request_or_is_a_failed_step() -> None:
    asked = post([step(provider="nobody"), step()])
    falls = Config(behaviour=Behaviour(universal_refused_step="fall-back"))

    refused = Gateway().handle(asked, 0)

    assert (refused.status, code(refused)) == (400, 2008)
    assert Gateway(falls).handle(asked, 0).headers.get("cf-aig-step") == "1"


def test_an_expired_timeout_hands_over_whatever_errors_do() -> None:
    config = Config(behaviour=Behaviour(universal_fallback="retryable"))
    slow = step(config={"requestTimeout": 1})

    response = Gateway(config).handle(post([slow, step()]), 0)

    assert (response.status, response.headers.get("cf-aig-step")) == (200, "1")


def test_which_errors_fall_back_is_a_switch() -> None:
    asked = post([step("nobody/nothing"), step()])
    retryable = Config(behaviour=Behaviour(universal_fallback="retryable"))

    assert Gateway(retryable).handle(asked, 0).status == 404
    assert Gateway().handle(asked, 0).status == 200


@pytest.mark.parametrize(("counted", "statuses"), [("request", [200, 200]), ("step", [200, 429])])
def test_what_the_rate_limit_counts_is_a_switch(counted: str, statuses: list[int]) -> None:
    behaviour = Behaviour(universal_rate_count=counted)
    gateway = Gateway(Config(rate_limit=RateLimit(2, 60), behaviour=behaviour))
    asked = post([step("nobody/nothing"), step()])

    assert [gateway.handle(asked, 0).status for _ in range(2)] == statuses


def test_a_custom_domain_has_it_at_the_root() -> None:
    gateway = Gateway(Config(custom_domain=True))

    assert gateway.handle(post([step()], path="/"), 0).status == 200
