"""Where a request goes and what it carries in its headers: address, credentials, gateway options.

Sources: Cloudflare's pages under developers.cloudflare.com/ai-gateway/, named at each field.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from harness.errors import UsageError

CLOUDFLARE = "https://gateway.ai.cloudflare.com"
BASETEN = "https://inference.baseten.co/v1"

Fields = tuple[tuple[str, str], ...]
"""Header fields: name and value, in order."""

_ILLEGAL = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Address:
    """One gateway; a custom domain has no account and gateway in its path.

    `provider` and `deployment` are where Baseten itself is asked: the base URL of its Model APIs,
    and the URL of the dedicated model.
    Source: ai-gateway/configuration/custom-domains/.
    """

    origin: str = CLOUDFLARE
    account_id: str = ""
    gateway_id: str = ""
    custom_domain: bool = False
    provider: str = BASETEN
    deployment: str = ""

    @property
    def base(self) -> str:
        """The URL that every route starts with, without a slash at its end."""
        origin = self.origin.rstrip("/")
        return origin if self.custom_domain else f"{origin}{self.prefix}"

    @property
    def prefix(self) -> str:
        """The path before the provider: `/v1/{account}/{gateway}`, or nothing."""
        if self.custom_domain:
            return ""
        return f"/v1/{quote(self.account_id, safe='')}/{quote(self.gateway_id, safe='')}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks; what is None is not sent, so a key stored at Cloudflare applies.

    Source: ai-gateway/configuration/authentication/ and .../bring-your-own-keys/.
    """

    provider_key: str | None = field(default=None, repr=False)
    gateway_token: str | None = field(default=None, repr=False)
    byok_alias: str | None = None

    def fields(self) -> Fields:
        """The header fields that carry these credentials."""
        return _present(
            ("Authorization", self.provider_key and f"Bearer {self.provider_key}"),
            ("cf-aig-authorization", self.gateway_token and f"Bearer {self.gateway_token}"),
            ("cf-aig-byok-alias", self.byok_alias),
        )


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """What a request asks of the gateway, as `cf-aig-*` fields; None leaves the field out.

    `cache_ttl` is in seconds. Values are not checked against the documented bounds, so that a test
    can leave them. `extra` fields replace fields of the same name.
    Sources: ai-gateway/features/caching/, .../configuration/request-handling/,
    .../observability/custom-metadata/, .../observability/costs/.
    """

    cache_ttl: int | None = None
    skip_cache: bool | None = None
    cache_key: str | None = None
    metadata: Mapping[str, str | int | float | bool] | None = None
    collect_log: bool | None = None
    request_timeout_ms: int | None = None
    max_attempts: int | None = None
    retry_delay_ms: int | None = None
    backoff: Literal["constant", "linear", "exponential"] | None = None
    event_id: str | None = None
    byok_alias: str | None = None
    custom_cost: Mapping[str, float] | None = None
    extra: Fields = ()

    def fields(self) -> Fields:
        """The header fields that carry these options, `extra` not included."""
        return _present(
            ("cf-aig-cache-ttl", self.cache_ttl),
            ("cf-aig-skip-cache", self.skip_cache),
            ("cf-aig-cache-key", self.cache_key),
            ("cf-aig-metadata", _json(self.metadata)),
            ("cf-aig-collect-log", self.collect_log),
            ("cf-aig-request-timeout", self.request_timeout_ms),
            ("cf-aig-max-attempts", self.max_attempts),
            ("cf-aig-retry-delay", self.retry_delay_ms),
            ("cf-aig-backoff", self.backoff),
            ("cf-aig-event-id", self.event_id),
            ("cf-aig-byok-alias", self.byok_alias),
            ("cf-aig-custom-cost", _json(self.custom_cost)),
        )


NO_CREDENTIALS = Credentials()
NO_OPTIONS = GatewayOptions()


def combine(*groups: Fields) -> Fields:
    """The groups in order; a field of a later group replaces those of its name in earlier ones.

    A value that a header cannot carry (RFC 9110, section 5.5) is a `UsageError` without the value,
    which may be a secret.
    """
    combined: list[tuple[str, str]] = []
    for group in groups:
        names = {name.lower() for name, _ in group}
        combined = [item for item in combined if item[0].lower() not in names]
        combined += group
    for name, value in combined:
        if _ILLEGAL.search(value):
            raise UsageError(f"header {name}: expected visible Latin-1 text on one line")
    return tuple(combined)


def _present(*pairs: tuple[str, str | int | bool | None]) -> Fields:
    return tuple((name, _text(value)) for name, value in pairs if value is not None)


def _text(value: str | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json(value: Mapping[str, str | int | float | bool] | None) -> str | None:
    return None if value is None else json.dumps(dict(value), separators=(",", ":"))
