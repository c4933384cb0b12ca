"""JSON as the standard defines it, and no exception for anything else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.routes.document import NotJson, Problem, ProblemKind, decode_body, decode_text

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | st.text()
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
BLANKS = st.text(" \t\r\n", max_size=3)


@given(DOCUMENTS, BLANKS, BLANKS)
def test_a_document_is_read_with_white_space_around_it(
    document: Any, before: str, after: str
) -> None:
    assert decode_text(before + json.dumps(document) + after) == document


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "{}}",
        '{"a":1}{"b":2}',
        "NaN",
        "[Infinity]",
        '{"a":-Infinity}',
        "\ufeff{}",
        "'a'",
    ],
)
def test_what_is_no_json_says_what_it_is(text: str) -> None:
    found = decode_text(text)

    assert isinstance(found, NotJson)
    assert "expected JSON, got" in found.detail
    assert repr(text) in found.detail


@pytest.mark.parametrize("text", ["[" * 10**6, '{"a":' * 10**5, "[" * 10**5 + "]" * 10**5])
def test_depth_is_no_exception(text: str) -> None:
    found = decode_text(text)

    assert isinstance(found, NotJson)
    assert len(found.detail) < 1_000


def test_a_number_too_long_to_convert_is_no_exception() -> None:
    assert isinstance(decode_text('{"a":' + "9" * 10_000 + "}"), NotJson)


def test_a_body_may_begin_with_a_byte_order_mark() -> None:
    assert decode_body(b'\xef\xbb\xbf{"a": 1}') == ({"a": 1}, '{"a": 1}', ())


def test_a_body_that_is_not_utf8_is_decoded_and_reported() -> None:
    document, _, problems = decode_body(b'{"a": "x\xffy"}')

    assert document == {"a": "x\udcffy"}
    assert problems == (
        Problem(ProblemKind.INVALID_UTF8, "expected UTF-8, got b'\\xff' at byte 8"),
    )


@given(st.binary(max_size=40))
def test_any_bytes_are_a_document_or_none(body: bytes) -> None:
    _, text, problems = decode_body(body)

    assert text.encode("utf-8", "surrogateescape") == body.removeprefix(b"\xef\xbb\xbf")
    assert bool(problems) == (not _is_utf8(body))


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
