"""Waivers: known failures that are accepted until a date, by clause and route."""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from harness.contract.clause import Clause, Level, Result
from harness.contract.output.rows import ClauseRow
from harness.contract.run.results import Entry, Results
from harness.errors import UsageError

TEXTS = ("clause", "route", "reason", "link")
KEYS = (*TEXTS, "expires")


ALL = "all"
"""In the place of a route: every route of the clause."""
DAYS = 30
"""How long a waiver holds that was drafted."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """One accepted failure, on one route or on `all` of its clause."""

    clause: str
    route: str
    reason: str
    link: str
    expires: date


def read_waivers(path: Path, clauses: Sequence[Clause]) -> tuple[Waiver, ...]:
    """The waivers of a TOML file: `[[waiver]]` tables; UsageError says what is wrong where."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise UsageError(f"{path} is not valid TOML: {exc}") from exc
    tables = document.get("waiver", [])
    if not isinstance(tables, list) or set(document) - {"waiver"}:
        raise UsageError(f"{path}: expected [[waiver]] tables and nothing else")
    known = {clause.id: clause for clause in clauses}
    waivers = [_waiver(f"{path}, waiver {n}", table, known) for n, table in enumerate(tables, 1)]
    waived: set[tuple[str, str]] = set()
    for number, waiver in enumerate(waivers, 1):
        pairs = {(waiver.clause, route) for route in _routes(waiver, known)}
        for clause, route in sorted(pairs & waived):
            raise UsageError(f"{path}, waiver {number}: {clause} on {route} is waived twice")
        waived |= pairs
    return tuple(waivers)


def _routes(waiver: Waiver, known: Mapping[str, Clause]) -> tuple[str, ...]:
    return known[waiver.clause].routes if waiver.route == ALL else (waiver.route,)


def _waiver(where: str, table: object, known: Mapping[str, Clause]) -> Waiver:
    if not isinstance(table, dict) or set(table) != set(KEYS):
        given = set(table) if isinstance(table, dict) else set()
        wrong = [f"{name} is missing" for name in KEYS if name not in given]
        wrong += [f"{name} is not known" for name in sorted(given - set(KEYS))]
        expected = f"expected the keys {', '.join(KEYS)}"
        raise UsageError(f"{where}: {expected}; {', '.join(wrong)}")
    for key in TEXTS:
        if not isinstance(table[key], str) or not table[key].strip():
            raise UsageError(f"{where}: {key}: expected text")
    clause = known.get(table["clause"])
    if clause is None:
        raise UsageError(f"{where}: there is no clause {table['clause']!r}")
    if table["route"] not in (*clause.routes, ALL):
        routes = ", ".join(clause.routes)
        raise UsageError(f"{where}: route: {clause.id} is about {routes}, or {ALL}")
    if clause.level is Level.RECORD:
        raise UsageError(f"{where}: {clause.id} is a RECORD clause, which never fails")
    if type(table["expires"]) is not date:
        raise UsageError(f"{where}: expires: expected a date such as 2026-12-31")
    return Waiver(**{key: table[key] for key in KEYS})


def apply(waivers: Sequence[Waiver], ledger: Results, *, today: date) -> list[str]:
    """Waive what is covered; the complaints about expired and stale waivers fail the run.

    A waiver holds on its last day. One for a clause that was not asked, or not exercised, is left
    alone unless it has expired.
    """
    complaints = []
    for waiver in waivers:
        mine = [
            entry
            for (clause, route), entry in ledger.entries.items()
            if clause == waiver.clause and waiver.route in (route, ALL)
        ]
        name = f"waiver for {waiver.clause} on {waiver.route}"
        if waiver.expires < today:
            complaints.append(f"{name} expired on {waiver.expires}")
        elif mine and all(entry.result is Result.PASS for entry in mine):
            complaints.append(f"{name} is stale: the clause passes")
        else:
            _waive(mine, waiver)
    return complaints


def _waive(entries: Iterable[Entry], waiver: Waiver) -> None:
    for entry in entries:
        if entry.result is Result.FAIL:
            entry.waived = f"{waiver.reason} ({waiver.link}, until {waiver.expires})"


def draft(failing: Iterable[ClauseRow], *, today: date) -> str:
    """A file of waivers for what failed, to be given its reasons and links by a person."""
    lines = ["# Drafted: say why each failure is accepted, and where it is being dealt with."]
    for row in failing:
        if row.result == Result.FAIL:
            values = {
                "clause": row.id,
                "route": row.route,
                "reason": f"seen on {today}: {row.evidence}",
                "link": "none yet",
            }
            lines += ["", "[[waiver]]", *(f"{key} = {_toml(text)}" for key, text in values.items())]
            lines.append(f"expires = {today + timedelta(days=DAYS)}")
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    """A basic string of TOML, which JSON's are but for DEL (toml.io/en/v1.0.0, String)."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
