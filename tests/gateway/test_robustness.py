"""Whatever a request holds, the gateway answers it, and always in the same way."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.defects.make import make_gateway
from harness.defects.table import DEFECTS
from harness.gateway.behaviour import SWITCHES, Behaviour
from harness.gateway.config import Config, RateLimit
from harness.gateway.model import Gateway
from harness.gateway.upstream.validation import KNOWN_FIELDS
from harness.wire import End, Headers, Request, Response

KEY = ("Authorization", "Bearer baseten-key")
JSON_TYPE = ("Content-Type", "application/json")
PATHS = st.sampled_from(
    [
        "/v1/acc/gw/baseten/v1/chat/completions",
        "/v1/acc/gw/baseten/chat/completions",
        "/v1/acc/gw/compat/chat/completions",
        "/v1/acc/gw/baseten/model/abcd1234",
        "/v1/acc/gw/baseten/v1/models",
    ]
)
URLS = st.one_of(PATHS, st.text(max_size=60), st.text(max_size=20).map("/v1/acc/gw/".__add__))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from([10**400, "required", "json_schema", "function", "tool", "text"]),
)
NAMES = ["type", "function", "name", "schema", "json_schema", "role", "content"]
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["type", "function", "name", "schema", "json_schema", "role", "content"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)
MESSAGES = st.just([{"role": "user", "content": "Hello"}])
CHATS = st.builds(
    lambda model, messages, others: {"model": model, "messages": messages, **others},
    st.sampled_from(["openai/gpt-oss-120b", "baseten/openai/gpt-oss-120b"]),
    st.one_of(MESSAGES, MESSAGES, st.lists(VALUES, max_size=3)),
    st.dictionaries(
        st.sampled_from(sorted(KNOWN_FIELDS)),
        st.one_of(VALUES, st.sampled_from([1, 0.5, True, "none", ["a"], [1]])),
        max_size=3,
    ),
)
BODIES = st.one_of(
    CHATS.map(lambda document: json.dumps(document).encode()),
    VALUES.map(lambda document: json.dumps(document).encode()),
    st.binary(max_size=200),
)
OPTIONS = st.dictionaries(
    st.sampled_from(
        [
            "cf-aig-cache-ttl",
            "cf-aig-skip-cache",
            "cf-aig-cache-key",
            "cf-aig-metadata",
            "cf-aig-max-attempts",
            "cf-aig-request-timeout",
            "cf-aig-backoff",
            "cf-aig-event-id",
            "cf-aig-authorization",
            "cf-aig-byok-alias",
            "Content-Type",
            "Authorization",
        ]
    ),
    st.one_of(st.text(max_size=10), st.sampled_from(["60", "true", "1", "5", "exponential"])),
    max_size=3,
)
REQUESTS = st.builds(
    lambda method, url, options, body: Request(
        method, url, Headers((*options.items(), KEY, JSON_TYPE)), body
    ),
    st.one_of(st.just("POST"), st.just("POST"), st.text(max_size=8)),
    URLS,
    OPTIONS,
    BODIES,
)
BEHAVIOURS = st.fixed_dictionaries(
    {}, optional={switch.name: st.sampled_from(switch.choices) for switch in SWITCHES}
)


def _check(response: Response) -> None:
    times = [response.head_at_ns, *(chunk.at_ns for chunk in response.chunks), response.end_at_ns]
    assert 100 <= response.status <= 599
    assert times == sorted(times)
    assert response.end is End.COMPLETE
    if response.media_type == "application/json" and response.body:
        json.loads(response.body)


@given(st.lists(st.tuples(REQUESTS, st.integers(-(10**9), 10**12)), max_size=5), BEHAVIOURS)
@settings(deadline=None, max_examples=300)
def test_every_request_is_answered_and_always_alike(
    requests: list[tuple[Request, int]], switches: dict[str, Any]
) -> None:
    config = Config(cache_ttl=60, rate_limit=RateLimit(3, 60), behaviour=Behaviour(**switches))
    one, other = Gateway(config), Gateway(config)

    for request, at_ns in requests:
        response = one.handle(request, at_ns)
        _check(response)
        assert response == other.handle(request, at_ns)
    assert list(one.log) == list(other.log)


@given(st.sampled_from(list(DEFECTS)), st.lists(REQUESTS, min_size=1, max_size=3))
@settings(deadline=None, max_examples=300)
def test_a_defect_never_raises_either(name: str, requests: list[Request]) -> None:
    gateway = make_gateway(Config(cache_ttl=60), defect=name)

    for request in requests:
        response = gateway.handle(request, 0)
        times = [response.head_at_ns, *(chunk.at_ns for chunk in response.chunks)]
        assert times == sorted(times)


def test_deep_huge_and_twisted_bodies_are_answered() -> None:
    model, hello = '"model":"openai/gpt-oss-120b"', '"messages":[{"role":"user","content":"x"}]'
    bodies = [
        "[" * 50_000,
        '{"a":' * 900 + "1" + "}" * 900,
        f'{{{model},"messages":' + "[" * 800 + "]" * 800 + "}",
        f'{{{model},{hello},"max_tokens":{"9" * 4000}}}',
        f'{{{model},{hello},"seed":1e999}}',
        f'{{{model},{hello},"user":"\\ud800"}}',
        f'{{{model},{hello},"stop":["\\ud83d"]}}',
        f'{{{model},"messages":[{{"role":"user","content":"{"x" * 3_000_000}"}}]}}',
    ]
    gateway = Gateway()

    for body in bodies:
        request = Request(
            "POST",
            "/v1/acc/gw/baseten/v1/chat/completions",
            Headers((KEY, JSON_TYPE)),
            body.encode(),
        )
        _check(gateway.handle(request, 0))


def test_a_body_above_the_frontends_limit_is_413() -> None:
    body = b'{"model":"openai/gpt-oss-120b","messages":[]}' + b" " * (45 * 1024 * 1024)
    path = "/v1/acc/gw/baseten/v1/chat/completions"

    response = Gateway().handle(Request("POST", path, Headers((KEY, JSON_TYPE)), body), 0)

    assert response.status == 413
