"""What is only written down."""

from collections.abc import Callable

from harness.contract.clause import Clause
from harness.contract.clauses.records import CLAUSES

__all__ = ["CLAUSES"]


def test_records(clause: Clause, route: str, judge: Callable[[Clause, str], None]) -> None:
    """Each clause of this topic is kept on each of its routes."""
    judge(clause, route)
