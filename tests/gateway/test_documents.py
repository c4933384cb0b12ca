"""Decoding request bodies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.documents import decode
from harness.gateway.upstream.asked import MalformedBody

FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
)


@given(JSON)
def test_json_documents_are_decoded(document: object) -> None:
    text = json.dumps(document, ensure_ascii=False)

    assert decode(text.encode()) == json.loads(text)


@given(st.binary())
def test_any_bytes_are_decoded_or_called_malformed(body: bytes) -> None:
    decode(body)
    decode(body, reject_duplicates=True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"NaN",
        b'{"a": Infinity}',
        b"\xef\xbb\xbf{}",
        b'"\\ud800"',
        b'{"\\udc00": 1}',
        "{}".encode("utf-16"),
        b"[" * 100_000,
        b"1" * 5000,
        b"{} {}",
    ],
)
def test_what_a_strict_parser_refuses_is_malformed(body: bytes) -> None:
    assert isinstance(decode(body), MalformedBody)


def test_nesting_is_limited_as_in_serde() -> None:
    assert decode(b"[" * 128 + b"]" * 128) != MalformedBody("recursion limit exceeded")
    assert decode(b"[" * 129 + b"]" * 129) == MalformedBody("recursion limit exceeded")
    assert decode(b"[" + b"[]," * 500 + b"[]]") == [[]] * 501


def test_an_escaped_pair_of_surrogates_is_one_character() -> None:
    assert decode(b'"\\ud83d\\ude00"') == "😀"


def test_the_last_of_two_equal_names_wins_unless_they_are_rejected() -> None:
    body = b'{"a": 1, "a": 2}'

    assert decode(body) == {"a": 2}
    assert isinstance(decode(body, reject_duplicates=True), MalformedBody)
