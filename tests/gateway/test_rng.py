"""Seeded draws."""

from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.rng import Rng, digest

KEYS = st.lists(st.one_of(st.integers(), st.text(), st.binary()), max_size=4)


@given(KEYS, st.lists(st.integers(1, 200), max_size=10))
def test_the_same_key_draws_the_same_whatever_the_pieces(
    key: list[object], cuts: list[int]
) -> None:
    whole = Rng(*key).bytes(sum(cuts))

    rng = Rng(*key)
    assert b"".join(rng.bytes(count) for count in cuts) == whole


@given(KEYS, st.integers(1, 10**9))
def test_draws_stay_below_their_limit(key: list[object], limit: int) -> None:
    rng = Rng(*key)

    assert 0 <= rng.below(limit) < limit
    assert 0 <= rng.unit() < 1
    assert 3 <= rng.between(3, 3 + limit) <= 3 + limit


def test_a_digest_tells_where_its_parts_are_cut() -> None:
    assert digest("ab", "c") != digest("a", "bc")


def test_a_fork_does_not_move_what_it_was_forked_from() -> None:
    rng, other = Rng(1), Rng(1)

    rng.fork("x").bytes(100)

    assert rng.bytes(10) == other.bytes(10)


def test_a_lone_surrogate_is_a_legal_key() -> None:
    assert Rng("\ud800").below(2) in (0, 1)
