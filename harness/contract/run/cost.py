"""What each clause cost: its share of the requests, tokens and time that exercised it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.contract.answer.choices import tokens
from harness.contract.observation import Observation
from harness.contract.run.results import Results


@dataclass(slots=True)
class CostShare:
    """Requests, tokens and seconds; fractions, because one request feeds many clauses."""

    requests: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0


def shares(ledger: Results, seen: Sequence[Observation]) -> Mapping[tuple[str, str], CostShare]:
    """Each request split evenly among the clauses that it exercised.

    The sum over all clauses is what was sent, without the requests that exercised none.
    """
    fed = Counter(number for entry in ledger.entries.values() for number in entry.fed_by)
    used = {each.number: _tokens(each) for each in seen}
    took = {each.number: each.response.end_at_ns / 1e9 for each in seen if each.response}
    return {
        key: CostShare(
            sum(1 / fed[number] for number in entry.fed_by),
            sum(used.get(number, 0) / fed[number] for number in entry.fed_by),
            sum(took.get(number, 0.0) / fed[number] for number in entry.fed_by),
        )
        for key, entry in ledger.entries.items()
    }


def _tokens(seen: Observation) -> int:
    found = tokens(seen.reading, "total_tokens") if seen.reading else None
    return found or 0
