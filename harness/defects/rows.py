"""A defect as a row: its name, what it does in words and in code, who must see it, who saw it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from harness.defects.defect import Defect
from harness.gateway.rules import Rules
from harness.gateway.served import Edit, unchanged


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a gateway decides otherwise than documented, and an edit of the answer beside it."""

    rules: Callable[[Rules], Rules]
    edit: Edit = unchanged


def deciding(*, edit: Edit = unchanged, **otherwise: Any) -> Decisions:
    """Some decisions taken otherwise; the names are those of `Rules`."""
    return Decisions(lambda rules: replace(rules, **otherwise), edit)


Change = Edit | Decisions
Row = tuple[str, str, Change, str] | tuple[str, str, Change, str, str]
"""Name, statement, what it does, the ids of the clauses that must see it, and where it was seen.

Ids are separated by blanks, and there is none for what only the provider sees. The source begins
with the entry of the catalogue of breaks where there is one, and is left out where nobody reported
the defect: it was thought of here.
"""


def rows(group: str, *listed: Row, needs: Iterable[str] = (), **kind: bool) -> tuple[Defect, ...]:
    """The defects of one class; `needs` and `kind` are fields of each `Defect`."""
    return tuple(_defect(group, row, frozenset(needs), kind) for row in listed)


def _defect(group: str, row: Row, needs: frozenset[str], kind: dict[str, bool]) -> Defect:
    name, statement, change, killed_by, *source = row
    decided = change if isinstance(change, Decisions) else Decisions(lambda rules: rules, change)
    return Defect(
        name=name,
        group=group,
        statement=statement,
        killed_by=tuple(killed_by.split()),
        source=", ".join(source),
        respond=decided.edit,
        rules=decided.rules,
        needs=needs,
        **kind,
    )
