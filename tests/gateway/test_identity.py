"""Identifiers made from virtual time and draws."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.identity import cf_ray, ulid, uuid4, uuid7
from harness.gateway.rng import Rng

MILLISECONDS = st.integers(0, (1 << 48) - 1)


@given(MILLISECONDS, st.integers())
def test_a_uuid7_holds_its_time_version_and_variant(milliseconds: int, seed: int) -> None:
    text = uuid7(milliseconds, Rng(seed))
    parsed = uuid.UUID(text)

    assert str(parsed) == text
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert parsed.int >> 80 == milliseconds


@given(st.integers())
def test_a_uuid4_has_its_version_and_variant(seed: int) -> None:
    parsed = uuid.UUID(uuid4(Rng(seed)))

    assert parsed.version == 4
    assert parsed.variant == uuid.RFC_4122


@given(MILLISECONDS, MILLISECONDS, st.integers())
def test_ulids_sort_by_time(one: int, other: int, seed: int) -> None:
    first, second = (ulid(at, Rng(seed)) for at in sorted((one, other)))

    assert len(first) == len(second) == 26
    assert first <= second


def test_a_ray_is_sixteen_hexadecimal_digits_and_an_airport() -> None:
    digits, _, airport = cf_ray(Rng(1)).partition("-")

    assert len(bytes.fromhex(digits)) == 8
    assert len(airport) == 3
