"""What a launch demands: objectives, how old their evidence may be, and of which target."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.errors import UsageError, did_you_mean
from harness.measure.objective import (
    CARRIED_RATE,
    RATIO,
    Objective,
    check_missable,
    parse_objective,
)

COMPATIBLE = Objective("compatible", None, "compatible", (), "==", 1.0, "")
"""The contract as an objective, which has no number."""
DEFAULT_MAX_AGE = "7d"
KEYS = ("objectives", "max_age", "target")
_AGE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(m|h|d)")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}


class RunKind(StrEnum):
    """What a run is evidence of."""

    CONTRACT = "contract"
    LOAD = "load"
    COMPARE = "compare"
    CAPACITY = "capacity"


FITS: Mapping[str, tuple[RunKind, ...]] = {
    COMPATIBLE.metric: (RunKind.CONTRACT,),
    CARRIED_RATE: (RunKind.CAPACITY,),
    RATIO: (RunKind.COMPARE,),
}
"""The kind of run that answers some metrics; a load, or a comparison, answers all others."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One objective and the kind of run that it is judged by."""

    bound: Objective
    kind: RunKind


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that a launch demands; `target` is None where any will do, if it is one and the same."""

    asked: tuple[Requirement, ...]
    max_age: str
    target: str | None

    @property
    def max_age_s(self) -> float:
        """How old evidence may be, in seconds."""
        return _seconds(self.max_age)

    def of(self, kind: RunKind) -> list[Objective]:
        """The objectives that a kind of run is judged by."""
        return [each.bound for each in self.asked if each.kind is kind]


def parse(document: Mapping[str, Any], place: str) -> Wanted:
    """What a TOML document demands; UsageError names the place and what was expected."""
    for name in document:
        if name not in KEYS:
            hint = did_you_mean(name, KEYS, otherwise=f"known keys: {', '.join(KEYS)}")
            raise UsageError(f"{place}: unknown key {name!r}; {hint}")
    target = document.get("target")
    if target is not None and (not isinstance(target, str) or not target.strip()):
        raise UsageError(f"{place}: target: expected the name or the origin of one, got {target!r}")
    age = document.get("max_age", DEFAULT_MAX_AGE)
    if not isinstance(age, str) or not _seconds(age):
        raise UsageError(f"{place}: max_age: expected an age such as 90m, 12h or 7d, got {age!r}")
    return Wanted(tuple(_all(document, place)), age, target)


def _all(document: Mapping[str, Any], place: str) -> Iterator[Requirement]:
    listed = document.get("objectives")
    if not isinstance(listed, list) or not listed:
        example = 'objectives = ["compatible", "p95(ttft) < 800ms"]'
        raise UsageError(f"{place}: no objective; expected a list such as {example}")
    seen: set[Requirement] = set()
    for number, entry in enumerate(listed, 1):
        asked = _one(entry, f"{place}: objective {number}")
        if asked in seen:
            raise UsageError(
                f"{place}: objective {number}: {asked.bound.text!r} stands there twice"
            )
        seen.add(asked)
        yield asked


def _one(entry: Any, place: str) -> Requirement:
    if isinstance(entry, str):
        return _asked(entry, None, place)
    if not isinstance(entry, Mapping) or not {"objective"} <= {*entry} <= {"objective", "from"}:
        example = '{ objective = "p95(ttft) < 800ms", from = "compare" }'
        raise UsageError(f"{place}: expected a text, or a table such as {example}, got {entry!r}")
    return _asked(entry["objective"], entry.get("from"), place)


def _asked(text: Any, source: Any, place: str) -> Requirement:
    if not isinstance(text, str):
        raise UsageError(f"{place}: expected a text such as 'p95(ttft) < 800ms', got {text!r}")
    try:
        bound = _bound(text.strip())
    except UsageError as error:
        raise UsageError(f"{place}: {error}") from error
    fits = FITS.get(bound.metric, (RunKind.LOAD, RunKind.COMPARE))
    if source is not None and source not in fits:
        names = " or ".join(fits)
        raise UsageError(f"{place}: {text!r} is judged by {names}, not by from = {source!r}")
    return Requirement(bound, RunKind(source) if source else fits[0])


def _bound(text: str) -> Objective:
    if text == COMPATIBLE.text:
        return COMPATIBLE
    bound = parse_objective(text, also=(CARRIED_RATE, RATIO))
    check_missable([bound])
    if bound.of_runs:
        raise UsageError(
            f"objective: {text!r} holds a run against another: a launch has one of a kind "
            "(compare RUN --baseline DIR judges it)"
        )
    return bound


def _seconds(age: str) -> float:
    """The seconds of `7d` or the like; 0 for what is no age."""
    found = _AGE.fullmatch(age.strip())
    return float(found[1]) * _SECONDS[found[2]] if found else 0.0
