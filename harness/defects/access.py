"""Authentication (developers.cloudflare.com/ai-gateway/configuration/authentication/)."""

from dataclasses import replace

from harness.defects.defect import Defect
from harness.defects.edits import with_header
from harness.defects.failures import wrong_layer_401
from harness.gateway.served import Served
from harness.wire import Response

_AUTH = frozenset({"auth"})


def key_echoed(served: Served) -> Response:
    """The provider key in a response header."""
    key = served.arrival.fields.get("authorization")
    return with_header(served.response, "x-debug-authorization", key) if key else served.response


ACCESS = (
    Defect(
        name="gateway-token-ignored",
        catalogue="own",
        group="auth",
        statement="an authenticated gateway serves requests without its token",
        shown_by="requests without cf-aig-authorization, or with a wrong one",
        source="constructed",
        rules=lambda rules: replace(rules, authorised=lambda _arrival, _config: True),
        needs=_AUTH,
    ),
    Defect(
        name="provider-key-ignored",
        catalogue="E17",
        group="auth",
        statement="a missing or wrong provider key is accepted",
        shown_by="requests without Authorization, or with a wrong one",
        source="constructed",
        rules=lambda rules: replace(
            rules, credential=lambda call, _given: f"Bearer {call.config.provider_key}"
        ),
    ),
    Defect(
        name="wrong-layer-401",
        catalogue="own",
        group="auth",
        statement="the provider's 401 is replaced by the gateway's own (2009)",
        shown_by="requests without Authorization, or with a wrong one",
        source="constructed",
        respond=wrong_layer_401,
    ),
    Defect(
        name="key-echoed",
        catalogue="own",
        group="auth",
        statement="the provider key comes back in a response header",
        shown_by="every request with Authorization",
        source="constructed",
        respond=key_echoed,
    ),
)
