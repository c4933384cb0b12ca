"""What the stand-in provider refuses, and in which words."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.gateway.behaviour import Behaviour
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.wire import Headers, Request

Ask = Callable[..., Request]

FUNCTION = {"type": "function", "function": {"name": "f"}}


def _user(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


@pytest.mark.parametrize(
    "document",
    [
        {"temperature": 0},
        {"temperature": 2},
        {"temperature": None},
        {"top_p": 0},
        {"top_p": 1},
        {"top_k": -1},
        {"frequency_penalty": -2},
        {"presence_penalty": 2},
        {"max_tokens": 1},
        {"max_tokens": 262_145},
        {"max_completion_tokens": 5},
        {"n": 1},
        {"stop": "x"},
        {"stop": ["a"] * 32},
        {"logit_bias": {"50256": -100}},
        {"logprobs": True, "top_logprobs": 20},
        {"logprobs": False},
        {"seed": -1},
        {"user": "u"},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"response_format": {"type": "text"}},
        {"tools": [FUNCTION], "tool_choice": "auto"},
        {"tools": [{"type": "function", "function": {"name": "a" * 96}}]},
        {"messages": [{"role": "developer", "content": "x"}, {"role": "user", "content": "y"}]},
        {"messages": [{"role": "assistant", "content": "x", "reasoning_content": "z"}]},
        _user([{"type": "text", "text": "x"}]),
        _user(""),
        {"chat_template_args": {"enable_thinking": True}},
        {"reasoning_effort": "max"},
        {"parallel_tool_calls": None},
        {"top_logprobs": 3},
    ],
)
def test_what_is_in_range_is_served(chat: Ask, document: dict[str, Any]) -> None:
    response = Gateway().handle(chat(document), 0)

    assert response.status == 200, response.body


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"messages": None}, "missing field `messages`"),
        ({"model": None}, "missing field `model`"),
        ({"messages": []}, "Validation: Messages array cannot be empty"),
        ({"messages": "x"}, "messages: invalid type: string, expected a sequence"),
        ({"model": 5}, "model: invalid type: integer, expected a string"),
        ({"model": " "}, "Validation: Model cannot be empty"),
        ({"temperature": 2.1}, "Validation: Temperature must be between 0 and 2, got 2.1"),
        ({"temperature": -0.1}, "Temperature must be between 0 and 2"),
        ({"temperature": "hot"}, "temperature: invalid type: string, expected a number"),
        ({"temperature": True}, "temperature: invalid type: boolean"),
        ({"top_p": 1.5}, "Top p must be between 0 and 1"),
        ({"top_k": -2}, "Top k must be -1 or greater"),
        ({"frequency_penalty": 2.5}, "Frequency penalty must be between -2 and 2"),
        ({"presence_penalty": -2.5}, "Presence penalty must be between -2 and 2"),
        ({"repetition_penalty": 0}, "Repetition penalty must be between 0 and 2"),
        ({"max_tokens": 0}, "Validation: Max tokens must be greater than 0, got 0"),
        ({"max_tokens": -1}, "Max tokens must be greater than 0"),
        ({"max_tokens": 1.5}, "max_tokens: invalid type: floating point, expected an integer"),
        ({"max_completion_tokens": 0}, "Max completion tokens must be greater than 0"),
        ({"n": 0}, "n must be between 1 and 128"),
        ({"n": 129}, "n must be between 1 and 128"),
        ({"n": 2}, "n > 1 is not supported"),
        ({"stop": []}, "Stop must have between 1 and 32 items, got 0"),
        ({"stop": ["a"] * 33}, "Stop must have between 1 and 32 items, got 33"),
        ({"stop": ""}, "Stop sequences cannot be empty"),
        ({"stop": [None]}, "stop: invalid type: null, expected a string"),
        ({"stop": 5}, "stop: invalid type: integer"),
        ({"logit_bias": {"1": 101}}, "Logit bias must be between -100 and 100"),
        ({"logit_bias": []}, "logit_bias: invalid type: sequence, expected a map"),
        ({"logprobs": True, "top_logprobs": 21}, "Top logprobs must be between 0 and 20"),
        ({"stream": "yes"}, "stream: invalid type: string, expected a boolean"),
        ({"stream_options": {}}, "only allowed when 'stream' is enabled"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"user": " "}, "User ID cannot be empty"),
        ({"user": 1}, "user: invalid type: integer"),
        ({"reasoning_effort": "huge"}, "reasoning_effort: invalid type"),
        ({"min_tokens": -1}, "min_tokens"),
        ({"chat_template_args": {"chat_template": "x"}}, "must not contain chat_template"),
        ({"foo": 1}, "Validation: Unsupported parameter(s): `foo`"),
        ({"foo": 1, "bar": 2}, "Unsupported parameter(s): `foo`, `bar`"),
        ({"tools": 5}, "tools: expected a sequence"),
        ({"tools": [5]}, "tools[0]: expected a tool of type function"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "1 to 96"),
        ({"tools": [{"type": "function", "function": {"name": "a" * 97}}]}, "1 to 96"),
        ({"tools": [FUNCTION] * 1537}, "at most 1536"),
        ({"tool_choice": "required"}, "tool_choice 'required' needs tools"),
        ({"tool_choice": "perhaps"}, "tool_choice: expected none"),
        (
            {"tools": [FUNCTION], "tool_choice": {"type": "function", "function": {"name": "g"}}},
            "not in tools",
        ),
        ({"response_format": {"type": "xml"}}, "response_format: expected type"),
        ({"response_format": {"type": "json_schema"}}, "missing field `json_schema`"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
            "needs a name",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
            "needs a schema",
        ),
        ({"messages": [{"content": "x"}]}, "messages[0]: missing field `role`"),
        ({"messages": ["x"]}, "messages[0]: expected a map"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0]: unknown variant"),
        ({"messages": [{"role": "user"}]}, "missing field `content`"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "missing field `tool_call_id`"),
        (_user(5), "content: expected a string"),
        (_user([{"type": "image_url", "image_url": {}}]), "does not support multimodal"),
        (_user([{"type": "odd"}]), "content: unknown part"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": "["}}]}]},
            "arguments must be a JSON object",
        ),
    ],
)
def test_what_is_out_of_range_is_a_flat_400(
    chat: Ask, document: dict[str, Any], message: str
) -> None:
    response = Gateway().handle(chat(document), 0)

    body = json.loads(response.body)
    assert (response.status, body["code"], body["type"]) == (400, 400, "Bad Request")
    assert message in body["message"]


@pytest.mark.parametrize(
    ("document", "switches", "status"),
    [
        ({"temperature": 3}, {"temperature_max": 4}, 200),
        ({"foo": 1}, {"unknown_parameter": "ignore"}, 200),
        ({"stop": ["a"] * 5}, {"stop_items_max": 4}, 400),
        ({"stream_options": {}}, {"stream_options_without_stream": "ignore"}, 200),
        (
            {"messages": [{"role": "developer", "content": "x"}]},
            {"developer_role": "reject"},
            400,
        ),
    ],
)
def test_where_documents_disagree_a_switch_decides(
    chat: Ask, document: dict[str, Any], switches: dict[str, Any], status: int
) -> None:
    gateway = Gateway(Config(behaviour=Behaviour(**switches)))

    assert gateway.handle(chat(document), 0).status == status
    assert Gateway().handle(chat(document), 0).status != status


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/x-www-form-urlencoded"])
def test_another_content_type_is_refused_where_it_matters(chat: Ask, content_type: str) -> None:
    asked = chat()
    other = replace(asked, headers=asked.headers.replacing("content-type", content_type))
    lenient = Gateway(Config(behaviour=Behaviour(content_type_required=False)))

    assert Gateway().handle(other, 0).status == 400
    assert lenient.handle(other, 0).status == 200


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff\xfe", b"[]", b"null", b'"x"', b"5"])
def test_a_body_that_is_no_object_is_400_on_every_route(chat: Ask, body: bytes) -> None:
    native = Gateway().handle(replace(chat(), body=body), 0)
    compat = Gateway().handle(replace(chat(route="compat"), body=body), 0)

    assert json.loads(native.body)["code"] == 400
    assert json.loads(compat.body)["internalCode"] == 2019


def test_duplicate_names_are_a_switch(chat: Ask) -> None:
    asked = chat()
    twice = replace(asked, body=asked.body[:-1] + b', "model": "openai/gpt-oss-120b"}')
    strict = Gateway(Config(behaviour=Behaviour(duplicate_keys="reject")))

    assert Gateway().handle(twice, 0).status == 200
    assert strict.handle(twice, 0).status == 400


def test_a_refusal_does_not_echo_long_or_secret_values(chat: Ask) -> None:
    response = Gateway().handle(chat({"user": ["s3cret" * 100], "x" * 5000: 1}), 0)

    assert b"s3cret" not in response.body
    assert len(response.body) < 500


def test_headers_without_a_content_type_are_refused(chat: Ask) -> None:
    asked = chat()
    bare = replace(asked, headers=Headers([("Authorization", "Bearer baseten-key")]))

    assert Gateway().handle(bare, 0).status == 400
