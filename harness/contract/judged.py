"""What a run says about one clause on one route: the row of every document and table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.contract.cost import Share, shares
from harness.contract.ledger import Entry, Ledger
from harness.contract.observation import Observation

Redact = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Judged:
    """One clause on one route; every text of it is redacted.

    `exercised` and `violated` count exchanges or sequences. `evidence` is the first fault, the
    records, or why there is neither. `capsule` is the folder of a failure within that of the run.
    """

    id: str
    level: str
    route: str
    result: str
    exercised: int
    violated: int
    evidence: str
    capsule: str | None
    statement: str
    source: str
    records: tuple[str, ...]
    sent_again: int
    failed_again: int
    layer: str | None
    waived: str | None
    cost: Mapping[str, float]

    def document(self) -> dict[str, Any]:
        """The row of `conformance.json`."""
        return asdict(self)


def judged(ledger: Ledger, redact: Redact, seen: Sequence[Observation] = ()) -> tuple[Judged, ...]:
    """What a ledger says when the run is over; `seen` is all that was sent, for what it cost."""
    costs = shares(ledger, seen)
    return tuple(_judged(entry, costs[key], redact) for key, entry in ledger.entries.items())


def _judged(entry: Entry, cost: Share, redact: Redact) -> Judged:
    failing = bool(entry.violated)
    return Judged(
        id=entry.clause.id,
        level=str(entry.clause.level),
        route=entry.route,
        result=str(entry.result),
        exercised=entry.exercised,
        violated=entry.violated,
        evidence=redact(entry.why),
        capsule=f"failures/{capsule_name(entry)}" if failing else None,
        statement=entry.clause.statement,
        source=entry.clause.source,
        records=tuple(redact(text) for text in entry.records),
        sent_again=entry.sent_again,
        failed_again=entry.failed_again,
        layer=layer(entry) if failing else None,
        waived=entry.waived or None,
        cost={"requests": round(cost.requests, 3), "tokens": round(cost.tokens, 1)},
    )


def capsule_name(entry: Entry) -> str:
    """The folder of a failing clause: one per clause and route."""
    return f"{entry.clause.id}-{entry.route}"


def layer(entry: Entry) -> str:
    """The layer at fault as far as the answers tell; an answer that is wrong and says nothing
    about an error came through the gateway, which is where it can be looked into."""
    told = [seen.layer for seen in entry.shown if seen.layer is not None]
    return str(told[-1]) if told else "gateway or provider"
