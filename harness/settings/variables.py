"""Every setting once: key in harness.toml, environment variable, meaning, and remedy."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting; `remedy` says how a person comes by a value. Secrets have no key in the file:
    there `<key>_env` names the environment variable that holds them.
    """

    key: str
    name: str
    meaning: str
    remedy: str = ""
    secret: bool = False


_DASHBOARD = "export it; the Cloudflare dashboard shows it under AI > AI Gateway"

VARIABLES: tuple[Variable, ...] = (
    Variable("account_id", "CLOUDFLARE_ACCOUNT_ID", "first segment of every path", _DASHBOARD),
    Variable("gateway_id", "CLOUDFLARE_GATEWAY_ID", "second segment of every path", _DASHBOARD),
    Variable(
        "provider_key",
        "BASETEN_API_KEY",
        "sent as Authorization; empty or not set: the gateway uses its stored key",
        "export it; app.baseten.co has it under Settings > API keys",
        secret=True,
    ),
    Variable("byok_alias", "CF_AIG_BYOK_ALIAS", "which stored key the gateway uses"),
    Variable(
        "gateway_token",
        "CF_AIG_TOKEN",
        "sent as cf-aig-authorization",
        "needed when the gateway has authentication on; create a token in its settings",
        secret=True,
    ),
    Variable("model", "BASETEN_MODEL", "model of the native and compat routes"),
    Variable(
        "model_id",
        "BASETEN_MODEL_ID",
        "dedicated model of the model route",
        "export it; app.baseten.co shows the id of your deployment; without it, no model route",
    ),
    Variable(
        "model_input",
        "BASETEN_MODEL_INPUT",
        "what that model takes: a JSON object, or a file of JSON lines",
        "set it where the deployment does not take a prompt and a limit of tokens",
    ),
    Variable("base_url", "GATEWAY_BASE_URL", "origin of the gateway"),
    Variable("provider_url", "BASETEN_BASE_URL", "Baseten without the gateway, to compare with"),
    Variable("deployment_url", "BASETEN_MODEL_URL", "the dedicated model's own URL, likewise"),
    Variable("custom_domain", "GATEWAY_CUSTOM_DOMAIN", "1: no /v1/{account}/{gateway} in URLs"),
    Variable("expect_auth", "GATEWAY_EXPECT_AUTH", "1: the gateway has authentication on"),
    Variable("expect_cache_ttl", "GATEWAY_EXPECT_CACHE_TTL", "its cache TTL in seconds"),
    Variable("expect_rate_limit", "GATEWAY_EXPECT_RATE_LIMIT", "its rate limit, requests/seconds"),
)

BY_KEY: Mapping[str, Variable] = {variable.key: variable for variable in VARIABLES}
