"""Tool calls and structured answers of the stand-in provider."""

import json
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.gateway.model import Gateway
from harness.wire import Request, Response

Ask = Callable[..., Request]


def _tool(name: str, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


WEATHER = _tool("get_weather", city={"type": "string"}, unit={"enum": ["C", "F"]})
CLOCK = _tool("get_time", zone={"type": "string", "pattern": "^[A-Z]{3}$"})
ASKED_AND_CALLED: list[dict[str, Any]] = [
    {"role": "user", "content": "Weather?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "x", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
]


def _choice(response: Response) -> dict[str, Any]:
    assert response.status == 200, response.body
    choice: dict[str, Any] = json.loads(response.body)["choices"][0]
    return choice


def _names(choice: dict[str, Any]) -> list[str]:
    return [call["function"]["name"] for call in choice["message"].get("tool_calls", [])]


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ({"tools": [WEATHER]}, ["get_weather"]),
        ({"tools": [WEATHER], "tool_choice": "required"}, ["get_weather"]),
        ({"tools": [WEATHER, CLOCK]}, ["get_weather", "get_time"]),
        ({"tools": [WEATHER], "parallel_tool_calls": True}, ["get_weather", "get_weather"]),
        ({"tools": [WEATHER, CLOCK], "parallel_tool_calls": False}, ["get_weather"]),
        ({"tools": [WEATHER], "tool_choice": "none"}, []),
        ({"tools": []}, []),
        (
            {
                "tools": [WEATHER, CLOCK],
                "tool_choice": {"type": "function", "function": {"name": "get_time"}},
            },
            ["get_time"],
        ),
    ],
)
def test_tools_are_called_as_the_choice_says(
    chat: Ask, document: dict[str, Any], names: list[str]
) -> None:
    choice = _choice(Gateway().handle(chat(document), 0))

    assert _names(choice) == names
    assert choice["finish_reason"] == ("tool_calls" if names else "stop")
    assert (choice["message"]["content"] is None) is bool(names)


def test_arguments_satisfy_the_declared_schema(chat: Ask) -> None:
    choice = _choice(Gateway().handle(chat({"tools": [WEATHER, CLOCK]}), 0))

    calls = choice["message"]["tool_calls"]
    for call, tool in zip(calls, (WEATHER, CLOCK), strict=True):
        arguments = json.loads(call["function"]["arguments"])
        assert jsonschema_rs.is_valid(tool["function"]["parameters"], arguments)
        assert call["type"] == "function"
    assert len({call["id"] for call in calls}) == 2


def test_a_tool_result_is_answered_in_words(chat: Ask) -> None:
    choice = _choice(Gateway().handle(chat({"messages": ASKED_AND_CALLED, "tools": [WEATHER]}), 0))

    assert _names(choice) == []
    assert choice["message"]["content"]


def test_a_tool_without_parameters_gets_an_empty_object(chat: Ask) -> None:
    tool = {"type": "function", "function": {"name": "ping"}}

    choice = _choice(Gateway().handle(chat({"tools": [tool]}), 0))

    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_a_small_limit_cuts_a_call_off(chat: Ask) -> None:
    choice = _choice(Gateway().handle(chat({"tools": [WEATHER], "max_tokens": 2}), 0))

    assert choice["finish_reason"] == "length"
    assert len(_names(choice)) == 1


SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "integer", "minimum": 5}}, "required": ["a"]},
    {"type": "array", "items": {"type": "string", "minLength": 9}, "minItems": 3},
    {"enum": ["red", "green"]},
    {"const": {"x": [1, None]}},
    {"anyOf": [{"type": "null"}, {"type": "number", "maximum": -1}]},
    {"type": "object", "additionalProperties": {"type": "boolean"}, "minProperties": 2},
    {"type": "string", "format": "uuid"},
    {"type": "string", "pattern": "^v[0-9]+\\.[0-9]+$"},
    {"type": "integer", "multipleOf": 7, "exclusiveMinimum": 70, "maximum": 90},
    {"allOf": [{"type": "integer"}, {"minimum": 3, "maximum": 3}]},
    {"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "minItems": 4},
    {"prefixItems": [{"const": 1}, {"type": "string"}], "items": False, "type": "array"},
    {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"next": {"$ref": "#/$defs/node"}, "id": {"type": "integer"}},
                "required": ["id"],
            }
        },
        "$ref": "#/$defs/node",
    },
    {"oneOf": [{"type": "integer", "minimum": 10}, {"type": "string", "maxLength": 1}]},
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_structured_answer_satisfies_its_schema(chat: Ask, schema: dict[str, Any]) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}

    for seed in range(5):
        asked = chat({"response_format": form, "seed": seed})
        content = _choice(Gateway().handle(asked, 0))["message"]["content"]
        assert jsonschema_rs.is_valid(schema, json.loads(content)), content


LEAVES: st.SearchStrategy[Any] = st.sampled_from(
    [
        {"type": "string", "maxLength": 3},
        {"type": "integer", "minimum": 3},
        {"type": "number", "exclusiveMaximum": -2.5},
        {"enum": [1, "x"]},
        {"type": "null"},
        {"$ref": "#"},
        {"type": "string", "pattern": "^x{2,3}$"},
        {"not": {}},
    ]
)
NESTED = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda properties, required: {
                "type": "object",
                "properties": properties,
                "required": sorted(required),
            },
            st.dictionaries(st.sampled_from("abc"), inner),
            st.sets(st.sampled_from("abc")),
        ),
        st.builds(
            lambda items, least, unique: {
                "type": "array",
                "items": items,
                "minItems": least,
                "uniqueItems": unique,
            },
            inner,
            st.integers(0, 4),
            st.booleans(),
        ),
        st.builds(
            lambda branches, word: {word: branches},
            st.lists(inner, min_size=1, max_size=3),
            st.sampled_from(["anyOf", "oneOf", "allOf"]),
        ),
    ),
    max_leaves=8,
)


@given(schema=NESTED, seed=st.integers(0, 3))
@settings(deadline=None)
def test_a_structured_answer_satisfies_its_schema_or_is_refused(
    chat: Ask, schema: dict[str, Any], seed: int
) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}

    response = Gateway().handle(chat({"response_format": form, "seed": seed}), 0)

    if response.status != 400:
        value = json.loads(_choice(response)["message"]["content"])
        assert jsonschema_rs.is_valid(schema, value)


def test_a_json_object_is_an_object(chat: Ask) -> None:
    asked = chat({"response_format": {"type": "json_object"}})

    content = _choice(Gateway().handle(asked, 0))["message"]["content"]

    assert isinstance(json.loads(content), dict)


@pytest.mark.parametrize(
    "schema",
    [{"not": {}}, {"type": "integer", "minimum": 2, "maximum": 1}, {"type": "nothing"}, False],
)
def test_a_schema_without_a_value_is_refused(chat: Ask, schema: Any) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}

    assert Gateway().handle(chat({"response_format": form}), 0).status == 400


def test_a_remote_schema_is_refused_and_not_fetched(chat: Ask) -> None:
    schema = {"$ref": "http://127.0.0.1:9/schema.json"}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}

    assert Gateway().handle(chat({"response_format": form}), 0).status == 400


def test_a_branching_recursive_schema_does_not_explode(chat: Ask) -> None:
    node = {
        "type": "object",
        "properties": {n: {"$ref": "#"} for n in "abc"},
        "required": list("abc"),
    }
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": node}}

    assert Gateway().handle(chat({"response_format": form}), 0).status == 400
