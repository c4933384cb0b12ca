"""What a variant is, and its row: an exchange that looks unusual and keeps the contract."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.gateway.config import Config
from harness.gateway.served import Before, Edit, let_in, unchanged


@dataclass(frozen=True, slots=True)
class Variant:
    """One legal way to answer that a suite must not flag.

    `why` says what makes it legal, `source` where that stands; `catalogue` are the entries of the
    catalogue of breaks that are legal for a client to meet and are this. `behaviour`, `timing` and
    `rate_limit`, where there is a limit, are fields of the configuration that it sets; `respond`
    edits the answer, `before` gives one in place of the gateway, which then never sees the request.
    """

    name: str = ""
    statement: str = ""
    why: str = ""
    source: str = ""
    respond: Edit = unchanged
    before: Before = let_in
    behaviour: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, Any] = field(default_factory=dict)
    rate_limit: Mapping[str, Any] = field(default_factory=dict)
    catalogue: tuple[str, ...] = ()

    def configured(self, config: Config) -> Config:
        """The configuration with what the variant sets."""
        return replace(
            config,
            behaviour=replace(config.behaviour, **self.behaviour),
            timing=replace(config.timing, **self.timing),
            rate_limit=replace(config.rate_limit, **self.rate_limit) if config.rate_limit else None,
        )


NO_VARIANT = Variant()
"""The gateway as the stand-in answers without being told how."""

Does = Edit | Variant
"""What a variant does: an edit of the answer, or the fields of a variant that say more."""
Row = tuple[str, str, Does, str] | tuple[str, str, Does, str, str]
"""Name, statement, what it does, the source, and why it is legal where its subject does not say so.

The source begins with the entries of the catalogue of breaks that are this, where there are any.
"""
_ENTRY = re.compile(r"\b([A-Z][0-9]{2}), ")


def rows(*listed: Row, why: str = "") -> tuple[Variant, ...]:
    """The variants of one subject."""
    return tuple(_variant(row, why) for row in listed)


def _variant(row: Row, why: str) -> Variant:
    name, statement, does, source, *own = row
    return replace(
        does if isinstance(does, Variant) else Variant(respond=does),
        name=name,
        statement=statement,
        why=own[0] if own else why,
        source=_ENTRY.sub("", source),
        catalogue=tuple(_ENTRY.findall(source)),
    )
