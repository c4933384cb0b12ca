"""A model may lack a feature and say so; what it granted once it does not take back."""

from typing import Any

import pytest

from harness.contract.observation import Observation
from harness.contract.requests.fixed import CLOCK, SCHEMA
from harness.contract.topics.requests import declines, is_answered, is_not_taken_back
from tests.contract.answers import asked, plain, seen

REFUSAL = b'{"error": {"message": "not supported by this model", "type": "x"}}'
FEATURES: list[dict[str, Any]] = [
    {"tools": [CLOCK]},
    {"response_format": SCHEMA},
    {"logprobs": True},
    {"n": 2},
    {"seed": 7},
]


def refused(status: int = 400, body: bytes = REFUSAL, **fields: Any) -> Observation:
    return seen(asked(**fields), body, status=status)


@pytest.mark.parametrize("fields", FEATURES, ids=lambda fields: next(iter(fields)))
@pytest.mark.parametrize("status", [400, 422])
def test_a_feature_that_is_refused_with_a_reason_is_no_break(
    status: int, fields: dict[str, Any]
) -> None:
    found = refused(status, **fields)

    assert declines(found)
    assert is_answered(found) is None
    assert is_not_taken_back([found, found]) is None


@pytest.mark.parametrize(
    "found",
    [refused(), refused(n=1), refused(body=b"", tools=[CLOCK]), refused(401, tools=[CLOCK])],
    ids=["no feature", "one choice", "no reason", "no key"],
)
def test_another_refusal_of_a_valid_request_is_a_break(found: Observation) -> None:
    assert is_answered(found)


def test_what_was_granted_is_not_taken_back() -> None:
    granted = seen(asked(tools=[CLOCK], tool_choice="required"), plain())
    named = {"type": "function", "function": {"name": "get_time"}}

    found = is_not_taken_back([granted, refused(tools=[CLOCK], tool_choice=named)])
    other_form = is_not_taken_back([granted, refused(tools=[CLOCK], tool_choice="auto")])

    assert isinstance(found, tuple)
    assert "request 1" in found[0].where
    assert found[0].data == REFUSAL
    assert other_form == ()
