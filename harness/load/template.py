"""The body of a request as bytes in which nothing but the nonce changes.

Building and encoding a body for each request costs more than sending it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from harness.routes import compat, model, native
from harness.routes.address import Address
from harness.routes.body import Body
from harness.routes.route import Route

_NOWHERE = Address()


@dataclass(frozen=True, slots=True)
class Template:
    """One prompt on one route: what its bodies begin and end with, around their nonce.

    `fields` are those of the body before it is encoded, with some nonce; `most_output` is how many
    completion tokens it allows, `streams` whether it asks for a stream.
    """

    fields: Mapping[str, Any] = field(repr=False)
    prefix: bytes = field(repr=False)
    suffix: bytes = field(repr=False)
    most_output: int
    streams: bool

    @property
    def prompt_bytes(self) -> int:
        """The length of a body without its nonce."""
        return len(self.prefix) + len(self.suffix)

    def body(self, nonce: bytes) -> bytes:
        """The body with this nonce: ASCII without quotes, backslashes and control characters."""
        return self.prefix + nonce + self.suffix


def encoded(route: str, body: Body) -> bytes:
    """The bytes that the route's own builder makes of a body."""
    if route == Route.NATIVE:
        return native.build(_NOWHERE, body).body
    if route == Route.COMPAT:
        return compat.build(_NOWHERE, body).body
    return model.build(_NOWHERE, body, model_id="").body


def unused(data: bytes) -> str:
    """A nonce that `data` does not hold, so that it can be found once it is put in."""
    return next(mark for n in count() if (mark := f"nonce-{n}-").encode() not in data)
