"""A generated defect: an operator at a place, on a route, under a condition; its name says all."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.defects.defect import Defect
from harness.defects.mutants import (
    answers,
    decisions,
    events,
    forwards,
    heads,
    octets,
    values,
)
from harness.defects.mutants.occasion import ANSWERS, REQUESTS, ROUTES, Occasion
from harness.errors import UsageError
from harness.gateway.rules import Rules
from harness.gateway.served import Served
from harness.wire import Response

KEY = "key-ignores"
_NAME = re.compile(r"([a-z0-9-]+):([^@/:]+)@([a-z]+)/([a-z0-9-]+)")
Respond = Callable[[Served], Response]
Twist = Callable[[Occasion, Rules], Rules]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One generated defect, such as `drop:plain.choices.0.index@native/every-5`."""

    operator: str
    place: str
    route: str = "all"
    condition: str = "always"

    @property
    def name(self) -> str:
        """The name from which `parse` makes the same mutant."""
        return f"{self.operator}:{self.place}@{self.route}/{self.condition}"

    @property
    def family(self) -> str:
        """What kind of thing the operator edits."""
        return next(name for name, known in FAMILIES.items() if self.operator in known)

    @property
    def decides(self) -> bool:
        """Whether it is a defect of the gateway's decisions and not of the answer alone."""
        return self.family in DECIDING


FAMILIES: dict[str, tuple[str, ...]] = {
    "value": values.OPERATORS,
    "event": events.OPERATORS,
    "bytes": octets.OPERATORS,
    "header": heads.HEADER_OPERATORS,
    "head": (*heads.STATUS_OPERATORS, *heads.LABEL_OPERATORS, heads.CODED),
    "forward": (*forwards.SENT, *forwards.MESSAGES, forwards.DEFAULTED, forwards.CLAMPED),
    "option": forwards.OPTION_OPERATORS,
    "key": (KEY,),
    "decision": tuple(decisions.TWISTS),
}
"""Every operator by what it edits."""
DECIDING = ("forward", "option", "key", "decision")


def parse(name: str) -> Mutant:
    """The mutant of a name; UsageError when it is none."""
    match = _NAME.fullmatch(name)
    made = Mutant(*match.groups()) if match else None
    known = made is not None and any(made.operator in each for each in FAMILIES.values())
    if made is None or not known or made.route not in ROUTES:
        raise UsageError(f"no generated defect: {name!r}, expected OPERATOR:PLACE@ROUTE/CONDITION")
    conditions = REQUESTS if made.decides else ANSWERS
    if made.condition not in conditions:
        raise UsageError(f"{name}: the condition is one of {', '.join(conditions)}")
    return made


def defect_of(mutant: Mutant) -> Defect:
    """The mutant as a defect, of no class of the catalogue."""
    where = f"{mutant.route} route, {mutant.condition}"
    made = Defect(
        name=mutant.name,
        group="generated",
        statement=f"{mutant.operator} at {mutant.place} ({where})",
        needs=_needs(mutant),
    )
    if mutant.decides:
        twist = _twist(mutant)
        return replace(made, rules=lambda rules: twist(_occasion(mutant), rules))
    return replace(made, respond=_occasional(mutant, _EDITS[mutant.family]))


def _occasion(mutant: Mutant) -> Occasion:
    return Occasion(mutant.route, mutant.condition)


def _needs(mutant: Mutant) -> frozenset[str]:
    if mutant.family == "decision":
        return frozenset({decisions.TWISTS[mutant.operator][1]})
    return frozenset({"cache"}) if mutant.family == "key" else frozenset()


_EDITS: dict[str, Callable[[Served, str, str], Response]] = {
    "value": answers.edit_answer,
    "event": events.edit_events,
    "bytes": octets.edit_octets,
    "header": heads.edit_header,
    "head": heads.edit_head,
}


def _occasional(mutant: Mutant, edit: Callable[[Served, str, str], Response]) -> Respond:
    """The edit on the occasions that the mutant names, of those answers that it changes."""

    def respond(served: Served) -> Response:
        occasion = served.memory.setdefault("occasion", _occasion(mutant))
        held = occasion.holds(served.arrival, served.response)
        occasion.note(served.arrival, served.response)
        changed = edit(served, mutant.place, mutant.operator)
        same = not held or changed == served.response
        return served.response if same or not occasion.turn(served.arrival) else changed

    return respond


def _twist(mutant: Mutant) -> Twist:
    place, operator = mutant.place, mutant.operator
    if mutant.family == "forward":
        return lambda occasion, rules: forwards.sent_otherwise(place, operator, occasion, rules)
    if mutant.family == "option":
        return lambda occasion, rules: forwards.read_otherwise(place, operator, occasion, rules)
    if mutant.family == "key":
        return lambda occasion, rules: decisions.key_without(place, occasion, rules)
    return decisions.TWISTS[operator][0]
