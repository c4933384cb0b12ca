"""Has answers of a load judged by the contract's clauses, as many as the time allows."""

import time
from collections.abc import Callable

from harness.load.clauses import Checker
from harness.load.facts import Facts, suspect
from harness.load.plan import LoadPlan
from harness.load.sampling import Sampling
from harness.load.sender import Attempt, Sender
from harness.transports.exchange import Exchange
from harness.wire import End


class Judge:
    """Checks answers of one process; see `Sampling` for which.

    `breathe` is called between the parts of a check, to read what came for others meanwhile.
    """

    def __init__(
        self, plan: LoadPlan, sender: Sender, *, worker: int, breathe: Callable[[], None]
    ) -> None:
        self._checker = Checker()
        self._sender = sender
        self._breathe = breathe
        self._sampling = Sampling(
            time.monotonic_ns(), share=plan.check_share, seed=plan.seed * plan.workers + worker
        )

    def look(self, attempt: Attempt, facts: Facts) -> None:
        """Note in `facts` which clauses the answer of an attempt breaks, if it is drawn."""
        if attempt.talk.error is not None:
            return
        suspected, started_ns = suspect(facts), time.monotonic_ns()
        share = self._sampling.draw(attempt.ticket.route, started_ns, suspect=suspected)
        if share is None:
            return
        broken = self._broken(attempt)
        if broken is not None:
            facts.violations, facts.check_share = list(broken), share
        self._sampling.spent(time.monotonic_ns() - started_ns, suspect=suspected)

    def _broken(self, attempt: Attempt) -> tuple[str, ...] | None:
        response = attempt.reading.response(attempt.talk.sent_ns, End.COMPLETE)
        if response is None:
            return None
        request = self._sender.request(attempt.ticket)
        exchange = Exchange(request, attempt.talk.sent_ns, response)
        return self._checker.broken(attempt.template.case, exchange, self._breathe)
