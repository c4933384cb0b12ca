"""A client that leaves in mid-stream, and who comes after it."""

from collections.abc import Callable

from harness.contract.clause import Clause
from harness.contract.clauses.leaving import CLAUSES

__all__ = ["CLAUSES"]


def test_leaving(clause: Clause, route: str, judge: Callable[[Clause, str], None]) -> None:
    """Each clause of this topic is kept on each of its routes."""
    judge(clause, route)
