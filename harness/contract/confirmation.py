"""Sends again what broke a clause, by itself: what that says then is counted beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from harness.contract.case import Case
from harness.contract.ledger import Entry
from harness.contract.observation import Observation
from harness.contract.reduction import reduce


@dataclass(frozen=True, slots=True)
class Confirmation:
    """`again` is how often a failing request is sent again, `reductions` how many requests the
    search for a smaller one may take.
    """

    send: Callable[[Case], Observation]
    again: int
    reductions: int

    def exchange(self, entry: Entry) -> None:
        """A clause on single exchanges: the smallest request that broke it, and smaller ones."""
        check = entry.clause.check
        if check is None:
            return
        case = entry.shown[0].case
        for _ in range(self.again):
            entry.note_again(entry.ask(check, self.send(case)))
        reduce(partial(entry.ask, check), entry.shown[0], self.send, limit=self.reductions)

    def whole(self, entry: Entry, seen: Sequence[Observation]) -> None:
        """A clause over the whole run: what it rests on, where it says what that is."""
        judge, suspects = entry.clause.whole, entry.clause.suspects
        if judge is None or suspects is None or not self.again:
            return
        mine = [each for each in seen if each.case.route == entry.route]
        entry.note_again(entry.ask(judge, [self.send(each.case) for each in suspects(mine)]))
