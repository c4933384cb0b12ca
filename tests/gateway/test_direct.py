"""The provider without the gateway, and what the gateway adds to it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.defects.make import make_gateway
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.timing import Timing
from harness.wire import Request, Response

Ask = Callable[..., Request]

MS = 1_000_000
CHAT = "/upstream/v1/chat/completions"
PREDICT = "/upstream/model/abcd1234/predict"
OVERHEAD = tuple((route, 3 * MS) for route in ("native", "compat", "model"))
TOKEN = "gateway-token"  # noqa: S105 - the public one
QUICK = Timing(ttft_ns=100 * MS, itl_ns=MS, tokens=3)


def direct(gateway: Gateway, request: Request, path: str, at_ns: int = 0) -> Response:
    return gateway.handle(replace(request, url=path), at_ns)


def test_the_answer_is_the_one_behind_the_gateway_without_its_fields(chat: Ask) -> None:
    direct_one = direct(Gateway(Config()), chat(), CHAT)
    through = Gateway(Config()).handle(chat(), 0)

    assert direct_one.status == 200
    assert direct_one.body == through.body
    assert not [name for name, _ in direct_one.headers if name.lower().startswith("cf-")]
    assert "x-baseten-request-id" in direct_one.headers


def test_the_model_answers_on_a_path_of_its_own(predict: Ask) -> None:
    direct_one = direct(Gateway(Config()), predict(), PREDICT)

    assert direct_one.body == Gateway(Config()).handle(predict(), 0).body


def test_the_gateways_rules_do_not_count(chat: Ask) -> None:
    gateway = make_gateway(Config(gateway_token=TOKEN, cache_ttl=60), defect="empty-200")

    first, second = direct(gateway, chat(), CHAT), direct(gateway, chat(), CHAT, 1000 * MS)

    assert (first.status, second.status) == (200, 200)
    assert first.body != second.body
    assert first.body


def test_the_provider_demands_its_key(chat: Ask) -> None:
    gateway = Gateway(Config())

    assert direct(gateway, chat(key=None), CHAT).status == 401
    assert direct(gateway, chat(key="Bearer wrong"), CHAT).status == 401
    assert direct(gateway, chat(key="Api-Key baseten-key"), CHAT).status == 200


def test_an_unknown_path_is_not_found(chat: Ask) -> None:
    assert direct(Gateway(Config()), chat(), "/upstream/none").status == 404


def test_the_log_has_the_request_without_a_route_of_the_gateway(chat: Ask) -> None:
    gateway = Gateway(Config())

    direct(gateway, chat({"stream": True}), CHAT, 7)

    entry = gateway.log[-1]
    assert (entry.route, entry.status, entry.at_ns, entry.attempts) == (None, 200, 7, 1)


@pytest.mark.parametrize("stream", [True, False])
def test_the_overhead_is_what_the_gateway_adds_before_the_first_byte(
    chat: Ask, predict: Ask, stream: bool
) -> None:
    config = Config(timing=replace(QUICK, route_extra_ns=OVERHEAD))
    asked = {"stream": stream}

    without = direct(Gateway(config), chat(asked), CHAT)
    routes = [chat(asked), chat(asked, route="compat")]
    through = [Gateway(config).handle(request, 0) for request in routes]
    model = Gateway(config).handle(predict({"prompt": "Hi", **asked}), 0)
    alone = direct(Gateway(config), predict({"prompt": "Hi", **asked}), PREDICT)

    for answer in through:
        assert answer.head_at_ns - without.head_at_ns == 3 * MS
        assert answer.end_at_ns - without.end_at_ns == 3 * MS
    assert model.head_at_ns - alone.head_at_ns == 3 * MS


def test_both_ways_share_the_providers_slots(chat: Ask) -> None:
    gateway = Gateway(Config(timing=Timing(ttft_ns=100 * MS, itl_ns=0), slots=1, queue=0))
    gateway.handle(chat(), 0)

    assert direct(gateway, chat(), CHAT).status == 529
