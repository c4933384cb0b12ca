"""What the stand-in makes up: prose, strings for patterns, and counts of prompt tokens."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.rng import Rng
from harness.gateway.upstream.draw import draw
from harness.gateway.upstream.pattern import draw_pattern
from harness.gateway.upstream.prompt import cached_tokens, text_tokens
from harness.gateway.upstream.text import pieces, prose


@given(st.integers(0, 200), st.integers(0, 200), st.integers())
def test_a_longer_text_continues_a_shorter_one(one: int, other: int, seed: int) -> None:
    short, long = (prose(count, Rng(seed)) for count in sorted((one, other)))

    assert long[: len(short)] == short
    assert (len(short), len(long)) == tuple(sorted((one, other)))


@given(st.text(), st.integers(1, 9))
def test_pieces_put_together_are_the_text(text: str, size: int) -> None:
    assert "".join(pieces(text, size)) == text


@pytest.mark.parametrize(
    "pattern",
    [
        "^[A-Z]{3}$",
        r"^\d{4}-\d{2}-\d{2}$",
        "^(?:foo|bar)+[^x]{2,5}$",
        r"^[\w.-]+@[a-z]+\.com$",
        "^https?://.+$",
        "^v[0-9]+(\\.[0-9]+)?$",
    ],
)
def test_a_string_matches_its_pattern(pattern: str) -> None:
    for seed in range(20):
        assert re.search(pattern, draw_pattern(pattern, Rng(seed)))


@given(st.text(alphabet="ab[](){}|*+?^$\\.,-0129:", max_size=60), st.integers())
def test_any_pattern_gives_some_short_string(pattern: str, seed: int) -> None:
    assert len(draw_pattern(pattern, Rng(seed))) <= 4000


def test_nested_repetition_does_not_explode() -> None:
    assert len(draw_pattern("((((a{60}){60}){60}){60}){60}", Rng(1))) <= 4000


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "minItems": 10**8, "items": {"type": "string", "minLength": 10**8}},
        {"type": "object", "minProperties": 10**8},
        {"type": "object", "required": [f"k{n}" for n in range(50_000)]},
        {"type": "object", "properties": {f"k{n}": {"minLength": 10**6} for n in range(50_000)}},
        {"type": "array", "minItems": 10**8, "uniqueItems": True, "items": {"type": "boolean"}},
    ],
    ids=["items", "minProperties", "required", "properties", "unique"],
)
def test_a_value_stays_small_whatever_its_schema_asks_for(schema: dict[str, Any]) -> None:
    value = draw(schema, Rng(1))

    assert len(json.dumps(value, ensure_ascii=False)) < 200_000


@given(st.recursive(st.text(), st.lists), st.text(min_size=1))
def test_a_longer_prompt_has_more_tokens(document: object, more: str) -> None:
    assert text_tokens([document, more]) > text_tokens(document) - 1
    assert text_tokens(document) >= 1


@given(st.integers(0, 10**6))
def test_cached_tokens_are_a_part_of_the_prompt(tokens: int) -> None:
    assert 0 <= cached_tokens(tokens) <= tokens
    assert cached_tokens(tokens) % 16 == 0
