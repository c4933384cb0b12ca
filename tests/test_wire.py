"""HTTP as plain data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire import Chunk, Headers, Request, Response

NAMES = st.sampled_from(["Content-Type", "content-type", "X-A", "x-a", "X-B"])
FIELDS = st.lists(st.tuples(NAMES, st.text("ab", max_size=2)), max_size=6)


def test_header_names_are_found_in_any_case() -> None:
    headers = Headers([("Content-Type", "a"), ("content-type", "b")])

    assert headers.get("CONTENT-TYPE") == "a"
    assert headers.get_all("content-Type") == ("a", "b")
    assert "CONTENT-type" in headers
    assert headers.get("missing") is None


@given(FIELDS)
def test_headers_compare_and_hash_without_the_case_of_names(fields: list[tuple[str, str]]) -> None:
    upper = Headers((name.upper(), value) for name, value in fields)

    assert upper == Headers(fields)
    assert hash(upper) == hash(Headers(fields))
    assert list(Headers(fields)) == fields


@given(FIELDS, NAMES)
def test_replacing_leaves_one_field_of_that_name(fields: list[tuple[str, str]], name: str) -> None:
    headers = Headers(fields)

    replaced = headers.replacing(name, "new")

    assert replaced.get_all(name) == ("new",)
    assert replaced.without(name) == headers.without(name)
    assert headers == Headers(fields)


def test_a_request_knows_path_and_query_of_absolute_and_relative_urls() -> None:
    absolute = Request("POST", "http://host:1/v1/a%2Fb/c?x=1&y=2")
    relative = Request("POST", "/v1/a%2Fb/c?x=1&y=2")

    assert (absolute.path, absolute.query) == ("/v1/a%2Fb/c", "x=1&y=2")
    assert (relative.path, relative.query) == ("/v1/a%2Fb/c", "x=1&y=2")


def test_what_a_server_may_be_sent_as_a_target_never_fails() -> None:
    assert Request("GET", "//[broken?x").path == "//[broken"
    assert Request("GET", "http://[broken/x").path == ""


def test_a_body_is_its_chunks_in_order() -> None:
    assert Response(200, chunks=(Chunk(b"a", 1), Chunk(b""), Chunk(b"b", 2))).body == b"ab"


@pytest.mark.parametrize(
    ("value", "media_type"),
    [
        ("text/event-stream; charset=utf-8", "text/event-stream"),
        ("Application/JSON", "application/json"),
        ("", ""),
    ],
)
def test_the_media_type_has_no_parameters_and_no_case(value: str, media_type: str) -> None:
    assert Response(200, Headers([("content-type", value)])).media_type == media_type
    assert Response(200).media_type == ""
