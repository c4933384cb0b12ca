"""What `conformance.json` says, as tables need it; a report never judges a clause itself."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness.contract.clause import Level, Result
from harness.errors import UsageError
from harness.report.report import ordered_routes

RESULTS = (
    *(Result.PASS, Result.FAIL, Result.ERROR, Result.WAIVED),
    *(Result.RECORDED, Result.NOT_EXERCISED, Result.NOT_APPLICABLE),
)
LEVELS: Mapping[str, int] = {level: place for place, level in enumerate(Level)}


class ContractWord(StrEnum):
    """What `conformance.json` calls its verdict; `unknown` is any other."""

    COMPATIBLE = "compatible"
    WITH_WAIVERS = "compatible_with_waivers"
    INCOMPATIBLE = "incompatible"


@dataclass(frozen=True, slots=True)
class ClauseResult:
    """One clause on one route."""

    id: str
    level: str
    route: str
    result: str
    exercised: int
    violated: int
    evidence: str
    statement: str
    capsule: str | None
    source: str
    layer: str
    rationale: str = ""
    follows: str = ""
    waived: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of the repeated requests of a group came with one kind of error on a route."""

    route: str
    group: str
    kind: str
    count: int
    of: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Conformance:
    """The contract's verdict, also in one line, every clause with its result, and `rates`."""

    verdict: str
    clauses: tuple[ClauseResult, ...]
    reasons: tuple[str, ...] = ()
    line: str = ""
    rates: tuple[Rate, ...] = ()

    @property
    def summary(self) -> str:
        """What the line says after the verdict, which is another word there."""
        return self.line.partition(": ")[2]

    @property
    def routes(self) -> list[str]:
        """The routes that a clause was judged on."""
        return ordered_routes({clause.route for clause in self.clauses})

    @property
    def results(self) -> list[str]:
        """The results that occur, in the order of `RESULTS`."""
        present = {clause.result for clause in self.clauses}
        return [result for result in RESULTS if result in present] + sorted(present - {*RESULTS})

    def counts(self, route: str) -> Counter[str]:
        """How many clauses had which result on one route."""
        return Counter(clause.result for clause in self.clauses if clause.route == route)

    @property
    def by_level(self) -> dict[str, Counter[str]]:
        """How many clauses of each level had which result, over all routes; MUST first."""
        levels = sorted({clause.level for clause in self.clauses}, key=_rank)
        return {
            level: Counter(clause.result for clause in self.clauses if clause.level == level)
            for level in levels
        }

    @property
    def by_id(self) -> list[tuple[ClauseResult, dict[str, ClauseResult]]]:
        """Each clause once, with its result on each route; MUST first."""
        found: dict[str, dict[str, ClauseResult]] = {}
        for clause in sorted(self.clauses, key=lambda clause: _rank(clause.level)):
            found.setdefault(clause.id, {})[clause.route] = clause
        return [(next(iter(on.values())), on) for on in found.values()]

    def with_result(self, result: str) -> list[ClauseResult]:
        """The clauses with a result, MUST first."""
        found = (clause for clause in self.clauses if clause.result == result)
        return sorted(found, key=lambda clause: _rank(clause.level))

    def named(self, result: str) -> str:
        """The clauses with a result in words: the first five by name, MUST before SHOULD."""
        routes: dict[str, list[str]] = {}
        for clause in self.with_result(result):
            routes.setdefault(clause.id, []).append(clause.route)
        found = [f"{name} ({', '.join(on)})" for name, on in routes.items()]
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        return (", ".join(found[:5]) + more) or "see conformance.json"


def read(document: Mapping[str, Any]) -> Conformance:
    """Read the document; a field that is missing or odd becomes text, never an error."""
    clauses = document.get("clauses")
    listed = clauses if isinstance(clauses, list) else []
    entries = tuple(_clause(each) for each in listed if isinstance(each, dict))
    reasons = document.get("reasons")
    told = tuple(str(each) for each in reasons) if isinstance(reasons, list) else ()
    line = _text(document.get("line"))
    return Conformance(
        str(document.get("verdict", "unknown")), entries, told, line, _rates(document)
    )


def _rates(document: Mapping[str, Any]) -> tuple[Rate, ...]:
    """The shares of repeated requests; those that are odd are left out."""
    rates = document.get("rates")
    listed = rates.get("shares") if isinstance(rates, dict) else None
    rows = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return tuple(
        Rate(
            route=_text(row.get("route")),
            group=_text(row.get("group")),
            kind=_text(row.get("kind")),
            count=_number(row.get("count")),
            of=_number(row.get("of")),
            low=float(row["low"]),
            high=float(row["high"]),
        )
        for row in rows
        if all(isinstance(row.get(name), int | float) for name in ("low", "high"))
        if _number(row.get("of")) > 0
    )


def of_run(folder: Path) -> Conformance | None:
    """What a run's folder says of the contract; None without it, UsageError for what is no JSON."""
    path = folder / "conformance.json"
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path} is not a conformance.json: expected an object")
    return read(document)


def _rank(level: str) -> int:
    return LEVELS.get(level, len(LEVELS))


def _clause(entry: Mapping[str, Any]) -> ClauseResult:
    return ClauseResult(
        id=str(entry.get("id", "unnamed")),
        level=str(entry.get("level", Level.MUST)).upper(),
        route=str(entry.get("route", "all")),
        result=str(entry.get("result", Result.NOT_EXERCISED)),
        exercised=_number(entry.get("exercised")),
        violated=_number(entry.get("violated")),
        evidence=_text(entry.get("evidence")),
        statement=_text(entry.get("statement")),
        capsule=entry["capsule"] if isinstance(entry.get("capsule"), str) else None,
        source=_text(entry.get("source")),
        layer=_text(entry.get("layer")),
        rationale=_text(entry.get("rationale")),
        follows=_text(entry.get("follows")),
        waived=_text(entry.get("waived")),
    )


def _number(value: Any) -> int:
    if isinstance(value, list):
        return len(value)
    return int(value) if isinstance(value, int | float) else 0


def _text(value: Any) -> str:
    """Evidence is text or a list of texts or objects: all of it on one line."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(_text(item) for item in value[:3])
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_text(item)}" for name, item in value.items() if item)
    return str(value)
