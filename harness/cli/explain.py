"""`gateway-harness explain`: what a clause of the contract says, why, and from where."""

import json
import textwrap
from typing import TYPE_CHECKING, Any

import click

from harness.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from harness.contract.clause import Clause

WIDTH = 100
LEVELS = {
    "MUST": "broken: the run fails",
    "SHOULD": "broken: a warning, and a failure with --strict",
    "RECORD": "written down, never a failure",
}
EVIDENCE = {
    "documented": "Cloudflare or Baseten document it",
    "specified": "a specification says it",
    "observed": "seen on real gateways",
    "practice": "good practice",
}


@click.command()
@click.argument("clause", required=False, metavar="[CLAUSE]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, nothing else.")
def command(clause: str | None, as_json: bool) -> None:
    """Say what a clause demands, why and from where; without CLAUSE, list all of them."""
    from harness.contract.topics.catalogue import BY_ID, TOPICS

    if clause is not None:
        if clause not in BY_ID:
            hint = did_you_mean(clause, BY_ID, otherwise="gateway-harness explain lists all")
            raise UsageError(f"no such clause {clause!r}; {hint}")
        found = BY_ID[clause]
        click.echo(json.dumps(describe(found)) if as_json else page(found))
    elif as_json:
        click.echo(json.dumps([describe(found) for found in BY_ID.values()]))
    else:
        click.echo("\n\n".join(_topic(name, clauses) for name, clauses in TOPICS.items()))


def describe(clause: "Clause") -> dict[str, Any]:
    """The clause as JSON, without its check."""
    from harness.defects.table import killed_by

    return {
        "id": clause.id,
        "level": clause.level.value,
        "profile": clause.profile.value,
        "routes": list(clause.routes),
        "statement": clause.statement,
        "rationale": clause.rationale,
        "source": clause.source,
        "evidence": clause.evidence.value,
        "needs": list(clause.needs),
        "kills": list(killed_by(clause.id)),
    }


def page(clause: "Clause") -> str:
    """The clause for people, in lines of at most 100 characters."""
    rows = [
        ("level", f"{clause.level} ({LEVELS[clause.level]})"),
        ("routes", ", ".join(clause.routes)),
        ("why", clause.rationale),
        ("source", clause.source),
        ("evidence", f"{clause.evidence} ({EVIDENCE[clause.evidence]})"),
        ("profile", str(clause.profile)),
    ]
    if clause.needs:
        rows.append(("needs", ", ".join(clause.needs)))
    lines = [clause.id, *_wrapped(clause.statement, "  "), ""]
    lines += [line for name, text in rows for line in _row(name, text)]
    return "\n".join([*lines, *_kills(clause)])


def _row(name: str, text: str) -> list[str]:
    first, *rest = _wrapped(text, " " * 12)
    return [f"  {name:<10}{first.strip()}", *rest]


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)


def _kills(clause: "Clause") -> list[str]:
    """The defects that this clause must catch, each with a command that shows it."""
    from harness.defects.table import DEFECTS, killed_by

    names = killed_by(clause.id)
    if not names:
        return []
    lines = ["", "  kills these defects of the stand-in:"]
    lines += [line for name in names for line in _kill(name, DEFECTS[name].statement)]
    return [*lines, "", f"  see it caught: gateway-harness verify --defect {names[0]}"]


def _kill(name: str, statement: str) -> list[str]:
    return textwrap.wrap(
        f"{name}: {statement}", WIDTH, initial_indent="    ", subsequent_indent="      "
    )


def _topic(name: str, clauses: "tuple[Clause, ...]") -> str:
    width = max(len(clause.id) for clause in clauses)
    rows = [f"  {c.id:<{width}}  {c.level:<6}  {_short(c.statement, width)}" for c in clauses]
    return "\n".join([name, *rows])


def _short(statement: str, width: int) -> str:
    return textwrap.shorten(statement, WIDTH - width - 12, placeholder=" ...")
