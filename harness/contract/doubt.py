"""Which violations do not count: what our own side may have made, and what follows from another."""

from collections.abc import Container

from harness.contract.ledger import Ledger


def withdraw_doubtful(ledger: Ledger) -> None:
    """On a real clock a fault of time counts only when it was seen again."""
    for entry in ledger.failing():
        if entry.clause.timed and not entry.failed_again:
            again = f"asked again, it was kept {entry.sent_again} times"
            again = again if entry.sent_again else "it could not be told by asking again"
            entry.withdraw(f"it looked broken ({entry.why}); {again}")


def withdraw_unfounded(ledger: Ledger, answered: Container[str]) -> None:
    """Where a route never answered a good request, that alone is the finding."""
    for entry in ledger.failing():
        if entry.clause.founded and entry.route not in answered:
            entry.withdraw("no good request was answered at all, which route-answers judges")
