"""A declared rate limit."""

from collections.abc import Callable

from harness.contract.clause import Clause
from harness.contract.clauses.rate import CLAUSES

__all__ = ["CLAUSES"]


def test_rate(clause: Clause, route: str, judge: Callable[[Clause, str], None]) -> None:
    """Each clause of this topic is kept on each of its routes."""
    judge(clause, route)
