"""Credentials: the provider's key and the gateway's token."""

from collections.abc import Callable

from harness.contract.clause import Clause
from harness.contract.clauses.auth import CLAUSES

__all__ = ["CLAUSES"]


def test_auth(clause: Clause, route: str, judge: Callable[[Clause, str], None]) -> None:
    """Each clause of this topic is kept on each of its routes."""
    judge(clause, route)
