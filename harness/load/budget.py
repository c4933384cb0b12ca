"""What a run may spend: requests, tokens and dollars, reserved before each request."""

from dataclasses import dataclass

from harness.load.plan import Caps

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
