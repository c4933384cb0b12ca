"""What a load may spend: default caps and an estimate beforehand, and a reservation per request."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from harness.errors import UsageError
from harness.load.plan import Caps, LoadPlan
from harness.load.progress import WorkerReport
from harness.load.stages import with_warmup
from harness.routes.route import Route

PAID_REQUESTS = 1_000
PAID_TOKENS = 500_000
PAID_COST = 1.0
"""US dollars."""

_MILLION = 1e6

PRICES_PER_MILLION: dict[str, tuple[float, float]] = {
    "openai/gpt-oss-120b": (0.10, 0.50),
    "MiniMaxAI/MiniMax-M2.5": (0.30, 1.20),
    "deepseek-ai/DeepSeek-V3.1": (0.50, 1.50),
    "deepseek-ai/DeepSeek-V3-0324": (0.77, 0.77),
    "zai-org/GLM-4.6": (0.60, 2.20),
    "zai-org/GLM-4.7": (0.60, 2.20),
    "zai-org/GLM-5": (0.95, 3.15),
    "zai-org/GLM-5.2": (1.40, 4.40),
    "moonshotai/Kimi-K2.5": (0.60, 3.00),
    "moonshotai/Kimi-K2.7-Code": (0.95, 4.00),
    "nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B": (0.60, 2.40),
    "deepseek-ai/DeepSeek-V4-Flash-0731": (0.13, 0.26),
}
"""US dollars for a million prompt and completion tokens.

Source: docs.baseten.co/development/model-apis/overview, October 2026. Dedicated models (the model
route) are billed by the minute and have no price per token.
"""


def price_per_token(model: str) -> tuple[float, float] | None:
    """Dollars per prompt and completion token; None for a model without a known price."""
    price = PRICES_PER_MILLION.get(model)
    return None if price is None else (price[0] / _MILLION, price[1] / _MILLION)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one request may use at most."""

    prompt_tokens: int
    completion_tokens: int


class LoadBudget:
    """Keeps one worker within its share of the caps: reserve the worst case, settle with usage.

    A request whose worst case does not fit is not sent, so a cap is never passed as far as the
    guess of the prompt's length is not too low.
    """

    def __init__(self, caps: Caps, *, workers: int = 1, worker: int = 0) -> None:
        self.requests = 0
        self.tokens = 0
        self.cost = 0.0
        self.exhausted: str | None = None
        self._caps = caps
        self._workers = workers
        self._request_share = _share(caps.requests, worker, workers)
        self._bounded = (caps.requests, caps.total_tokens, caps.cost) != (None, None, None)
        self._reserved_tokens = 0
        self._reserved_cost = 0.0

    def reserve(self, reservation: Reservation) -> bool:
        """Take what the request may use; False, with `exhausted` set, when it is not left."""
        if not self._bounded:
            self.requests += 1
            return True
        if self.exhausted is None:
            self.exhausted = self._lacking(reservation)
        if self.exhausted is not None:
            return False
        self.requests += 1
        self._reserved_tokens += _tokens(reservation)
        self._reserved_cost += self._price(reservation)
        return True

    def settle(self, reservation: Reservation, used: Reservation | None) -> None:
        """Give the reservation back for what was used; None: unknown, so all of it."""
        if self._bounded:
            self._reserved_tokens -= _tokens(reservation)
            self._reserved_cost -= self._price(reservation)
        spent = reservation if used is None else used
        self.tokens += _tokens(spent)
        self.cost += self._price(spent)

    def _lacking(self, wanted: Reservation) -> str | None:
        caps = self._caps
        if self._request_share is not None and self.requests >= self._request_share:
            return f"--max-requests {caps.requests} is used up"
        tokens = self.tokens + self._reserved_tokens + _tokens(wanted)
        if caps.total_tokens is not None and tokens > caps.total_tokens / self._workers:
            return f"--max-total-tokens {caps.total_tokens} is used up"
        cost = self.cost + self._reserved_cost + self._price(wanted)
        if caps.cost is not None and cost > caps.cost / self._workers:
            return f"--max-cost {caps.cost:g} is used up"
        return None

    def _price(self, reservation: Reservation) -> float:
        caps = self._caps
        return (caps.price_in or 0.0) * reservation.prompt_tokens + (
            caps.price_out or 0.0
        ) * reservation.completion_tokens


def _share(whole: int | None, worker: int, workers: int) -> int | None:
    return None if whole is None else whole // workers + (worker < whole % workers)


def _tokens(reservation: Reservation) -> int:
    return reservation.prompt_tokens + reservation.completion_tokens


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
