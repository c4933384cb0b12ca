"""What a run says about one clause on one route: the row of every document and table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.contract.clause import Level
from harness.contract.observation import Observation
from harness.contract.run.cost import CostShare, shares
from harness.contract.run.results import Entry, Results
from harness.errors import Layer

Redact = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class ClauseRow:
    """One clause on one route; every text of it is redacted.

    `exercised` and `violated` count exchanges or sequences. `evidence` is the first fault, the
    records, or why there is neither. `rationale` says why it matters. `capsule` is the folder of a
    failure within that of the run. `follows` names a clause that is as binding and was broken on
    the same requests, so that one cause may have broken both.
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
    rationale: str
    source: str
    records: tuple[str, ...]
    sent_again: int
    failed_again: int
    layer: str | None
    waived: str | None
    cost: Mapping[str, float]
    follows: str | None = None

    def document(self) -> dict[str, Any]:
        """The row of `conformance.json`."""
        return asdict(self)


def judged(
    ledger: Results, redact: Redact, seen: Sequence[Observation] = ()
) -> tuple[ClauseRow, ...]:
    """What a ledger says when the run is over; `seen` is all that was sent, for what it cost."""
    costs, leads = shares(ledger, seen), followed(ledger)
    return tuple(
        _judged(entry, costs[key], leads.get(key), redact) for key, entry in ledger.entries.items()
    )


def by_weight(entry: Entry) -> tuple[bool, bool, int, float, int]:
    """How failures are listed: what fails the run first, then what binds, then causes, which single
    exchanges show, then what most of its exchanges show, then what most exchanges show."""
    clause, share = entry.clause, entry.violated / max(entry.exercised, 1)
    kind = 0 if clause.check is not None else 1 if clause.scene is not None else 2
    return bool(entry.waived), clause.level is not Level.MUST, kind, -share, -entry.violated


def followed(ledger: Results) -> Mapping[tuple[str, str], str]:
    """For a failure the clause before it in that order which the same requests broke, or more."""
    found: dict[tuple[str, str], str] = {}
    leads: list[Entry] = []
    for entry in sorted(ledger.failing(), key=by_weight):
        alike = (lead for lead in leads if lead.route == entry.route)
        lead = next((each for each in alike if entry.broken_by <= each.broken_by), None)
        if lead is None:
            leads.append(entry)
        else:
            found[entry.clause.id, entry.route] = lead.clause.id
    return found


def _judged(entry: Entry, cost: CostShare, follows: str | None, redact: Redact) -> ClauseRow:
    failing = bool(entry.violated)
    return ClauseRow(
        id=entry.clause.id,
        level=str(entry.clause.level),
        route=entry.route,
        result=str(entry.result),
        exercised=entry.exercised,
        violated=entry.violated,
        evidence=redact(entry.why),
        capsule=f"failures/{capsule_name(entry)}" if failing else None,
        statement=entry.clause.statement,
        rationale=entry.clause.rationale,
        source=entry.clause.source,
        records=tuple(redact(text) for text in entry.records),
        sent_again=entry.sent_again,
        failed_again=entry.failed_again,
        layer=layer(entry) if failing else None,
        waived=entry.waived or None,
        cost={
            "requests": round(cost.requests, 3),
            "tokens": round(cost.tokens, 1),
            "seconds": round(cost.seconds, 3),
        },
        follows=follows,
    )


def capsule_name(entry: Entry) -> str:
    """The folder of a failing clause: one per clause and route."""
    return f"{entry.clause.id}-{entry.route}"


def layer(entry: Entry) -> str:
    """The layer at fault as far as the answers tell; an answer that is wrong and says nothing
    about an error came through the gateway, which is where it can be looked into."""
    if entry.guilty is not None and entry.guilty.cache_status == "HIT":
        return str(Layer.GATEWAY)  # its cache made the answer
    told = [seen.layer for seen in entry.shown if seen.layer is not None]
    return str(told[-1]) if told else "gateway or provider"
