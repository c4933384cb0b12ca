"""The compat route: the gateway's OpenAI-compatible endpoint, where the model names its provider.

Source: developers.cloudflare.com/ai-gateway/usage/chat-completion/.
"""

from collections.abc import Mapping
from typing import Any

from harness.routes.address import (
    NO_CREDENTIALS,
    NO_OPTIONS,
    Address,
    Credentials,
    GatewayOptions,
)
from harness.routes.body import Body, post
from harness.wire import Request

PATH = "/compat/chat/completions"

PREFIX = "baseten/"


def build(
    address: Address,
    body: Body,
    *,
    credentials: Credentials = NO_CREDENTIALS,
    options: GatewayOptions = NO_OPTIONS,
    prefix: str = PREFIX,
) -> Request:
    """A chat completion on the compat route; a body given as bytes keeps its model."""
    if not isinstance(body, bytes):
        body = _prefixed(body, prefix)
    return post(f"{address.base}{PATH}", body, credentials=credentials, options=options)


def _prefixed(body: Mapping[str, Any], prefix: str) -> Mapping[str, Any]:
    """The body with `prefix` before its model, once; a model that is no text stays as it is."""
    model = body.get("model")
    if not isinstance(model, str) or model.startswith(prefix):
        return body
    return {**body, "model": f"{prefix}{model}"}
