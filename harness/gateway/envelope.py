"""Errors that the gateway itself makes, in its envelope: an array under the singular key `error`.

Codes and texts are those seen on the wire (`ai-gateway-provider` branches on 2001 and 2009).
"""

import json
from dataclasses import dataclass
from typing import Any

from harness.wire import Chunk, Headers, Response


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that the gateway gives in the provider's place."""

    status: int
    code: int
    message: str

    def document(self, form: str) -> dict[str, Any]:
        """The envelope: `full` has nine fields, `short` seven, `minimal` the first four."""
        envelope: dict[str, Any] = {
            "success": False,
            "result": [],
            "messages": [],
            "error": [{"code": self.code, "message": self.message}],
        }
        if form != "minimal":
            envelope |= {
                "name": "AiGatewayError",
                "httpCode": self.status,
                "internalCode": self.code,
            }
        if form == "full":
            envelope |= {"message": self.message, "description": self.message}
        return envelope

    def body(self, form: str) -> bytes:
        """The envelope as JSON bytes."""
        text = json.dumps(self.document(form), ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")

    def response(self, form: str, at_ns: int) -> Response:
        """The whole answer at one time, without the headers that every answer gets."""
        headers = Headers((("content-type", "application/json"),))
        return Response(
            self.status, headers, (Chunk(self.body(form), at_ns),), at_ns, end_at_ns=at_ns
        )


UNKNOWN_GATEWAY = Refusal(400, 2001, "Please configure AI Gateway in the Cloudflare dashboard")
RATE_LIMITED = Refusal(429, 2003, "Rate limited")
PROVIDER_FAILED = Refusal(400, 2005, "Failed to get response from provider")
INVALID_PROVIDER = Refusal(400, 2008, "Invalid provider")
UNAUTHORIZED = Refusal(401, 2009, "Unauthorized")
BAD_FORMAT = Refusal(400, 2019, "Chat completion bad format")


def model_not_found(model: str) -> Refusal:
    """An unknown provider prefix on compat, in the wording of October 2026."""
    return Refusal(400, 2008, f"Model not found: {model}")


def unsupported_compat(endpoint: str) -> Refusal:
    """Any other path under compat."""
    return Refusal(400, 2019, f"Compatibility endpoint: {endpoint} is not supported.")


def unknown_alias(provider: str, alias: str, configured: tuple[str, ...]) -> Refusal:
    """A stored key that does not exist; the real message lists the others too."""
    names = ", ".join(f"'{name}'" for name in configured)
    message = f"Provider '{provider}' has no BYOK credential named '{alias}'."
    return Refusal(400, 2040, f"{message} Configured aliases: {names}")


def no_credential() -> Refusal:
    """Own keys only, and none given; the status is documented, code and text are not."""
    return Refusal(400, 2040, "No provider credential on the request and none stored")


def bad_option(name: str, value: str) -> Refusal:
    """A request option outside its range, where the gateway rejects; code and text undocumented."""
    return Refusal(400, 2019, f"Invalid value for {name}: {value}")


def timed_out(form: str) -> Refusal:
    """An expired request timeout, in the form that the behaviour switch names."""
    if form == "400-2005":
        return PROVIDER_FAILED
    return Refusal(int(form), 2005, "Request timeout")
