"""What a variant is: an exchange that looks unusual and keeps the contract."""

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

    name: str
    statement: str
    why: str
    source: str
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


NO_VARIANT = Variant("", "", "", "")
"""The gateway as the stand-in answers without being told how."""
