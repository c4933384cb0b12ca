"""One request that a contract run sends, and what the contract expects of the answer.

A case is data: it is generated, shrunk, printed and stored without meaning anything to a transport.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any


class Expect(StrEnum):
    """What the documents say about a request."""

    ACCEPT = "accept"
    REJECT = "reject"
    EITHER = "either"
    """The documents disagree or are silent: either answer is legal if it is well formed."""


class Key(StrEnum):
    """Which credential goes with a request."""

    GIVEN = "given"
    NONE = "none"
    WRONG = "wrong"


@dataclass(frozen=True)
class Case:
    """One request of a contract run.

    `body` is the JSON body before the route's own changes (compat puts its prefix before `model`
    unless `prefix` is off), or raw bytes sent as they are. `gateway`, `model_id`, `path` and
    `method` replace what the target's settings say; `path` follows the gateway's own segments.
    `topic` says why it is sent and appears in reports; `alone` is whether nothing else is in flight
    beside it, so that its times are its own.

    With `steps` it goes to the universal endpoint: a list of these cases, of this one, which is
    meant to answer, and of the `spare` ones. Raw bytes are sent there as they are, without steps.
    With `leaves` the client goes away when the first bytes of the answer have arrived.
    """

    route: str
    body: Mapping[str, Any] | bytes
    topic: str
    expect: Expect = Expect.ACCEPT
    headers: tuple[tuple[str, str], ...] = ()
    provider_key: Key = Key.GIVEN
    gateway_key: Key = Key.GIVEN
    method: str = "POST"
    path: str | None = None
    gateway: str | None = None
    model_id: str | None = None
    prefix: bool = True
    fresh: bool = True
    alone: bool = True
    steps: tuple["Case", ...] | None = None
    spare: tuple["Case", ...] = ()
    leaves: bool = False

    @property
    def universal(self) -> bool:
        """Whether it goes to the universal endpoint and not to its route."""
        return self.steps is not None

    @property
    def listed(self) -> tuple["Case", ...]:
        """Every step of a request to the universal endpoint, in their order."""
        return (*(self.steps or ()), self, *self.spare)

    @property
    def apart(self) -> bool:
        """Whether only the clauses of its own probe may judge the answer."""
        return self.universal or self.leaves

    @cached_property
    def stream(self) -> bool:
        """Whether a stream was asked for."""
        return self.asked.get("stream") is True

    @cached_property
    def asked(self) -> Mapping[str, Any]:
        """The body as an object; empty when it is raw bytes."""
        return self.body if isinstance(self.body, Mapping) else {}

    @cached_property
    def sound(self) -> bool:
        """Whether this is a plain use of the documented route, fit for clauses on good answers."""
        return self.expect is not Expect.REJECT and self.method == "POST"

    def having(self, **fields: Any) -> "Case":
        """This case with these body fields added or replaced; None removes a field."""
        body = {**self.asked, **fields}
        return replace(self, body={name: v for name, v in body.items() if v is not None})

    @cached_property
    def cost(self) -> int:
        """The most tokens that this request can use, for a budget: prompt bytes plus the limit."""
        size = len(self.body) if isinstance(self.body, bytes) else len(json.dumps(self.body))
        limit = self.asked.get("max_tokens", self.asked.get("max_completion_tokens"))
        bounded = isinstance(limit, int) and not isinstance(limit, bool) and 0 < limit <= 4096
        others = sum(step.cost for step in (*(self.steps or ()), *self.spare))
        return size // 3 + (limit if bounded else 4096) + others
