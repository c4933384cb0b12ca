"""From a request path to what it addresses, or to the refusal it earns."""

from dataclasses import dataclass
from urllib.parse import unquote

from harness.gateway import envelope
from harness.gateway.config import Config
from harness.gateway.envelope import Refusal

NATIVE = "native"
COMPAT = "compat"
MODEL = "model"
OTHER = "other"
UNIVERSAL = "universal"

CHAT_ENDPOINT = "v1/chat/completions"
UPSTREAM = "/upstream/"
"""Below it the stand-in offers its provider without the gateway, as `v1/...` and
`model/{id}/predict`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a path addresses: route name, provider slug, and the path below the provider.

    `route` is native, compat, model, or other (relayed to the provider as it is).
    """

    route: str
    provider: str
    endpoint: str


def below_gateway(path: str, config: Config) -> str | None:
    """The path below the gateway, without its leading slash; None when that gateway is unknown.

    Nothing below the gateway is the universal endpoint.
    """
    if config.custom_domain:
        return path.removeprefix("/")
    parts = path.split("/", 4)
    if len(parts) < 4 or parts[:2] != ["", "v1"]:
        return None
    known = (config.account_id, config.gateway_id)
    rest = parts[4] if len(parts) == 5 else ""
    return rest if (unquote(parts[2]), unquote(parts[3])) == known else None


def locate(rest: str, config: Config) -> Endpoint | Refusal:
    """What the path below the gateway addresses (developers.cloudflare.com/ai-gateway/usage)."""
    provider, _, endpoint = rest.partition("/")
    if provider == "compat":
        return _compat(endpoint)
    if provider != "baseten":
        return envelope.INVALID_PROVIDER
    if endpoint == "chat/completions":
        return _sdk_path(config.behaviour.sdk_path)
    if endpoint == CHAT_ENDPOINT:
        return Endpoint(NATIVE, provider, endpoint)
    if endpoint.startswith("model/") and endpoint.count("/") == 1:
        return Endpoint(MODEL, provider, endpoint)
    return Endpoint(OTHER, provider, endpoint)


def _compat(endpoint: str) -> Endpoint | Refusal:
    if endpoint == "chat/completions":
        return Endpoint(COMPAT, "compat", endpoint)
    return envelope.unsupported_compat(endpoint)


def _sdk_path(policy: str) -> Endpoint | Refusal:
    if policy == "gateway-error":
        return envelope.INVALID_PROVIDER
    if policy == "pass-through":
        return Endpoint(OTHER, "baseten", "chat/completions")
    return Endpoint(NATIVE, "baseten", CHAT_ENDPOINT)
