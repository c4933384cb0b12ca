"""Which route comes when."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from harness.load.ticket import block_order, route_of
from harness.routes.route import ROUTES


@given(st.integers(0, 10_000), st.integers(0, 2**63))
def test_a_block_holds_every_route_once(block: int, seed: int) -> None:
    assert sorted(block_order(ROUTES, block=block, seed=seed)) == sorted(ROUTES)


@given(st.integers(1, 200), st.integers(0, 1000))
def test_no_route_is_ever_more_than_one_request_ahead(count: int, seed: int) -> None:
    taken = Counter(route_of(ROUTES, index=index, seed=seed) for index in range(count))

    counts = [taken[route] for route in ROUTES]
    assert max(counts) - min(counts) <= 1


def test_every_order_occurs() -> None:
    orders = {block_order(ROUTES, block=block, seed=0) for block in range(200)}

    assert len(orders) == 6
