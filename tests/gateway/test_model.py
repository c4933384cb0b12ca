"""The gateway's own decisions: who is served, who is refused, and in which words."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.gateway.behaviour import Behaviour
from harness.gateway.config import Config, RateLimit
from harness.gateway.model import Gateway
from harness.wire import Headers, Request, Response

Ask = Callable[..., Request]

LOCKED = Config(gateway_token="gateway-token")  # noqa: S106  the stand-in's published default
TOKEN = {"cf-aig-authorization": "Bearer gateway-token"}


def _code(response: Response) -> int:
    """The code of a gateway error, after checking the whole nine-field envelope."""
    document = json.loads(response.body)
    (error,) = document["error"]
    assert document["success"] is False
    assert (document["result"], document["messages"]) == ([], [])
    assert document["name"] == "AiGatewayError"
    assert document["httpCode"] == response.status
    assert document["internalCode"] == error["code"]
    assert document["message"] == document["description"] == error["message"]
    code: int = error["code"]
    return code


def _with(**switches: Any) -> Config:
    return Config(behaviour=Behaviour(**switches))


@pytest.mark.parametrize("route", ["native", "compat", "sdk"])
def test_a_chat_request_is_served_on_every_route(chat: Ask, route: str) -> None:
    response = Gateway().handle(chat(route=route), 0)

    document = json.loads(response.body)
    assert (response.status, document["object"]) == (200, "chat.completion")
    assert document["model"] == "openai/gpt-oss-120b"


def test_a_predict_request_is_served(predict: Ask) -> None:
    response = Gateway().handle(predict(), 0)

    assert response.status == 200
    assert json.loads(response.body)["output"]


@pytest.mark.parametrize(
    ("switch", "status"), [("pass-through", 404), ("gateway-error", 400), ("rewrite-to-v1", 200)]
)
def test_the_sdk_path_is_a_switch(chat: Ask, switch: str, status: int) -> None:
    assert Gateway(_with(sdk_path=switch)).handle(chat(route="sdk"), 0).status == status


def test_an_absolute_url_is_routed_by_its_path(chat: Ask) -> None:
    asked = chat()

    moved = replace(asked, url=f"https://gateway.example{asked.url}?x=1#y")

    assert Gateway().handle(moved, 0).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/acc/other/baseten/v1/chat/completions",
        "/v1/other/gw/baseten/v1/chat/completions",
        "/v1/acc/gw",
        "/",
        "",
        "*",
        "/v2/acc/gw/baseten/v1/chat/completions",
        "//[broken",
    ],
)
def test_an_unknown_gateway_is_2001(chat: Ask, path: str) -> None:
    response = Gateway().handle(replace(chat(), url=path), 0)

    assert (response.status, _code(response)) == (400, 2001)
    assert "cf-aig-log-id" not in response.headers


def test_an_unknown_provider_is_2008(chat: Ask) -> None:
    response = Gateway().handle(replace(chat(), url="/v1/acc/gw/nobody/v1/chat/completions"), 0)

    assert (response.status, _code(response)) == (400, 2008)


def test_another_compat_path_is_2019(chat: Ask) -> None:
    response = Gateway().handle(replace(chat(), url="/v1/acc/gw/compat/responses"), 0)

    assert (response.status, _code(response)) == (400, 2019)
    assert "Compatibility endpoint: responses is not supported." in response.body.decode()


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"model": "gpt-oss-120b"}, 2019),
        ({"model": 7}, 2019),
        ({"messages": None}, 2019),
        ({"model": "nosuchvendor/some-model"}, 2008),
    ],
)
def test_a_compat_model_needs_a_known_prefix(
    chat: Ask, document: dict[str, Any], code: int
) -> None:
    response = Gateway().handle(chat(document, route="compat"), 0)

    assert (response.status, _code(response)) == (400, code)


def test_the_wording_of_an_unknown_prefix_is_a_switch(chat: Ask) -> None:
    asked = chat({"model": "a/b"}, route="compat")

    newer = Gateway().handle(asked, 0)
    older = Gateway(_with(compat_unknown_prefix="invalid-provider")).handle(asked, 0)

    assert json.loads(newer.body)["message"] == "Model not found: a/b"
    assert json.loads(older.body)["message"] == "Invalid provider"


def test_the_prefix_is_stripped_once(chat: Ask) -> None:
    twice = chat({"model": "baseten/baseten/openai/gpt-oss-120b"}, route="compat")

    gateway = Gateway()

    assert gateway.handle(twice, 0).status == 404
    assert gateway.log[-1].forwarded_model == "baseten/openai/gpt-oss-120b"


@pytest.mark.parametrize("token", [None, "Bearer wrong", "gateway-token", ""])
def test_an_authenticated_gateway_wants_its_token(chat: Ask, token: str | None) -> None:
    headers = {} if token is None else {"cf-aig-authorization": token}

    response = Gateway(LOCKED).handle(chat(headers=headers), 0)

    assert (response.status, _code(response)) == (401, 2009)


def test_an_authenticated_gateway_serves_who_has_its_token(chat: Ask) -> None:
    assert Gateway(LOCKED).handle(chat(headers=TOKEN), 0).status == 200


def test_an_open_gateway_ignores_a_token(chat: Ask) -> None:
    assert Gateway().handle(chat(headers={"cf-aig-authorization": "Bearer x"}), 0).status == 200


def test_a_lone_authorization_can_be_the_gateway_token_on_compat(chat: Ask) -> None:
    behaviour = Behaviour(compat_token_in_authorization=True)
    config = replace(LOCKED, behaviour=behaviour, stored_keys=(("default", "baseten-key"),))
    gateway = Gateway(config)

    lone = "Bearer gateway-token"

    assert gateway.handle(chat(route="compat", key=lone), 0).status == 200
    assert gateway.handle(chat(route="native", key=lone), 0).status == 401


@pytest.mark.parametrize("key", [None, "Bearer wrong", "baseten-key", "Basic x"])
@pytest.mark.parametrize("route", ["native", "compat", "model"])
def test_a_bad_provider_key_is_refused_by_the_provider(
    chat: Ask, predict: Ask, route: str, key: str | None
) -> None:
    asked = predict(key=key) if route == "model" else chat(route=route, key=key)

    response = Gateway().handle(asked, 0)

    assert response.status == 401
    assert isinstance(json.loads(response.body)["error"], str)
    assert "x-baseten-request-id" in response.headers


def test_the_provider_takes_both_of_its_schemes(chat: Ask) -> None:
    assert Gateway().handle(chat(key="Api-Key baseten-key"), 0).status == 200


def test_no_key_opens_a_provider_without_one(chat: Ask) -> None:
    assert Gateway(Config(provider_key="")).handle(chat(key="Bearer "), 0).status == 401


def test_a_stored_key_serves_requests_without_one(chat: Ask) -> None:
    config = Config(stored_keys=(("default", "wrong"), ("blue", "baseten-key")))
    gateway = Gateway(config)

    assert gateway.handle(chat(key=None), 0).status == 401
    assert gateway.handle(chat(key=None, headers={"cf-aig-byok-alias": "blue"}), 0).status == 200


def test_an_unknown_alias_is_2040(chat: Ask) -> None:
    response = Gateway().handle(chat(key=None, headers={"cf-aig-byok-alias": "red"}), 0)

    assert (response.status, _code(response)) == (400, 2040)


@pytest.mark.parametrize("config", [Config(byok_only=True), Config()])
def test_own_keys_only_and_none_given_is_400(chat: Ask, config: Config) -> None:
    headers = {} if config.byok_only else {"cf-aig-no-wholesale": "true"}

    assert Gateway(config).handle(chat(key=None, headers=headers), 0).status == 400


def test_an_unknown_model_is_the_providers_404(chat: Ask, predict: Ask) -> None:
    gateway = Gateway()

    native = gateway.handle(chat({"model": "openai/gpt-9"}), 0)
    elsewhere = gateway.handle(replace(predict(), url="/v1/acc/gw/baseten/model/zzzz9999"), 0)

    expected = {"message": "Model not found", "type": "Not Found", "code": 404}
    assert (native.status, json.loads(native.body)) == (404, expected)
    assert elsewhere.status == 404
    assert json.loads(elsewhere.body)["error_code"] == "model_does_not_exist"


def test_a_success_names_its_request(chat: Ask) -> None:
    headers = Gateway().handle(chat(), 0).headers

    log_id = headers.get("cf-aig-log-id")
    assert log_id is not None
    assert uuid.UUID(log_id).version == 7
    assert headers.get("cf-aig-request-id") == headers.get("cf-aig-event-id") == log_id
    assert headers.get("cf-aig-step") == "0"
    assert "cf-ray" in headers


def test_an_event_id_is_echoed_on_success_and_error(chat: Ask) -> None:
    gateway = Gateway()
    headers = {"cf-aig-event-id": "run-1/7"}

    for key in ("Bearer baseten-key", "Bearer wrong"):
        response = gateway.handle(chat(key=key, headers=headers), 0)
        assert response.headers.get("cf-aig-event-id") == "run-1/7"
        assert response.headers.get("cf-aig-log-id") != "run-1/7"


def test_ids_are_unique_across_requests(chat: Ask) -> None:
    gateway = Gateway()

    responses = [gateway.handle(chat(), 0) for _ in range(50)]

    for name in ("cf-aig-log-id", "cf-ray", "x-baseten-request-id"):
        assert len({response.headers.get(name) for response in responses}) == 50
    assert len({json.loads(response.body)["id"] for response in responses}) == 50


def test_older_log_ids_are_a_switch(chat: Ask) -> None:
    response = Gateway(_with(log_id="ulid")).handle(chat(), 0)

    assert len(response.headers.get("cf-aig-log-id") or "") == 26


@pytest.mark.parametrize(("form", "fields"), [("full", 9), ("short", 7), ("minimal", 4)])
def test_the_length_of_the_envelope_is_a_switch(chat: Ask, form: str, fields: int) -> None:
    gateway = Gateway(_with(error_envelope=form))

    assert len(json.loads(gateway.handle(replace(chat(), url="/"), 0).body)) == fields


def test_requests_above_the_limit_are_2003(chat: Ask) -> None:
    gateway = Gateway(Config(rate_limit=RateLimit(2, 60)))

    *served, refused = [gateway.handle(chat(), 0) for _ in range(3)]

    assert [response.status for response in served] == [200, 200]
    assert (refused.status, _code(refused)) == (429, 2003)
    assert "retry-after" not in refused.headers
    assert gateway.handle(chat(), 60 * 10**9).status == 200


def test_the_answer_above_the_limit_is_a_switch(chat: Ask) -> None:
    behaviour = Behaviour(rate_limit_answer="401-2009")
    gateway = Gateway(Config(rate_limit=RateLimit(1, 60), behaviour=behaviour))

    gateway.handle(chat(), 0)

    assert gateway.handle(chat(), 0).status == 401


def test_what_the_gateway_refuses_first_does_not_count_for_the_limit(chat: Ask) -> None:
    gateway = Gateway(replace(LOCKED, rate_limit=RateLimit(1, 60)))

    for _ in range(5):
        gateway.handle(chat(), 0)

    assert gateway.handle(chat(headers=TOKEN), 0).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "get", "X"])
def test_another_method_is_refused(chat: Ask, predict: Ask, method: str) -> None:
    gateway = Gateway()

    native = gateway.handle(replace(chat(), method=method), 0)
    compat = gateway.handle(replace(chat(route="compat"), method=method), 0)
    model = gateway.handle(replace(predict(), method=method), 0)

    assert [native.status, compat.status, model.status] == [405, 400, 405]


def test_a_head_request_has_no_body(chat: Ask) -> None:
    assert Gateway().handle(replace(chat(), method="HEAD"), 0).body == b""


def test_the_providers_models_can_be_listed(chat: Ask) -> None:
    asked = replace(chat(), method="GET", url="/v1/acc/gw/baseten/v1/models", body=b"")

    response = Gateway().handle(asked, 0)

    listed = [model["id"] for model in json.loads(response.body)["data"]]
    assert tuple(listed) == Config().catalogue


def test_a_path_that_the_provider_does_not_have_is_its_404(chat: Ask) -> None:
    response = Gateway().handle(replace(chat(), url="/v1/acc/gw/baseten/v2/anything"), 0)

    assert response.status == 404
    assert "x-baseten-request-id" in response.headers


def test_a_custom_domain_needs_no_account_in_the_path(chat: Ask) -> None:
    gateway = Gateway(Config(custom_domain=True))

    short = replace(chat(), url="https://ai.example.com/baseten/v1/chat/completions")

    assert gateway.handle(short, 0).status == 200


def test_a_plain_answer_declares_its_length_and_a_stream_does_not(chat: Ask) -> None:
    gateway = Gateway()

    plain = gateway.handle(chat(), 0)
    stream = gateway.handle(chat({"stream": True}), 0)

    assert plain.headers.get("content-length") == str(len(plain.body))
    assert "content-length" not in stream.headers


def test_padding_is_added_to_every_chunk_when_switched_on(
    chat: Ask, documents: Callable[[Response], list[dict[str, Any]]]
) -> None:
    asked = chat({"stream": True})

    padded = documents(Gateway(_with(pad_chunks=True)).handle(asked, 0))
    bare = documents(Gateway().handle(asked, 0))

    assert all(document.pop("p") for document in padded)
    assert padded == bare


def test_the_log_has_one_entry_per_request(chat: Ask) -> None:
    gateway = Gateway()
    headers = {
        "cf-aig-metadata": '{"run": "r1"}',
        "cf-aig-event-id": "e1",
        "cf-aig-collect-log": "false",
    }

    gateway.handle(chat({"stream": True}, route="compat", headers=headers), 5)
    gateway.handle(replace(chat(), url="/nowhere"), 6)

    first, second = gateway.log
    assert (first.seq, first.at_ns, first.route, first.event_id) == (1, 5, "compat", "e1")
    assert (first.stream, first.status, first.metadata) == (True, 200, {"run": "r1"})
    assert first.collect_log is False
    assert first.forwarded == ("model", "messages", "stream")
    assert (second.seq, second.route, second.status) == (2, None, 400)
    assert json.dumps(first.document())


def test_the_log_keeps_no_secret(chat: Ask) -> None:
    gateway = Gateway(LOCKED)

    gateway.handle(chat(headers=TOKEN), 0)

    assert "baseten-key" not in repr(gateway.log)
    assert "gateway-token" not in repr(gateway.log)


def test_the_log_is_bounded(chat: Ask) -> None:
    gateway = Gateway(Config(log_entries=3))

    for _ in range(5):
        gateway.handle(chat(), 0)

    assert [entry.seq for entry in gateway.log] == [3, 4, 5]


def test_the_first_of_two_equal_header_fields_counts(chat: Ask) -> None:
    asked = chat()
    doubled = Headers((*asked.headers.fields, ("authorization", "Bearer wrong")))

    assert Gateway().handle(replace(asked, headers=doubled), 0).status == 200
