"""The order of a schema's keys, as the answer of a model tells it."""

import json

import pytest

from harness.contract.clause import Unjudged
from harness.contract.requests.given import only
from harness.contract.topics.tools import keys_come_in_the_order_of_the_schema
from tests.contract.answers import asked, plain, seen

TEXT = asked(response_format=only(text="a", number=1))
ORDERED = {"type": "object", "properties": {"zone": {}, "area": {}}, "required": ["zone", "area"]}


def written(keys: str) -> object:
    content = json.dumps(dict.fromkeys(keys.split(), 1))
    message = {"role": "assistant", "content": content}
    found = plain(choices=[{"index": 0, "message": message, "finish_reason": "stop"}])
    return keys_come_in_the_order_of_the_schema(seen(TEXT, found))


def called(arguments: str, *, name: object = "find", strict: bool = True) -> object:
    function = {"name": "find", "strict": strict, "parameters": ORDERED}
    case = asked(tools=[{"type": "function", "function": function}])
    call = {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    found = plain(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}])
    return keys_come_in_the_order_of_the_schema(seen(case, found))


def test_keys_in_the_order_of_the_schema_are_kept() -> None:
    assert written("text number") == ()
    assert called('{"zone":1,"area":2}') == ()


def test_sorted_keys_are_a_schema_that_was_sorted_on_the_way() -> None:
    assert written("number text")
    assert called('{"area":2,"zone":1}')


@pytest.mark.parametrize("arguments", ['{"area":2}', "[1]", "no JSON"])
def test_what_does_not_fit_the_schema_says_nothing_of_its_order(arguments: str) -> None:
    assert called(arguments) is None


def test_a_function_that_is_not_strict_or_not_declared_is_not_judged() -> None:
    assert called('{"area":2,"zone":1}', strict=False) is None
    assert called('{"area":2,"zone":1}', name="other") is None
    assert called('{"area":2,"zone":1}', name=["find"]) is None


def test_an_order_of_the_models_own_is_no_fault() -> None:
    case = asked(response_format=only(c="a", a=1, b=2))
    message = {"role": "assistant", "content": '{"b":2,"a":1,"c":"a"}'}
    found = plain(choices=[{"index": 0, "message": message, "finish_reason": "stop"}])

    assert isinstance(keys_come_in_the_order_of_the_schema(seen(case, found)), Unjudged)
