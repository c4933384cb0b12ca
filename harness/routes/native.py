"""The native route: Baseten's own chat-completions path behind the gateway.

Source: developers.cloudflare.com/ai-gateway/usage/providers/baseten/.
"""

from harness.routes.address import (
    NO_CREDENTIALS,
    NO_OPTIONS,
    Address,
    Credentials,
    GatewayOptions,
)
from harness.routes.body import Body, post
from harness.wire import Request

PATH = "/baseten/v1/chat/completions"
"""The path of the page's cURL example."""

SDK_PATH = "/baseten/chat/completions"
"""The path that an OpenAI SDK makes of the page's base URL, which has no `/v1`."""


def build(
    address: Address,
    body: Body,
    *,
    credentials: Credentials = NO_CREDENTIALS,
    options: GatewayOptions = NO_OPTIONS,
    sdk_path: bool = False,
) -> Request:
    """A chat completion on the native route; nobody documents whether `sdk_path` works."""
    path = SDK_PATH if sdk_path else PATH
    return post(f"{address.base}{path}", body, credentials=credentials, options=options)
