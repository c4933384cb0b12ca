"""Token counts and the gateway's header fields."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.routes.metadata import GatewayMetadata, gateway_metadata
from harness.routes.usage import Usage, count, parse_usage
from harness.wire import Headers

COUNTS = st.none() | st.integers(0, 1000)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        (7, 7),
        ("8", 8),
        (7.0, 7),
        (0, 0),
        (7.5, None),
        (-1, None),
        (True, None),
        (2**63, None),
        (float("nan"), None),
        (float("inf"), None),
        ("9" * 5000, None),
        ("-8", None),
        ("\u0667", None),
        ("", None),
        (None, None),
        ([7], None),
    ],
)
def test_a_count_is_a_number_that_a_column_holds(value: Any, tokens: int | None) -> None:
    assert count(value) == tokens


def test_details_are_read_where_they_are() -> None:
    usage = parse_usage(
        {
            "prompt_tokens": 7,
            "completion_tokens": 5,
            "total_tokens": 12,
            "completion_tokens_details": {"reasoning_tokens": "4"},
            "prompt_tokens_details": {"cached_tokens": 2},
        }
    )

    assert usage == Usage(7, 5, 12, 4, 2)


@pytest.mark.parametrize(
    "document",
    [None, 7, [], {}, {"input_tokens": 3}, {"prompt_tokens": None, "prompt_tokens_details": None}],
)
def test_a_report_without_a_count_is_none(document: Any) -> None:
    assert parse_usage(document) is None


@given(USAGES, USAGES, USAGES)
def test_the_maximum_does_not_depend_on_order_or_repetition(a: Usage, b: Usage, c: Usage) -> None:
    assert a.maximum(b) == b.maximum(a)
    assert a.maximum(b).maximum(c) == a.maximum(b.maximum(c))
    assert a.maximum(a) == a
    assert a.maximum(Usage()) == a


def test_the_gateway_s_fields_are_read_in_any_case() -> None:
    headers = Headers(
        [
            ("CF-AIG-Cache-Status", "HIT"),
            ("cf-aig-log-id", "l"),
            ("cf-aig-request-id", "r"),
            ("cf-aig-event-id", "e"),
            ("cf-aig-step", "1"),
            ("cf-aig-model", "m"),
            ("cf-aig-provider", "p"),
            ("cf-aig-dlp", "{}"),
            ("cf-ray", "ray"),
        ]
    )

    assert gateway_metadata(headers) == GatewayMetadata(
        "HIT", "l", "r", "e", 1, "m", "p", "{}", "ray"
    )
    assert gateway_metadata(Headers()) == GatewayMetadata()


@pytest.mark.parametrize("step", ["x", "-1", "", "9" * 5000, "\u0667"])
def test_a_step_that_is_no_number_is_none(step: str) -> None:
    assert gateway_metadata(Headers([("cf-aig-step", step)])).step is None


def test_of_equal_fields_the_first_counts() -> None:
    headers = Headers([("cf-ray", "first"), ("cf-ray", "second")])

    assert gateway_metadata(headers).cf_ray == "first"
