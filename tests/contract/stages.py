"""A stage for one probe alone, on an embedded stand-in."""

from collections.abc import Iterable

from harness.contract.run import standin
from harness.contract.run.budget import Budget
from harness.contract.run.sender import Sender
from harness.contract.topics.stage import Stage
from harness.transports.exchange import Timeouts


def staged(embedded: standin.Embedded, route: str, wanted: Iterable[str]) -> Stage:
    """A stage on a route of the stand-in."""
    timeouts = Timeouts(connect=5, first_byte=15, idle=8, total=45)
    parts = (embedded.transport, embedded.clock, Budget(), "test", timeouts)
    return Stage(Sender(embedded.subject, *parts), route, 0, frozenset(wanted))
