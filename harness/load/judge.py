"""Has answers of a load judged by the contract's clauses, as many as the time allows."""

import time
from collections.abc import Callable

from harness.load.clauses import Checker
from harness.load.facts import Facts, suspect
from harness.load.plan import LoadPlan
from harness.load.sampling import PERIOD_NS, Sampling
from harness.load.sender import RequestAttempt, RequestSender
from harness.routes.route import Route
from harness.transports.exchange import Exchange
from harness.wire import End


class Judge:
    """Checks answers of one process; see `Sampling` for which.

    `breathe` is called between the parts of a check, to read what came for others meanwhile.
    """

    def __init__(
        self, plan: LoadPlan, sender: RequestSender, *, worker: int, breathe: Callable[[], None]
    ) -> None:
        self._checker = Checker()
        self._sender = sender
        self._breathe = breathe
        self._idle = _Idle()
        self._sampling = Sampling(
            time.monotonic_ns(),
            share=plan.check_share,
            idle=self._idle.share,
            seed=plan.seed * plan.workers + worker,
        )

    def look(self, attempt: RequestAttempt, facts: Facts) -> None:
        """Note in `facts` which clauses the answer of an attempt breaks, if it is drawn."""
        if attempt.talk.error is not None or attempt.ticket.route == Route.DIRECT:
            return  # the contract is the gateway's
        suspected, started_ns = suspect(facts), time.monotonic_ns()
        share = self._sampling.draw(attempt.ticket.route, started_ns, suspect=suspected)
        if share is None:
            return
        broken = self._broken(attempt)
        if broken is not None:
            facts.violations, facts.check_share = list(broken), share
        took_ns = time.monotonic_ns() - started_ns
        self._sampling.spent(took_ns, suspect=suspected)
        self._idle.checked_ns += took_ns

    def _broken(self, attempt: RequestAttempt) -> tuple[str, ...] | None:
        response = attempt.reading.response(attempt.talk.sent_ns, End.COMPLETE)
        if response is None:
            return None
        request = self._sender.request(attempt.ticket)
        exchange = Exchange(request, attempt.talk.sent_ns, response)
        return self._checker.broken(attempt.template.case, exchange, self._breathe)


class _Idle:
    """What this process leaves unused of a core, over the last whole second; checks are no use."""

    def __init__(self) -> None:
        self.checked_ns = 0
        self._at_ns, self._cpu_ns = time.monotonic_ns(), time.process_time_ns()
        self._share = 0.0

    def share(self) -> float:
        """As a part of one."""
        at_ns, cpu_ns = time.monotonic_ns(), time.process_time_ns()
        elapsed_ns = at_ns - self._at_ns
        if elapsed_ns >= PERIOD_NS:
            busy_ns = cpu_ns - self._cpu_ns - self.checked_ns
            self._share = min(max(1 - busy_ns / elapsed_ns, 0.0), 1.0)
            self._at_ns, self._cpu_ns, self.checked_ns = at_ns, cpu_ns, 0
        return self._share
