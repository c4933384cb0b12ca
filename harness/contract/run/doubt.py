"""Which violations do not count: what our own side may have made, and what follows from another."""

from collections.abc import Container, Sequence

from harness.contract.clause import Level
from harness.contract.observation import Observation
from harness.contract.run.outage import ORIGIN
from harness.contract.run.results import Results
from harness.wire import End

DECLARED = ("rate", "cache", "auth")
DYING_NS = 5_000_000_000
"""An answer that broke off so shortly before a target was gone broke off with it."""


def withdraw(
    ledger: Results, seen: Sequence[Observation], *, answered: Container[str], real_time: bool
) -> None:
    """Take back every violation that does not count; `answered` are the routes that ever did."""
    if real_time:
        withdraw_doubtful(ledger)
    withdraw_unfounded(ledger, answered)
    withdraw_dying(ledger, seen)


def withdraw_doubtful(ledger: Results) -> None:
    """On a real clock a fault of time counts only when it was seen again."""
    for entry in ledger.failing():
        if entry.clause.timed and not entry.failed_again:
            again = f"asked again, it was kept {entry.sent_again} times"
            again = again if entry.sent_again else "it could not be told by asking again"
            entry.withdraw(f"it looked broken ({entry.why}); {again}")


def withdraw_unfounded(ledger: Results, answered: Container[str]) -> None:
    """Where a route never answered a good request, that alone is the finding."""
    for entry in ledger.failing():
        if entry.clause.founded and entry.route not in answered:
            entry.withdraw("no good request was answered at all, which route-answers judges")


def withdraw_dying(ledger: Results, seen: Sequence[Observation]) -> None:
    """A target that is gone at the end died: the answers that it was giving are its outage."""
    dying = {id(each) for each in _broken_off(seen)}
    for entry in ledger.failing():
        mine = {id(each) for each in entry.shown} & dying
        if entry.clause.check is not None and mine and entry.violated <= len(dying):
            entry.withdraw("the target was gone right after: an outage, not an answer of its own")


def _broken_off(seen: Sequence[Observation]) -> list[Observation]:
    """The answers that broke off when the target died; none while it goes on answering."""
    by_time = sorted(seen, key=lambda each: each.exchange.sent_ns)
    last = next((n for n, s in reversed([*enumerate(by_time)]) if s.exchange.whole), -1)
    after = by_time[last + 1 :]
    gone = [s for s in after if s.exchange.error is not None and s.exchange.error.kind in ORIGIN]
    if not gone:
        return []
    died_ns = gone[0].exchange.sent_ns
    cut = [s for s in by_time if s.response is not None and s.response.end is not End.COMPLETE]
    return [s for s in cut if s.response and _ended(s) >= died_ns - DYING_NS]


def _ended(seen: Observation) -> int:
    return seen.exchange.sent_ns + (seen.response.end_at_ns if seen.response else 0)


def explain_unmet(ledger: Results) -> None:
    """What was declared and gave no occasion is unknown: nothing shows that it is so."""
    for entry in ledger.entries.values():
        declared = [name for name in entry.clause.needs if name in DECLARED]
        if declared and entry.clause.level is Level.MUST and not entry.exercised:
            entry.reason = entry.reason or f"declared, but nothing showed it: {declared[0]}"
