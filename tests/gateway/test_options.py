"""The cf-aig-* request headers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.envelope import Refusal
from harness.gateway.options import (
    MONTH_S,
    RequestOptions,
    options_of,
    read_metadata,
    read_options,
    retry_delay_ns,
)


def _options(**fields: str) -> RequestOptions:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    options = read_options(named, reject=False)
    assert isinstance(options, RequestOptions)
    return options


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60", 60), ("0", 0), ("10", 60), ("99999999", MONTH_S), ("3600", 3600), ("soon", None)],
)
def test_a_cache_ttl_is_clamped_and_garbage_ignored(text: str, seconds: int | None) -> None:
    assert _options(cf_aig_cache_ttl=text).cache_ttl == seconds


@pytest.mark.parametrize(("text", "count"), [("1", 1), ("5", 5), ("9", 5), ("0", 1), ("-3", 1)])
def test_attempts_are_one_to_five(text: str, count: int) -> None:
    assert _options(cf_aig_max_attempts=text).max_attempts == count


def test_the_deprecated_names_still_work() -> None:
    options = _options(cf_skip_cache="true", cf_cache_ttl="120")

    assert (options.skip_cache, options.cache_ttl) == (True, 120)


def test_the_newer_name_wins_over_the_deprecated_one() -> None:
    assert _options(cf_cache_ttl="120", cf_aig_cache_ttl="90").cache_ttl == 90


@pytest.mark.parametrize("value", ["10", "99999999999999999999", "soon", "6e1"])
def test_a_rejecting_gateway_refuses_what_it_would_clamp(value: str) -> None:
    assert isinstance(read_options({"cf-aig-cache-ttl": value}, reject=True), Refusal)


def test_a_rejecting_gateway_accepts_what_is_in_range() -> None:
    assert isinstance(read_options({"cf-aig-cache-ttl": "60"}, reject=True), RequestOptions)


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [("constant", [100, 100, 100]), ("linear", [100, 200, 300]), ("exponential", [100, 200, 400])],
)
def test_the_delay_grows_as_the_backoff_says(backoff: str, expected: list[int]) -> None:
    options = RequestOptions(retry_delay_ms=100, backoff=backoff)

    assert [retry_delay_ns(options, attempt) // 1_000_000 for attempt in (1, 2, 3)] == expected


@given(st.dictionaries(st.text(), st.text()), st.booleans())
def test_any_header_fields_can_be_read(fields: dict[str, str], reject: bool) -> None:
    assert isinstance(read_options(fields, reject=reject), RequestOptions | Refusal)
    assert options_of(fields, reject=reject) == read_options(fields, reject=reject)


@pytest.mark.parametrize(
    ("metadata", "kept"),
    [
        ({"a": 1, "b": "x", "c": True}, {"a": 1, "b": "x", "c": True}),
        ({str(n): n for n in range(7)}, {str(n): n for n in range(5)}),
        ({"cf.user": "x", "a": 1}, {"a": 1}),
        ({"a": 1, "b": None}, {}),
        ({"a": 1, "b": {"c": 1}}, {}),
        ([1], {}),
    ],
)
def test_metadata_is_five_flat_entries_or_nothing(metadata: Any, kept: dict[str, Any]) -> None:
    assert read_metadata(json.dumps(metadata)) == kept


@given(st.one_of(st.none(), st.text()))
def test_any_metadata_text_can_be_read(text: str | None) -> None:
    assert len(read_metadata(text)) <= 5
