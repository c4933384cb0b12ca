"""Authentication (developers.cloudflare.com/ai-gateway/configuration/authentication/)."""

from harness.defects.edits import with_header
from harness.defects.failures import wrong_layer_401
from harness.defects.rows import deciding, rows
from harness.gateway.served import Served
from harness.wire import Response

_AUTH = frozenset({"auth"})


def key_echoed(served: Served) -> Response:
    """The provider key in a response header."""
    key = served.arrival.fields.get("authorization")
    return with_header(served.response, "x-debug-authorization", key) if key else served.response


ACCESS = (
    *rows(
        "auth",
        (
            "gateway-token-ignored",
            "an authenticated gateway serves requests without its token",
            deciding(authorised=lambda _arrival, _config: True),
            "auth-token-missing",
        ),
        needs=("auth",),
    ),
    *rows(
        "auth",
        (
            "provider-key-ignored",
            "a missing or wrong provider key is accepted",
            deciding(credential=lambda call, _given: f"Bearer {call.config.provider_key}"),
            "auth-key-missing",
            "E17",
        ),
        (
            "wrong-layer-401",
            "the provider's 401 is replaced by the gateway's own (2009)",
            wrong_layer_401,
            "auth-key-layer",
        ),
        (
            "key-echoed",
            "the provider key comes back in a response header",
            key_echoed,
            "no-secret-back",
        ),
    ),
)
