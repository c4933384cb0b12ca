"""A clean run of the suite as requests at their times, to be played again on other stand-ins."""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.contract.power.trial import SUBJECT, Trial, prepared
from harness.contract.run import standin
from harness.defects.make import make_gateway
from harness.defects.mutants import answers, values
from harness.errors import UsageError
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.wire import Request, Response


@dataclass(frozen=True, slots=True)
class Sent:
    """One request of the reference run: to which of the stand-ins, and when."""

    gateway: int
    request: Request
    at_ns: int


@dataclass(frozen=True, slots=True)
class Reference:
    """The requests of a clean run, the stand-ins' configurations, and the clean answers."""

    sent: tuple[Sent, ...]
    configs: tuple[Config, ...]
    clean: tuple[Response, ...]

    def shows(self, defect: str) -> int:
        """How many answers of the run the defect changes."""
        gateways = [make_gateway(config, defect=defect) for config in self.configs]
        return sum(
            gateways[each.gateway].handle(each.request, each.at_ns) != clean
            for each, clean in zip(self.sent, self.clean, strict=True)
        )


def reference(*, seed: int = 0) -> Reference:
    """The reference of a whole run with a seed."""
    trial = Trial(seed=seed)
    with standin.mock(SUBJECT, seed=seed) as embedded:
        _, exploration = prepared(trial, embedded)
        exploration.run()
        configs = tuple(gateway.config for gateway in embedded.gateways)
        seen = [(0, each) for each in exploration.sender.seen]
        if exploration.limited is not None:
            seen += [(1, each) for each in exploration.limited.seen]
    seen.sort(key=lambda pair: (pair[1].exchange.sent_ns, pair[1].number))
    sent = tuple(Sent(number, s.exchange.request, s.exchange.sent_ns) for number, s in seen)
    gateways = [Gateway(config) for config in configs]
    clean = tuple(gateways[each.gateway].handle(each.request, each.at_ns) for each in sent)
    return Reference(sent, configs, clean)


def value_places(clean: Iterable[Response]) -> frozenset[str]:
    """Every place in the JSON of some answers, as the generated defects name them."""
    found: set[str] = set()
    for response in clean:
        for kind, document in answers.documents(response):
            found.update(".".join((kind, *steps)) for steps in values.places(document))
    return frozenset(found)


def check_shown(defect: str) -> None:
    """UsageError where a generated defect changes no answer of a run: its place does not exist."""
    if ":" in defect and not reference().shows(defect):
        raise UsageError(
            f"{defect}: changes no answer of a whole run; is its place there, "
            "such as plain.choices.0.index or usage.usage.total_tokens?"
        )
