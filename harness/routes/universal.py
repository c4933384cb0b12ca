"""The universal endpoint: a list of requests as steps, tried in turn until one is answered.

Source: developers.cloudflare.com/ai-gateway/usage/universal/. Legacy, and no route of its own: each
step is a request to one of the routes.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.routes.address import Address, Credentials, GatewayOptions
from harness.routes.body import post
from harness.wire import Request

_KEPT = ("authorization", "content-type")
_CONFIG = {
    "cf-aig-request-timeout": "requestTimeout",
    "cf-aig-max-attempts": "maxAttempts",
    "cf-aig-retry-delay": "retryDelay",
    "cf-aig-backoff": "backoff",
}
"""What a step's options are called (ai-gateway/configuration/request-handling/)."""


def build(
    address: Address,
    steps: Sequence[Request] | bytes,
    *,
    credentials: Credentials,
    options: GatewayOptions,
) -> Request:
    """One request of several steps, or with exact bytes as its body.

    The provider's key goes into each step, as that step's request has it; the gateway's token and
    the options are those of the whole request.
    """
    body: Any = steps if isinstance(steps, bytes) else [_step(address, each) for each in steps]
    keyless = replace(credentials, provider_key=None)
    return post(address.base, body, credentials=keyless, options=options)


def _step(address: Address, request: Request) -> dict[str, Any]:
    """A request to a route of the same gateway as a step."""
    provider, _, endpoint = request.url.removeprefix(f"{address.base}/").partition("/")
    fields = [(name, value) for name, value in request.headers if name.lower() in _KEPT]
    named = ((_CONFIG.get(name.lower()), value) for name, value in request.headers)
    config = {name: _value(value) for name, value in named if name}
    step = {"provider": provider, "endpoint": endpoint, "headers": dict(fields)}
    return step | ({"config": config} if config else {}) | {"query": json.loads(request.body)}


def _value(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text
