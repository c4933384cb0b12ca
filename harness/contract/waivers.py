"""Waivers: known failures that are accepted until a date, by clause and route."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from harness.contract.clause import Clause, Level
from harness.contract.ledger import Ledger, Result
from harness.errors import UsageError

TEXTS = ("clause", "route", "reason", "link")
KEYS = (*TEXTS, "expires")


@dataclass(frozen=True, slots=True)
class Waiver:
    """One accepted failure."""

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
    pairs = [(waiver.clause, waiver.route) for waiver in waivers]
    for number, pair in enumerate(pairs, 1):
        if pair in pairs[: number - 1]:
            raise UsageError(f"{path}, waiver {number}: {pair[0]} on {pair[1]} is waived twice")
    return tuple(waivers)


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
    if table["route"] not in clause.routes:
        routes = ", ".join(clause.routes)
        raise UsageError(f"{where}: route: {clause.id} is about {routes}")
    if clause.level is Level.RECORD:
        raise UsageError(f"{where}: {clause.id} is a RECORD clause, which never fails")
    if type(table["expires"]) is not date:
        raise UsageError(f"{where}: expires: expected a date such as 2026-12-31")
    return Waiver(**{key: table[key] for key in KEYS})


def apply(waivers: Sequence[Waiver], ledger: Ledger, *, today: date) -> list[str]:
    """Waive what is covered; the complaints about expired and stale waivers fail the run.

    A waiver holds on its last day. One for a clause that was not asked, or not exercised, is left
    alone unless it has expired.
    """
    complaints = []
    for waiver in waivers:
        entry = ledger.entries.get((waiver.clause, waiver.route))
        name = f"waiver for {waiver.clause} on {waiver.route}"
        if waiver.expires < today:
            complaints.append(f"{name} expired on {waiver.expires}")
        elif entry is not None and entry.result is Result.FAIL:
            entry.waived = f"{waiver.reason} ({waiver.link}, until {waiver.expires})"
        elif entry is not None and entry.result is Result.PASS:
            complaints.append(f"{name} is stale: the clause passes")
    return complaints
