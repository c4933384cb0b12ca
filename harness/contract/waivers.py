"""Waivers: known failures that are accepted until a date, by clause and route."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from harness.contract.ledger import Ledger, Result
from harness.errors import UsageError

KEYS = ("clause", "route", "reason", "link", "expires")


@dataclass(frozen=True, slots=True)
class Waiver:
    """One accepted failure."""

    clause: str
    route: str
    reason: str
    link: str
    expires: date


def read_waivers(path: Path, known: Sequence[str]) -> tuple[Waiver, ...]:
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
    return tuple(_waiver(path, number, table, known) for number, table in enumerate(tables, 1))


def _waiver(path: Path, number: int, table: object, known: Sequence[str]) -> Waiver:
    where = f"{path}, waiver {number}"
    if not isinstance(table, dict) or set(table) != set(KEYS):
        raise UsageError(f"{where}: expected the keys {', '.join(KEYS)}")
    if table["clause"] not in known:
        raise UsageError(f"{where}: there is no clause {table['clause']!r}")
    if not isinstance(table["expires"], date):
        raise UsageError(f"{where}: expires: expected a date such as 2026-12-31")
    return Waiver(**{key: table[key] for key in KEYS})


def apply(waivers: Sequence[Waiver], ledger: Ledger, *, today: date) -> list[str]:
    """Waive what is covered; the complaints about expired and stale waivers fail the run."""
    complaints = []
    for waiver in waivers:
        entry = ledger.entries.get((waiver.clause, waiver.route))
        name = f"waiver for {waiver.clause} on {waiver.route}"
        if entry is None:
            continue
        if waiver.expires < today:
            complaints.append(f"{name} expired on {waiver.expires}")
        elif entry.result is Result.FAIL:
            entry.waived = waiver.reason
        elif entry.result is Result.PASS:
            complaints.append(f"{name} is stale: the clause passes")
    return complaints
