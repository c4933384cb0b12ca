"""Caps are kept, by each worker for its share."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.load.budget import (
    PAID_COST,
    PAID_REQUESTS,
    PAID_TOKENS,
    LoadBudget,
    Reservation,
    caps_for,
    estimate,
    left,
)
from harness.load.plan import Caps, LoadPlan
from harness.load.progress import WorkerReport
from harness.load.tally import RouteTally
from harness.routes.address import Address

SIZES = st.builds(Reservation, st.integers(0, 50), st.integers(0, 50))


@given(st.integers(1, 30), st.integers(1, 5))
def test_all_workers_together_send_exactly_what_is_allowed(allowed: int, workers: int) -> None:
    caps = Caps(requests=allowed)
    budgets = [LoadBudget(caps, workers=workers, worker=worker) for worker in range(workers)]

    taken = sum(budget.reserve(Reservation(1, 1)) for budget in budgets for _ in range(40))

    assert taken == allowed


@given(st.lists(SIZES, max_size=40), st.integers(0, 500), st.integers(1, 3))
def test_tokens_never_pass_the_cap(sizes: list[Reservation], cap: int, workers: int) -> None:
    budgets = [LoadBudget(Caps(total_tokens=cap), workers=workers) for _ in range(workers)]

    for index, size in enumerate(sizes):
        budget = budgets[index % workers]
        if budget.reserve(size):
            budget.settle(size, None)

    assert sum(budget.tokens for budget in budgets) <= cap


def test_what_was_not_used_can_be_used_again() -> None:
    budget = LoadBudget(Caps(total_tokens=100))
    worst = Reservation(40, 60)

    assert budget.reserve(worst)
    budget.settle(worst, Reservation(10, 5))
    assert budget.reserve(Reservation(40, 45))
    assert not budget.reserve(Reservation(1, 1))
    assert budget.exhausted == "--max-total-tokens 100 is used up"


def test_a_dollar_cap_counts_both_kinds_of_tokens() -> None:
    budget = LoadBudget(Caps(cost=1.0, price_in=0.01, price_out=0.1))

    assert budget.reserve(Reservation(50, 5))
    assert not budget.reserve(Reservation(1, 0))
    assert budget.exhausted == "--max-cost 1 is used up"


def test_once_used_up_nothing_fits_any_more() -> None:
    budget = LoadBudget(Caps(total_tokens=10))

    assert not budget.reserve(Reservation(11, 0))
    assert not budget.reserve(Reservation(1, 0))


PRICED = "openai/gpt-oss-120b"


def test_a_paid_target_has_caps_by_default() -> None:
    caps = caps_for(Caps(), model=PRICED, routes=("native", "compat"), paid=True)

    assert (caps.requests, caps.total_tokens, caps.cost) == (PAID_REQUESTS, PAID_TOKENS, PAID_COST)
    assert caps.price_out == pytest.approx(0.5e-6)


def test_a_target_on_this_machine_has_none() -> None:
    caps = caps_for(Caps(), model="unknown", routes=("native", "model"), paid=False)

    assert (caps.requests, caps.total_tokens, caps.cost) == (None, None, None)


@pytest.mark.parametrize(("model", "routes"), [("unknown", ("native",)), (PRICED, ("model",))])
def test_a_cost_that_nobody_can_bound_needs_a_cap(model: str, routes: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="set --max-requests"):
        caps_for(Caps(), model=model, routes=routes, paid=True)

    assert caps_for(Caps(requests=5), model=model, routes=routes, paid=True).requests == 5


def test_a_dollar_cap_needs_a_price() -> None:
    with pytest.raises(UsageError, match="price of unknown"):
        caps_for(Caps(cost=1.0), model="unknown", routes=("native",), paid=False)


def test_the_estimate_is_the_least_of_schedule_and_caps() -> None:
    plan = LoadPlan(
        run_id="r",
        folder="",
        address=Address(),
        model="m",
        rate=2.0,
        duration_s=20,
        warmup_s=5,
        caps=Caps(requests=1000, total_tokens=100_000, cost=0.5),
    )

    assert estimate(plan) == "at most 50 requests, about 6,400 tokens, $0.50"


def test_what_one_start_has_used_the_next_one_lacks() -> None:
    tally = RouteTally(outcomes=Counter(ok=7))
    used = WorkerReport("load-0", 1, 0, tokens=30, cost=0.5, routes={"native": tally})

    assert left(Caps(10, 100, 2.0), [used]) == Caps(3, 70, 1.5)
    assert left(Caps(5, 20, 0.25), [used, used]) == Caps(0, 0, 0)
    assert left(Caps(), [used]) == Caps()
