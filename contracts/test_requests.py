"""Whether the route answers, and what is sent to it."""

from collections.abc import Callable

from harness.contract.clause import Clause
from harness.contract.clauses.requests import CLAUSES

__all__ = ["CLAUSES"]


def test_requests(clause: Clause, route: str, judge: Callable[[Clause, str], None]) -> None:
    """Each clause of this topic is kept on each of its routes."""
    judge(clause, route)
