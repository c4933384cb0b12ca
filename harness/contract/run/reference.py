"""A clean run as requests at their times, to be played again on stand-ins that are changed."""

from dataclasses import dataclass

from harness.contract.run import standin
from harness.contract.run.budget import Budget
from harness.contract.run.exploration import Exploration
from harness.contract.run.results import Results
from harness.contract.run.sender import Sender
from harness.contract.run.waits import note_lacking
from harness.contract.topics.catalogue import CLAUSES
from harness.defects.make import make_gateway
from harness.errors import UsageError
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.transports.exchange import Timeouts
from harness.wire import Request, Response

TIMEOUTS = Timeouts(connect=5, first_byte=15, idle=8, total=45)
REQUESTS, DRAWN = 300, 20
"""As `verify --mode pr` sends: so many in all, and so many drawn ones per chat route."""


@dataclass(frozen=True, slots=True)
class ReferenceRequest:
    """One request of the reference run: to which of the stand-ins, and when."""

    gateway: int
    request: Request
    at_ns: int


@dataclass(frozen=True, slots=True)
class Reference:
    """The requests of a clean run, the stand-ins' configurations, and the clean answers."""

    sent: tuple[ReferenceRequest, ...]
    configs: tuple[Config, ...]
    clean: tuple[Response, ...]

    def shows(self, defect: str) -> int:
        """How many answers of the run the defect changes."""
        gateways = [make_gateway(config, defect=defect) for config in self.configs]
        return sum(
            gateways[each.gateway].handle(each.request, each.at_ns) != clean
            for each, clean in zip(self.sent, self.clean, strict=True)
        )


def prepared(
    embedded: standin.Embedded, ledger: Results, budget: Budget, *, seed: int = 0
) -> Exploration:
    """The run of a stand-in that stands ready, before its first request."""
    parts = (embedded.transport, embedded.clock, budget, "contract-run", TIMEOUTS)
    sender, limited = Sender(embedded.target, *parts), Sender(embedded.limited, *parts)
    note_lacking(ledger, embedded.target, limited=embedded.limited, clock=embedded.clock)
    return Exploration(sender, ledger, seed=seed, drawn=DRAWN, limited=limited)


def reference(*, seed: int = 0) -> Reference:
    """The reference of a whole run with a seed."""
    with standin.mock(standin.TARGET, seed=seed) as embedded:
        ledger = Results(CLAUSES, embedded.target.routes)
        exploration = prepared(embedded, ledger, Budget(REQUESTS), seed=seed)
        exploration.run()
        configs = tuple(gateway.config for gateway in embedded.gateways)
    seen = [(n, s) for n, sender in enumerate(exploration.senders) for s in sender.seen]
    seen.sort(key=lambda pair: (pair[1].exchange.sent_ns, pair[1].number))
    sent = tuple(
        ReferenceRequest(number, s.exchange.request, s.exchange.sent_ns) for number, s in seen
    )
    gateways = [Gateway(config) for config in configs]
    clean = tuple(gateways[each.gateway].handle(each.request, each.at_ns) for each in sent)
    return Reference(sent, configs, clean)


def check_shown(defect: str) -> None:
    """UsageError where a generated defect changes no answer of a run: its place does not exist."""
    if ":" in defect and not reference().shows(defect):
        raise UsageError(
            f"{defect}: changes no answer of a whole run; is its place there, "
            "such as plain.choices.0.index or usage.usage.total_tokens?"
        )
