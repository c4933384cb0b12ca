"""Checks of answers that are known beforehand, because a strict schema allows one value only."""

from collections.abc import Iterator
from typing import Any

from harness.contract.clause import Finding
from harness.contract.evidence import told
from harness.contract.observation import Observation
from harness.contract.reading import parse_json
from harness.contract.strategies.given import given


def _said(seen: Observation) -> Iterator[dict[str, Any]]:
    """The objects that the choices of an answer spell, where they ended by themselves."""
    for choice in seen.choices if seen.good else ():
        value = parse_json(choice.text)[0] if choice.finish == "stop" else None
        if isinstance(value, dict):
            yield value


def given_values_arrive(seen: Observation) -> Finding:
    """A value that the schema fixes arrives as it was sent, to the character and the digit."""
    wanted = given(seen.case.asked)
    if not wanted:
        return None
    pairs = [
        (name, value, document[name])
        for document in _said(seen)
        for name, value in wanted.items()
        if type(document.get(name)) is type(value)
    ]
    if not pairs:
        return None
    return tuple(
        told(ascii(value), f"{came!a}", f"{name}, the only allowed value")
        for name, value, came in pairs
        if came != value
    )
