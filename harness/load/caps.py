"""What a load may cost where requests cost money: default caps, and an estimate beforehand."""

import math
from collections.abc import Iterable
from dataclasses import replace
from statistics import fmean
from typing import Any

from harness.errors import UsageError
from harness.load.budget import price_per_token
from harness.load.plan import Caps, LoadPlan
from harness.load.progress import WorkerReport
from harness.load.stages import with_warmup
from harness.routes.route import Route

PAID_REQUESTS = 1_000
PAID_TOKENS = 500_000
PAID_COST = 1.0
"""US dollars."""


def caps_for(given: Caps, *, model: str, routes: tuple[str, ...], paid: bool) -> Caps:
    """The caps that hold: those given, and on a paid target the defaults for the others.

    UsageError when the cost cannot be bounded: a dollar cap without a known price, or no cap at all
    for a model whose price nobody knows (dedicated models are billed by the minute).
    """
    price = price_per_token(model)
    priced = price is not None and Route.MODEL not in routes
    if given.cost is not None and price is None:
        raise UsageError(
            f"--max-cost: the price of {model} is not known; use --max-total-tokens instead"
        )
    if price is not None:
        given = replace(given, price_in=price[0], price_out=price[1])
    if not paid:
        return given
    if not priced and (given.requests, given.total_tokens, given.cost) == (None, None, None):
        what = f"the price of {model}" if price is None else "the cost of the model route"
        raise UsageError(
            f"{what} is not known, so the cost cannot be bounded; "
            "set --max-requests or --max-total-tokens"
        )
    return replace(
        given,
        requests=PAID_REQUESTS if given.requests is None else given.requests,
        total_tokens=PAID_TOKENS if given.total_tokens is None else given.total_tokens,
        cost=PAID_COST if given.cost is None and priced else given.cost,
    )


def left(caps: Caps, reports: Iterable[WorkerReport]) -> Caps:
    """The caps without what these workers have used."""
    reports = tuple(reports)
    used = Caps(
        requests=sum(tally.requests for one in reports for tally in one.routes.values()),
        total_tokens=sum(one.tokens for one in reports),
        cost=sum(one.cost for one in reports),
    )
    return replace(
        caps,
        requests=_minus(caps.requests, used.requests),
        total_tokens=_minus(caps.total_tokens, used.total_tokens),
        cost=_minus(caps.cost, used.cost),
    )


def _minus(cap: Any, used: Any) -> Any:
    return None if cap is None else max(cap - used, 0)


def _tokens_of_one(plan: LoadPlan) -> float:
    """The mean of what a request may use; of drawn lengths the mean of those that are drawn."""
    drawn = plan.drawn()
    means = (
        fmean(drawn.get(name, (tokens,)))
        for name, tokens in (("prompt", plan.prompt_tokens), ("output", plan.max_output_tokens))
    )
    return sum(means)


def estimate(plan: LoadPlan) -> str:
    """What the load will use at most, in one line."""
    requests = plan.caps.requests
    if plan.rate is not None:
        due = int(plan.rate * plan.total_s)
        if plan.stages:
            due = math.ceil(sum(each.many for each in with_warmup(plan.stages, plan.warmup_s)))
        due = plan.due if plan.due is not None else due
        requests = due if requests is None else min(due, requests)
    each = _tokens_of_one(plan)
    bounds = [f"at most {requests} requests" if requests is not None else "requests not capped"]
    tokens = plan.caps.total_tokens
    if requests is not None:
        asked = round(requests * each)
        tokens = asked if tokens is None else min(asked, tokens)
    if tokens is not None:
        drawn = ", as drawn" if plan.drawn() else ""
        bounds.append(f"about {tokens:,} tokens{drawn}")
    if plan.caps.cost is not None:
        bounds.append(f"${plan.caps.cost:.2f}")
    return ", ".join(bounds)
