"""One request as it reaches the provider."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MalformedBody:
    """A body that is no JSON document; `reason` is a parser's words, without the body's text."""

    reason: str


@dataclass(frozen=True, slots=True)
class ForwardedRequest:
    """What the gateway forwards.

    `path` is what stands below the provider's slug. `document` is the decoded body, or a
    `MalformedBody`.
    `serial` numbers the gateway's requests, `now_s` is Unix time in seconds, `at_ns` the gateway's
    clock. One that has not begun to be answered at `until_ns` is given up then.
    """

    method: str
    path: str
    authorization: str | None
    content_type: str
    accept: str
    user_agent: str
    document: Any
    size: int
    serial: int
    now_s: int
    at_ns: int = 0
    until_ns: int | None = None

    @property
    def on_model(self) -> bool:
        """Whether a dedicated model is asked, and not the chat API."""
        return self.path.startswith("model/")
