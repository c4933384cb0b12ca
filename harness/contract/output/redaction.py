"""Keeps back what redaction of single texts cannot: a secret spelt out by the pieces of a stream.

Each event may hold a character or two; only together they say it, so nothing of it is shown.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from harness.contract.answer.reading import ABSENT
from harness.contract.clause import Fault
from harness.contract.observation import Observation
from harness.contract.run.results import Results

Redact = Callable[[str], str]
SEARCHED = 500_000
"""So many characters of a stream are searched; what is shown comes from its beginning."""
SPELT = "the events of this stream together spell out a secret"


def spells_secret(seen: Observation, redact: Redact) -> bool:
    """Whether the pieces of a stream spell out a secret that no piece holds alone."""
    if seen.reading is None or not seen.reading.streamed:
        return False
    said: dict[tuple[Any, ...], list[str]] = {}
    size = 0
    for event in seen.reading.events:
        size += len(event.data or "")
        if size > SEARCHED:
            break
        value = event.data if event.document is ABSENT else event.document
        for place, text in _texts(value):
            said.setdefault(place, []).append(text)
    return any(redact("".join(pieces)) != "".join(map(redact, pieces)) for pieces in said.values())


def _texts(value: Any) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every string in a JSON value with its place; an object in a list is at its `index`."""
    stack: list[tuple[tuple[Any, ...], Any]] = [((), value)]
    while stack:
        place, item = stack.pop()
        if isinstance(item, str):
            yield place, item
        elif isinstance(item, dict):
            stack.extend(((*place, name), inner) for name, inner in item.items())
        elif isinstance(item, list):
            stack.extend(((*place, _index(n, inner)), inner) for n, inner in enumerate(item))


def _index(position: int, item: Any) -> str:
    return repr(item.get("index", position) if isinstance(item, dict) else position)


def veil(ledger: Results, redact: Redact) -> None:
    """Withhold the evidence of violations that are shown by such a stream."""
    for entry in ledger.entries.values():
        if entry.faults and any(spells_secret(seen, redact) for seen in entry.shown):
            entry.faults = tuple(veiled(fault, entry.clause.statement) for fault in entry.faults)


def veiled(fault: Fault, statement: str) -> Fault:
    """The fault without anything that was taken from an answer."""
    return replace(fault, expected=statement, came=f"withheld: {SPELT}", data=b"")
