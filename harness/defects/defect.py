"""What a defect is: a named way to break the contract, wrapped around the model."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.gateway.rules import Rules
from harness.gateway.served import Edit, unchanged


def _as_they_are(rules: Rules) -> Rules:
    return rules


@dataclass(frozen=True, slots=True)
class Defect:
    """One way to break the contract.

    `group` is its class: a letter of the catalogue of breaks, or a word such as cache. `killed_by`
    has the ids of the clauses that must see it. `needs` names what the gateway must have for it to
    be seen: auth, cache, rate_limit. `source` says where it was seen, with the entry of the
    catalogue (such as T04) first; empty where it was thought of here. `socket_only` defects need a
    real connection. `upstream_only` ones no client can see: the stand-in's log shows them.
    """

    name: str
    group: str
    statement: str
    killed_by: tuple[str, ...] = ()
    source: str = ""
    respond: Edit = unchanged
    rules: Callable[[Rules], Rules] = _as_they_are
    needs: frozenset[str] = frozenset()
    rare: bool = False
    socket_only: bool = False
    upstream_only: bool = False


NO_DEFECT = Defect("", "", "")
"""The gateway as it is documented."""
