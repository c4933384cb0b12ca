"""The order of a schema's keys, as the answers of a model tell it."""

import json
from typing import Any

import pytest

from harness.contract.clause import Finding, Unjudged
from harness.contract.observation import Observation
from harness.contract.requests.given import only
from harness.contract.topics.schema_order import keys_come_in_the_order_of_the_schema
from tests.contract.answers import asked, plain, seen

PLACE = {
    "type": "object",
    "properties": {"zone": {}, "area": {}, "map": {}},
    "required": ["zone", "area", "map"],
}
LISTED, SORTED, OWN = ("zone", "area", "map"), ("area", "map", "zone"), ("map", "zone", "area")


def written(keys: tuple[str, ...], **values: Any) -> Observation:
    """An answer to a strict response format whose properties are those of `values`."""
    message = {"role": "assistant", "content": json.dumps({key: values[key] for key in keys})}
    found = plain(choices=[{"index": 0, "message": message, "finish_reason": "stop"}])
    return seen(asked(response_format=only(**values)), found)


def called(keys: tuple[str, ...], *, name: object = "find", strict: bool = True) -> Observation:
    function = {"name": "find", "strict": strict, "parameters": PLACE}
    case = asked(tools=[{"type": "function", "function": function}])
    arguments = json.dumps(dict.fromkeys(keys, 1))
    call = {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    found = plain(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}])
    return seen(case, found)


def says(*orders: tuple[str, ...]) -> Finding:
    return keys_come_in_the_order_of_the_schema([called(order) for order in orders])


def test_keys_in_the_order_of_the_schema_are_kept() -> None:
    assert says(LISTED) == ()
    assert says(LISTED, LISTED, LISTED) == ()


def test_keys_that_are_sorted_in_all_of_several_answers_are_accused() -> None:
    assert isinstance(says(SORTED, SORTED, SORTED), tuple)
    assert says(SORTED, SORTED, SORTED) != ()
    values = {"zone": 1, "area": 2, "map": 3}
    assert keys_come_in_the_order_of_the_schema([written(SORTED, **values)] * 3)


@pytest.mark.parametrize(
    "orders",
    [(SORTED,), (SORTED, SORTED), (SORTED, LISTED, SORTED), (OWN,), (SORTED, SORTED, SORTED, OWN)],
)
def test_a_model_that_writes_keys_as_it_likes_is_not_accused(
    orders: tuple[tuple[str, ...], ...],
) -> None:
    assert isinstance(says(*orders), Unjudged)


def test_two_keys_say_nothing() -> None:
    pair = written(("number", "text"), text="a", number=1)

    assert keys_come_in_the_order_of_the_schema([pair] * 5) is None


def test_what_is_not_strict_not_declared_or_not_whole_says_nothing() -> None:
    for answer in (
        called(SORTED, strict=False),
        called(SORTED, name="other"),
        called(SORTED, name=["find"]),
        called(("area", "map")),
    ):
        assert keys_come_in_the_order_of_the_schema([answer] * 3) is None
