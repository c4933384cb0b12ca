"""A generated defect: an operator at a place, on a route, under a condition; its name says all."""

import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from harness.defects.defect import Defect
from harness.defects.edits import Document, choices, on_chat, part_of
from harness.defects.mutants import answers, decisions, values
from harness.defects.when import (
    ANSWERS,
    REQUESTS,
    ROUTES,
    Occasions,
    Turns,
    on_answer,
    on_request,
    only,
    share,
    turn_of,
)
from harness.errors import UsageError
from harness.gateway.rules import Rules

_NAME = re.compile(r"([a-z0-9-]+):([^@/:]+)@([a-z]+)/([a-z0-9-]+)")
_Operator = TypeVar("_Operator", answers.Operator, decisions.Operator)


class Operators(NamedTuple, Generic[_Operator]):
    """The operators of a family that have the same places, which are separated by blanks.

    Those in JSON are known from answers only. `needs` is what the gateway must have for them to be
    seen.
    """

    family: str
    places: str
    known: Mapping[str, _Operator]
    needs: str = ""


_EDITING: tuple[Operators[answers.Operator], ...] = (
    Operators("value", "", values.OPERATORS),
    Operators("event", answers.EVENTS, answers.OF_EVENTS),
    Operators("bytes", answers.PERCENT, answers.OF_BYTES),
    Operators("bytes", "body", answers.OF_BODIES),
    Operators("bytes", answers.PERCENT, answers.OF_CONNECTIONS),
    Operators("header", answers.FIELDS, answers.OF_HEADERS),
    Operators("head", answers.CLASSES, answers.OF_HEADS),
)
"""Defects of the answer alone."""
_DECIDING: tuple[Operators[decisions.Operator], ...] = (
    Operators("forward", decisions.BODY_PLACES, decisions.SENT),
    Operators("forward", "messages", decisions.OF_MESSAGES),
    Operators("forward", " ".join(decisions.DEFAULTS), decisions.DEFAULTED),
    Operators("forward", " ".join(decisions.CLAMPS), decisions.CLAMPED),
    Operators("option", decisions.OPTIONS, decisions.IGNORED),
    Operators("option", "cf-aig-cache-ttl cf-aig-request-timeout", decisions.SCALED),
    Operators("option", "cf-aig-event-id cf-aig-cache-key", decisions.LOWERED),
    Operators("key", decisions.KEY_PARTS, decisions.KEY, "cache"),
    Operators("decision", "gateway", decisions.CACHE, "cache"),
    Operators("decision", "gateway", decisions.LIMIT, "rate_limit"),
    Operators("decision", "gateway", decisions.ACCESS, "auth"),
)
"""Defects of what the gateway decides."""
_EVERY: tuple[Operators[Any], ...] = (*_EDITING, *_DECIDING)
_EDITS = {name: operator for row in _EDITING for name, operator in row.known.items()}
_DECISIONS = {name: operator for row in _DECIDING for name, operator in row.known.items()}
_NEEDS = {name: frozenset(row.needs.split()) for row in _EVERY for name in row.known}
PLACES = {name: tuple(row.places.split()) for row in _EVERY for name in row.known}
"""The places of every operator; none for one on JSON, which has those of the answers."""
FAMILIES = {
    family: tuple(name for row in _EVERY if row.family == family for name in row.known)
    for family in dict.fromkeys(row.family for row in _EVERY)
}
"""Every operator by what it edits."""


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
    def conditions(self) -> tuple[str, ...]:
        """On which it may show: fewer for a defect of a decision than for one of the answer."""
        return tuple(REQUESTS if self.operator in _DECISIONS else ANSWERS)


def parse(name: str) -> Mutant:
    """The mutant of a name; UsageError when it is none."""
    match = _NAME.fullmatch(name)
    made = Mutant(*match.groups()) if match else None
    if made is None or made.operator not in PLACES or made.route not in ROUTES:
        raise UsageError(f"no generated defect: {name!r}, expected OPERATOR:PLACE@ROUTE/CONDITION")
    if made.condition not in made.conditions:
        raise UsageError(f"{name}: the condition is one of {', '.join(made.conditions)}")
    return made


def defect_of(mutant: Mutant) -> Defect:
    """The mutant as a defect, of no class of the catalogue."""
    operator, place, route, condition = astuple(mutant)
    made = Defect(
        name=mutant.name,
        group="generated",
        statement=f"{operator} at {place} ({route} route, {condition})",
        needs=_NEEDS[operator],
    )
    if operator in _DECISIONS:
        return replace(made, rules=partial(_decided, mutant))
    edit, holds = _EDITS[operator], on_answer(route, condition)
    shown = only(holds, lambda s: edit(s, place), turn_of(condition), of_changed=True)
    return replace(made, respond=shown)


def _decided(mutant: Mutant, rules: Rules) -> Rules:
    holds = on_request(mutant.route, mutant.condition)
    occasions = Occasions(holds, Turns(turn_of(mutant.condition)))
    return _DECISIONS[mutant.operator](mutant.place, occasions, rules)


_SHARE = re.compile(r"empty-calls:([0-9]{1,4})-of-([0-9]{1,4})@([a-z]+)")


def of_share(name: str) -> Defect:
    """The defect that a name such as `empty-calls:22-of-51@compat` stands for; else UsageError.

    Of every 51 answers with tool calls on a route, 22 come empty and are billed; which ones, the
    seed of the gateway decides.
    """
    match = _SHARE.fullmatch(name)
    count, of, route = (int(match[1]), int(match[2]), match[3]) if match else (0, 0, "")
    if not 0 < count <= of or route not in ROUTES:
        raise UsageError(f"no generated defect: {name!r}, expected empty-calls:COUNT-of-N@ROUTE")
    holds, emptied = on_answer(route, "always"), on_chat(_without_calls)
    return Defect(
        name=name,
        group="generated",
        statement=f"{count} of {of} answers with tool calls come empty, and are billed ({route})",
        source="a model of Baseten's: 22 of 51 empty, 0 of 30 at its vendor",
        respond=only(holds, emptied, share(count, of), of_changed=True),
        rare=True,
    )


def _without_calls(document: Document) -> Document:
    for choice in choices(document):
        if part_of(choice).pop("tool_calls", None):
            part_of(choice)["content"] = ""
        if choice.get("finish_reason") == "tool_calls":
            choice["finish_reason"] = "stop"
    return document
