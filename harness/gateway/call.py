"""One request inside the gateway: as it arrived, and as it was understood."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.gateway.config import Config
from harness.gateway.options import RequestOptions
from harness.gateway.rng import Rng
from harness.gateway.routing import Endpoint
from harness.wire import Request


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request before anything about it is decided.

    `at_ns` is the gateway's clock, `now_ns` Unix time. `fields` are the headers by lower-case name,
    the first value of each. `serial` numbers the gateway's requests from 1.
    """

    request: Request
    at_ns: int
    now_ns: int
    serial: int
    fields: Mapping[str, str]
    rng: Rng


@dataclass(frozen=True, slots=True)
class Call:
    """A request that addresses something: its target, options and decoded body."""

    arrival: Arrival
    config: Config
    target: Endpoint
    options: RequestOptions
    document: Any
    """The decoded body, or `Malformed`."""

    @property
    def authorization(self) -> str | None:
        """The provider credential on the request, verbatim."""
        return self.arrival.fields.get("authorization")

    @property
    def model(self) -> str:
        """The model that the body names; empty when it names none."""
        model = self.document.get("model") if isinstance(self.document, Mapping) else None
        return model if isinstance(model, str) else ""

    @property
    def stream(self) -> bool:
        """Whether the body asks for a stream."""
        return isinstance(self.document, Mapping) and self.document.get("stream") is True
