"""What a run may cost, reserved before each request and settled after it."""

from dataclasses import dataclass

from harness.errors import HarnessError

RESERVE = 30
"""Requests kept back from optional cases for confirming what failed."""


class BudgetError(HarnessError):
    """The next request would exceed a cap; it was not sent. Never an AssertionError."""


@dataclass(slots=True)
class Budget:
    """Requests, tokens and dollars: what may be used and what was.

    None is no cap. Dollars are counted at `dollars_per_token`, an upper bound over both kinds.
    """

    max_requests: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    dollars_per_token: float = 0.0
    requests: int = 0
    tokens: int = 0

    @property
    def cost(self) -> float:
        """Dollars used so far, an upper bound."""
        return self.tokens * self.dollars_per_token

    @property
    def left(self) -> int | None:
        """Requests left, or None without a cap."""
        return None if self.max_requests is None else self.max_requests - self.requests

    def reserve(self, tokens: int) -> None:
        """Take one request and the most tokens it can use; BudgetError if that is too much."""
        after = self.tokens + tokens
        if self.max_requests is not None and self.requests >= self.max_requests:
            raise BudgetError(f"the budget of {self.max_requests} requests is used up")
        if self.max_tokens is not None and after > self.max_tokens:
            raise BudgetError(f"the budget of {self.max_tokens} tokens is used up")
        if self.max_cost is not None and after * self.dollars_per_token > self.max_cost:
            raise BudgetError(f"the budget of ${self.max_cost:.2f} is used up")
        self.requests += 1
        self.tokens += tokens

    def settle(self, reserved: int, used: int | None) -> None:
        """Give back what was reserved and not used; nothing without a usage report."""
        if used is not None:
            self.tokens += used - reserved
