"""Baseten without the gateway: the Model APIs, or a deployment's own host.

Sources: docs.baseten.co/development/model-apis/overview (the base URL),
docs.baseten.co/reference/inference-api/overview (`model-{id}.api.baseten.co`).
"""

from harness.routes.address import NO_CREDENTIALS, Address, Credentials, Fields, GatewayOptions
from harness.routes.body import Body, post
from harness.wire import Request

PATH = "/chat/completions"


def build(
    address: Address,
    body: Body,
    *,
    own_host: bool = False,
    credentials: Credentials = NO_CREDENTIALS,
    extra: Fields = (),
) -> Request:
    """A request that no gateway sees: it carries Baseten's key, and nothing that is Cloudflare's.

    `own_host` asks the deployment itself instead of the Model APIs. Of `extra` fields those named
    `cf-*` are left out.
    """
    url = address.deployment if own_host else f"{address.provider.rstrip('/')}{PATH}"
    key = Credentials(provider_key=credentials.provider_key)
    fields = tuple(field for field in extra if not field[0].lower().startswith("cf-"))
    return post(url, body, credentials=key, options=GatewayOptions(extra=fields))
