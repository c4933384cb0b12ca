"""Runs of the contract on the stand-in in this process: no pytest inside pytest, no files."""

import time
from collections.abc import Callable, Container
from functools import partial

from harness.contract.clause import Result
from harness.contract.run import standin
from harness.contract.run.budget import Budget
from harness.contract.run.exploration import Exploration
from harness.contract.run.results import Results
from harness.contract.run.sender import Sender
from harness.contract.run.standin import TARGET
from harness.contract.run.waits import RunClock, note_lacking
from harness.contract.topics.catalogue import CLAUSES
from harness.settings import Target
from harness.transports.exchange import Timeouts
from harness.transports.httpx import HttpxTransport
from tests.power.trial import UntilKilled


def explore(
    *,
    defect: str | None = None,
    variant: str | None = None,
    requests: int = 300,
    seed: int = 0,
    again: int = 0,
    enough: Callable[[Results], bool] | None = None,
) -> Exploration:
    """A whole run on the mock, or one until there is enough."""
    with standin.mock(TARGET, defect=defect, variant=variant, seed=seed) as embedded:
        timeouts = Timeouts(first_byte=15, idle=8, total=45)
        ledger = Results(CLAUSES, embedded.target.routes)
        budget = Budget(requests)
        if enough is not None:
            budget = UntilKilled(requests, partial(enough, ledger))
        parts = (embedded.transport, embedded.clock, budget, "test", timeouts)
        sender, limited = (Sender(s, *parts) for s in (embedded.target, embedded.limited))
        note_lacking(ledger, embedded.target, limited=embedded.limited, clock=embedded.clock)
        exploration = Exploration(
            sender, ledger, seed=seed, limited=limited, again=again, reductions=0
        )
        exploration.run()
    assert exploration.bugs == []
    assert [entry.error for entry in ledger.entries.values() if entry.error] == []
    return exploration


def failing(exploration: Exploration) -> dict[str, str]:
    """The ids of the broken clauses and their level."""
    entries = exploration.ledger.entries.values()
    return {e.clause.id: str(e.clause.level) for e in entries if e.result is Result.FAIL}


def judged(
    target: Target,
    *,
    routes: tuple[str, ...] = ("native", "compat", "model"),
    clauses: Container[str] | None = None,
    requests: int = 300,
) -> Results:
    """What a run on a real clock says of a target of a test's own, by these clauses."""
    clock = RunClock(time.monotonic_ns, time.sleep)
    with HttpxTransport() as transport:
        timeouts = Timeouts(connect=5, first_byte=15, idle=8, total=45)
        sender = Sender(target, transport, clock, Budget(requests), "test", timeouts)
        ledger = Results(
            [clause for clause in CLAUSES if clauses is None or clause.id in clauses], routes
        )
        note_lacking(ledger, target, clock=clock)
        Exploration(sender, ledger, reductions=0).run()
    return ledger
