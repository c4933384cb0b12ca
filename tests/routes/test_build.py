"""What the builders of the three routes put on the wire."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.routes import compat, model, native
from harness.routes.address import Address, Credentials, GatewayOptions
from harness.routes.body import asks_stream, chat_body, encode
from harness.routes.build import build
from harness.routes.route import ROUTES, Route
from harness.wire import Request

GATEWAY = Address("https://gateway.ai.cloudflare.com", "acc", "gw")
KEYS = Credentials("baseten-key", "gateway-token")
BODY = {"model": "openai/gpt-oss-120b", "messages": [{"role": "user", "content": "What?"}]}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_the_routes_are_named_in_the_order_of_every_table() -> None:
    assert ROUTES == ("native", "compat", "model")
    assert Route("compat") is Route.COMPAT


def test_the_native_route_is_the_page_s_curl_example() -> None:
    request = native.build(GATEWAY, BODY, credentials=KEYS)

    assert request.method == "POST"
    assert request.url == (
        "https://gateway.ai.cloudflare.com/v1/acc/gw/baseten/v1/chat/completions"
    )
    assert request.headers.get("authorization") == "Bearer baseten-key"
    assert request.headers.get("cf-aig-authorization") == "Bearer gateway-token"
    assert request.headers.get("content-type") == "application/json"
    assert json.loads(request.body) == BODY


def test_the_sdk_path_has_no_version() -> None:
    request = native.build(GATEWAY, BODY, sdk_path=True)

    assert request.path == "/v1/acc/gw/baseten/chat/completions"


def test_the_compat_route_names_the_provider_in_the_model() -> None:
    request = compat.build(GATEWAY, BODY)

    assert request.path == "/v1/acc/gw/compat/chat/completions"
    assert json.loads(request.body) == BODY | {"model": "baseten/openai/gpt-oss-120b"}


@pytest.mark.parametrize(
    ("model_name", "sent"),
    [("baseten/a/b", "baseten/a/b"), (7, 7), (None, None), ("", "baseten/")],
)
def test_the_prefix_is_put_once_and_only_before_text(model_name: Any, sent: Any) -> None:
    request = compat.build(GATEWAY, {"model": model_name})

    assert json.loads(request.body)["model"] == sent


def test_a_compat_body_without_model_gets_none_and_bytes_keep_theirs() -> None:
    assert compat.build(GATEWAY, {}).body == b"{}"
    assert compat.build(GATEWAY, b'{"model": "x"}').body == b'{"model": "x"}'
    assert json.loads(compat.build(GATEWAY, BODY, prefix="").body) == BODY


@given(JSON)
def test_the_model_route_sends_any_json(value: Any) -> None:
    request = model.build(GATEWAY, value, model_id="abcd1234")

    assert request.path == "/v1/acc/gw/baseten/model/abcd1234"
    assert json.loads(request.body) == value


def test_path_segments_are_escaped() -> None:
    request = model.build(Address("http://h:1/", "a/b", "g w"), {}, model_id="../x?y")

    assert request.url == "http://h:1/v1/a%2Fb/g%20w/baseten/model/..%2Fx%3Fy"


def test_a_custom_domain_has_no_account_and_gateway_in_its_path() -> None:
    address = Address("https://ai.example.com/", custom_domain=True)

    assert compat.build(address, {}).url == "https://ai.example.com/compat/chat/completions"


def test_without_credentials_none_are_sent() -> None:
    request = native.build(GATEWAY, BODY)

    assert "authorization" not in request.headers
    assert "cf-aig-authorization" not in request.headers


def test_every_option_becomes_its_header() -> None:
    options = GatewayOptions(
        cache_ttl=60,
        skip_cache=True,
        cache_key="k",
        metadata={"run": "r1", "n": 1, "x": False, "name": "ü"},
        collect_log=False,
        request_timeout_ms=500,
        max_attempts=2,
        retry_delay_ms=100,
        backoff="linear",
        event_id="e-1",
        byok_alias="other",
        custom_cost={"per_token_in": 0.1},
    )

    request = native.build(GATEWAY, BODY, credentials=Credentials(byok_alias="a"), options=options)

    sent = {name: value for name, value in request.headers if name.startswith("cf-aig-")}
    assert sent == {
        "cf-aig-cache-ttl": "60",
        "cf-aig-skip-cache": "true",
        "cf-aig-cache-key": "k",
        "cf-aig-metadata": '{"run":"r1","n":1,"x":false,"name":"\\u00fc"}',
        "cf-aig-collect-log": "false",
        "cf-aig-request-timeout": "500",
        "cf-aig-max-attempts": "2",
        "cf-aig-retry-delay": "100",
        "cf-aig-backoff": "linear",
        "cf-aig-event-id": "e-1",
        "cf-aig-byok-alias": "other",
        "cf-aig-custom-cost": '{"per_token_in":0.1}',
    }


def test_extra_fields_replace_those_of_their_name_and_may_repeat() -> None:
    options = GatewayOptions(extra=(("CONTENT-TYPE", "text/plain"), ("x-a", "1"), ("x-a", "2")))

    request = native.build(GATEWAY, b"x", options=options)

    assert request.headers.get_all("content-type") == ("text/plain",)
    assert request.headers.get_all("x-a") == ("1", "2")


def test_own_traffic_names_itself() -> None:
    assert (native.build(GATEWAY, {}).headers.get("user-agent") or "").startswith("gateway-harness")


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\0b", "snow\u2603"])
def test_a_value_that_a_header_cannot_carry_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(UsageError, match="header Authorization: expected") as raised:
        native.build(GATEWAY, {}, credentials=Credentials(provider_key=value))

    assert value not in str(raised.value)


def test_a_secret_is_not_in_the_representation() -> None:
    assert "baseten-key" not in repr(KEYS)
    assert "gateway-token" not in repr(KEYS)


@pytest.mark.parametrize("body", [{"x": float("nan")}, {"x": {1, 2}}, {"x": object()}])
def test_a_body_that_is_not_json_is_refused(body: Any) -> None:
    with pytest.raises(UsageError, match="request body: expected a JSON value"):
        encode(body)


def test_a_lone_surrogate_is_sent_as_an_escape() -> None:
    assert encode({"x": "\ud83d ü"}) == b'{"x":"\\ud83d \\u00fc"}'
    assert encode({"x": "ü"}) == '{"x":"ü"}'.encode()


@pytest.mark.parametrize(
    ("body", "asks"),
    [
        (b'{"stream": true}', True),
        (b'{"stream": false}', False),
        (b'{"stream": 1}', False),
        (b'{"messages": ["\\"stream\\": true"]}', False),
        (b'["stream"]', False),
        (b'{"stream": true', False),
        (b"[" * 100_000 + b'"stream"', False),
        (b'\xff"stream"', False),
        (b"", False),
    ],
)
def test_only_a_stream_field_that_is_true_asks_for_a_stream(body: bytes, *, asks: bool) -> None:
    assert asks_stream(body) is asks


def test_a_chat_body_leaves_out_what_is_none() -> None:
    body = chat_body("Hi", model="m", stream=True, max_tokens=5, stop=None)

    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "max_tokens": 5,
    }
    assert chat_body([{"role": "user", "content": "Hi"}], model="m") == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
    }


def test_building_twice_gives_equal_requests() -> None:
    def build() -> Request:
        return native.build(GATEWAY, BODY, credentials=KEYS)

    assert build() == build()


def test_each_route_is_built_by_its_own_builder() -> None:
    built = [build(route, GATEWAY, BODY, model_id="abc", credentials=KEYS) for route in ROUTES]

    assert built == [
        native.build(GATEWAY, BODY, credentials=KEYS),
        compat.build(GATEWAY, BODY, credentials=KEYS),
        model.build(GATEWAY, BODY, model_id="abc", credentials=KEYS),
    ]


def test_an_unknown_route_and_a_model_without_an_id_are_the_callers_fault() -> None:
    with pytest.raises(UsageError, match=r"'nativ'; expected native, compat or model"):
        build("nativ", GATEWAY, BODY)
    with pytest.raises(UsageError, match="needs a model id"):
        build("model", GATEWAY, BODY)
