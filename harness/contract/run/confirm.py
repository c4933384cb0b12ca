"""Sends again what broke a clause, by itself: what that says then is counted beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from harness.contract.case import Case, Expect
from harness.contract.observation import Observation
from harness.contract.run.reduction import reduce
from harness.contract.run.results import Entry

ENOUGH = 3
"""Answers of 500 to the same bytes that show that it lasts."""
MOST = 6
"""So many requests, at most, are sent again for that."""


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


def ask_lasting(seen: Sequence[Observation], send: Callable[[Case], Observation]) -> None:
    """Send valid requests that met 500 until it is known whether they always do."""
    answers: dict[bytes, list[Observation]] = {}
    for each in seen:
        if each.case.expect is Expect.ACCEPT and each.case.sound and not each.case.apart:
            answers.setdefault(each.exchange.request.body, []).append(each)
    failed = [row for row in answers.values() if all(each.status == 500 for each in row)]
    for row in failed[:MOST]:
        for _ in range(ENOUGH - len(row)):
            if send(row[0].case).status != 500:
                break
