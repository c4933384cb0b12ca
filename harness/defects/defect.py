"""What a defect is: a named way to break the contract, wrapped around the model."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.gateway.rules import Rules
from harness.gateway.served import Edit, Served, unchanged
from harness.wire import Response


def _as_they_are(rules: Rules) -> Rules:
    return rules


@dataclass(frozen=True, slots=True)
class Defect:
    """One way to break the contract.

    `catalogue` is the entry it comes from (such as T04) or "own"; `group` is its class letter or
    cache, auth, rate. `needs` names what the gateway must have for it to be seen: auth, cache,
    rate_limit. `shown_by` says which requests show it. `socket_only` defects need a real
    connection. `upstream_only` ones no client can see: the stand-in's log shows them.
    """

    name: str
    catalogue: str
    group: str
    statement: str
    shown_by: str
    source: str
    respond: Edit = unchanged
    rules: Callable[[Rules], Rules] = _as_they_are
    needs: frozenset[str] = frozenset()
    rare: bool = False
    socket_only: bool = False
    upstream_only: bool = False


def defect(
    name: str,
    catalogue: str,
    statement: str,
    shown_by: str,
    respond: Callable[[Served], Response],
    *,
    source: str = "constructed",
    group: str = "",
    needs: tuple[str, ...] = (),
) -> Defect:
    """A defect of the answer; its class is the catalogue entry's letter unless `group` says so."""
    return Defect(
        name=name,
        catalogue=catalogue,
        group=group or catalogue[0],
        statement=statement,
        shown_by=shown_by,
        source=source,
        respond=respond,
        needs=frozenset(needs),
    )


NO_DEFECT = Defect("", "", "", "", "", "")
"""The gateway as it is documented."""
