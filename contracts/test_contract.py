"""The contract: one test per clause and route; `-k` selects by topic, clause and route."""

from collections.abc import Callable

from harness.contract.clause import Clause


def test_clause(clause: Clause, route: str, judge: Callable[[Clause, str], None]) -> None:
    """The clause is kept on the route."""
    judge(clause, route)
