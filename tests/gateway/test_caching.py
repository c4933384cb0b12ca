"""The cache as a client sees it: MISS, HIT, and what makes two requests the same."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.gateway.behaviour import Behaviour
from harness.gateway.config import Config, RateLimit
from harness.gateway.model import Gateway
from harness.wire import Request

Ask = Callable[..., Request]

SECOND = 1_000_000_000
CACHING = Config(cache_ttl=60)


def _statuses(gateway: Gateway, requests: list[Request], seconds: list[int]) -> list[str | None]:
    return [
        gateway.handle(request, at * SECOND).headers.get("cf-aig-cache-status")
        for request, at in zip(requests, seconds, strict=True)
    ]


@pytest.mark.parametrize("route", ["native", "compat", "sdk"])
def test_the_same_request_is_served_from_the_cache_until_its_ttl(chat: Ask, route: str) -> None:
    asked = chat(route=route)

    statuses = _statuses(Gateway(CACHING), [asked] * 4, [0, 1, 59, 61])

    assert statuses == ["MISS", "HIT", "HIT", "MISS"]


def test_a_hit_is_the_same_bytes_under_new_ids(chat: Ask) -> None:
    gateway = Gateway(CACHING)

    fresh, kept = gateway.handle(chat(), 0), gateway.handle(chat(), SECOND)

    assert kept.body == fresh.body
    assert kept.headers.get("content-type") == fresh.headers.get("content-type")
    assert kept.headers.get("cf-aig-log-id") != fresh.headers.get("cf-aig-log-id")
    assert kept.head_at_ns < fresh.head_at_ns


def test_without_a_ttl_nothing_is_cached(chat: Ask) -> None:
    assert _statuses(Gateway(), [chat()] * 2, [0, 1]) == ["MISS", "MISS"]


def test_a_request_can_bring_its_own_ttl(chat: Ask) -> None:
    asked = chat(headers={"cf-aig-cache-ttl": "120"})

    assert _statuses(Gateway(), [asked] * 3, [0, 110, 130]) == ["MISS", "HIT", "MISS"]


def test_a_ttl_of_zero_switches_the_cache_off_for_the_request(chat: Ask) -> None:
    asked = chat(headers={"cf-aig-cache-ttl": "0"})

    assert _statuses(Gateway(CACHING), [asked] * 2, [0, 1]) == ["MISS", "MISS"]


def test_skip_cache_bypasses_what_is_kept_and_leaves_it_there(chat: Ask) -> None:
    skip = chat(headers={"cf-aig-skip-cache": "true"})

    statuses = _statuses(Gateway(CACHING), [chat(), skip, chat()], [0, 1, 2])

    assert statuses == ["MISS", "MISS", "HIT"]


def test_whether_a_skipping_request_is_kept_is_a_switch(chat: Ask) -> None:
    skip = chat(headers={"cf-aig-skip-cache": "true"})
    writing = replace(CACHING, behaviour=Behaviour(skip_cache_writes=True))

    assert _statuses(Gateway(CACHING), [skip, chat()], [0, 1]) == ["MISS", "MISS"]
    assert _statuses(Gateway(writing), [skip, chat()], [0, 1]) == ["MISS", "HIT"]


@pytest.mark.parametrize(
    "other",
    [
        {"document": {"messages": [{"role": "user", "content": "Else?"}]}},
        {"document": {"temperature": 0.5}},
        {"document": {"model": "zai-org/GLM-5"}},
        {"key": "Api-Key baseten-key"},
        {"route": "sdk", "document": {"n": 1}},
    ],
)
def test_what_the_key_holds_tells_requests_apart(chat: Ask, other: dict[str, Any]) -> None:
    document = other.pop("document", None)

    statuses = _statuses(Gateway(CACHING), [chat(), chat(document, **other)], [0, 1])

    assert statuses == ["MISS", "MISS"]


def test_native_and_compat_do_not_share_answers(chat: Ask) -> None:
    body = {"model": "baseten/openai/gpt-oss-120b"}

    statuses = _statuses(Gateway(CACHING), [chat(body), chat(body, route="compat")], [0, 1])

    assert statuses == [None, "MISS"]


def test_a_wrong_key_does_not_get_the_answer_of_a_right_one(chat: Ask) -> None:
    gateway = Gateway(CACHING)

    gateway.handle(chat(), 0)

    assert gateway.handle(chat(key="Bearer other"), SECOND).status == 401


def test_metadata_and_options_are_not_in_the_key(chat: Ask) -> None:
    tagged = chat(headers={"cf-aig-metadata": '{"a": 1}', "cf-aig-event-id": "e"})

    assert _statuses(Gateway(CACHING), [chat(), tagged], [0, 1]) == ["MISS", "HIT"]


def test_a_custom_key_replaces_the_default_one_for_five_minutes(chat: Ask) -> None:
    asked = chat(headers={"cf-aig-cache-key": "k"})
    other = chat({"temperature": 1}, headers={"cf-aig-cache-key": "k"})

    statuses = _statuses(Gateway(), [asked, other, asked], [0, 299, 301])

    assert statuses == ["MISS", "HIT", "MISS"]


def test_streams_are_not_cached_unless_switched_on(chat: Ask) -> None:
    stream = chat({"stream": True})
    keeping = replace(CACHING, behaviour=Behaviour(stream_cached=True))

    assert _statuses(Gateway(CACHING), [stream] * 2, [0, 1]) == ["MISS", "MISS"]
    assert _statuses(Gateway(keeping), [stream] * 2, [0, 1]) == ["MISS", "HIT"]


def test_errors_are_not_cached_and_carry_no_cache_status(chat: Ask) -> None:
    wrong = chat({"temperature": 9})

    assert _statuses(Gateway(CACHING), [wrong] * 2, [0, 1]) == [None, None]


def test_two_requests_at_the_same_time_both_miss(chat: Ask) -> None:
    assert _statuses(Gateway(CACHING), [chat()] * 2, [0, 0]) == ["MISS", "MISS"]


def test_hits_do_not_count_for_the_rate_limit(chat: Ask) -> None:
    gateway = Gateway(replace(CACHING, rate_limit=RateLimit(1, 60)))

    statuses = [gateway.handle(chat(), at * SECOND).status for at in (0, 1, 2)]

    assert statuses == [200, 200, 200]
    assert gateway.handle(chat({"seed": 1}), 3 * SECOND).status == 429


def test_the_ghost_cache_serves_for_five_minutes(chat: Ask) -> None:
    ghost = Config(cache_ttl=0, behaviour=Behaviour(ghost_cache=True))

    assert _statuses(Gateway(ghost), [chat()] * 3, [0, 296, 304]) == ["MISS", "HIT", "MISS"]


def test_the_model_route_is_cached_too(predict: Ask) -> None:
    assert _statuses(Gateway(CACHING), [predict()] * 2, [0, 1]) == ["MISS", "HIT"]


def test_the_oldest_answers_go_when_there_are_too_many() -> None:
    from harness.gateway.cache import Cache
    from harness.wire import Response

    cache = Cache()
    for number in range(10_001):
        cache.put(str(number).encode(), Response(200), complete_ns=0, ttl_s=60)

    assert len(cache) == 10_000
    assert cache.get(b"0", 1) is None
    assert cache.get(b"10000", 1) is not None


def test_the_key_depends_on_the_bytes_of_the_body(chat: Ask) -> None:
    spaced = chat()
    spaced = replace(spaced, body=json.dumps(json.loads(spaced.body), indent=1).encode())

    assert _statuses(Gateway(CACHING), [chat(), spaced], [0, 1]) == ["MISS", "MISS"]
