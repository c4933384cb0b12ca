"""Targets: what `--target` names, resolved to an address, credentials and expectations.

A target's table in `harness.toml` is chosen by name on the command line, so its values rank over
the environment; what it leaves out comes from the environment, then from the top of the file.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.errors import UsageError, did_you_mean
from harness.routes.address import BASETEN, Address, Credentials
from harness.routes.route import routes_for
from harness.settings.model import (
    Settings,
    from_environment,
    from_file,
    merge,
)
from harness.settings.pasted import take_apart
from harness.settings.redaction import Secrets, of_headers
from harness.settings.values import RateLimit, is_loopback, parse_origin, parse_segment
from harness.settings.variables import BY_KEY
from harness.transports.network import DIRECT, PORTS, Network
from harness.wire import Headers

if TYPE_CHECKING:
    from harness.client import GatewayClient
    from harness.transports.exchange import Timeouts
    from harness.transports.httpx import HttpxTransport

STAND_IN_ACCOUNT = "acc"
STAND_IN_GATEWAY = "gw"
STAND_IN_PROVIDER_KEY = "baseten-key"
STAND_IN_TOKEN = "gateway-token"  # noqa: S105 - public, the stand-in's default
STAND_IN_MODEL_ID = "abcd1234"
DEPLOYMENT = "https://model-{}.api.baseten.co/environments/production/predict"
"""A dedicated model's own host; docs.baseten.co/reference/inference-api/overview."""


class Kind(StrEnum):
    """What kind of gateway a target is."""

    MOCK = "mock"
    LOCAL = "local"
    LIVE = "live"
    NAMED = "named"
    URL = "url"


@dataclass(frozen=True, slots=True)
class Expectations:
    """How the gateway under test is configured; None is not declared, a TTL of 0 is no cache."""

    auth: bool | None = None
    cache_ttl: int | None = None
    rate_limit: RateLimit | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A gateway to test: where it is, who asks, which models, and what is declared about it.

    `address` has the identity of the gateway; for `mock` and `local`, which have no origin before
    they run, `at` gives it one. `headers` go with every request. `secrets` redacts all of them.
    """

    kind: Kind
    name: str
    address: Address
    credentials: Credentials
    model: str
    model_id: str | None
    model_input: tuple[Mapping[str, Any], ...] = ()
    expectations: Expectations = field(default_factory=Expectations)
    headers: Headers = field(default_factory=Headers, repr=False)
    secrets: Secrets = field(default_factory=Secrets)
    network: Network = DIRECT

    @property
    def routes(self) -> tuple[str, ...]:
        """The routes that can be asked: the model route only with a model id."""
        return routes_for(self.model_id)

    @property
    def embedded(self) -> bool:
        """Whether the harness itself runs this gateway."""
        return self.kind in (Kind.MOCK, Kind.LOCAL)

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine; elsewhere requests may cost money."""
        return self.embedded or is_loopback(self.address.origin)

    def at(self, origin: str) -> "Target":
        """The same target at an origin: the stand-in after it has been started."""
        provider, deployment = _upstream(origin, self.model_id)
        address = replace(self.address, origin=origin, provider=provider, deployment=deployment)
        return replace(self, address=address)

    def client(
        self, *, transport: "HttpxTransport | None" = None, timeouts: "Timeouts | None" = None
    ) -> "GatewayClient":
        """A client of this target, its credentials and models."""
        from harness.client import GatewayClient

        return GatewayClient(
            self.address,
            self.credentials,
            model=self.model,
            model_id=self.model_id,
            headers=self.headers.fields,
            transport=transport,
            network=self.network,
            timeouts=timeouts,
        )

    def describe(self) -> dict[str, object]:
        """What a manifest may say of it: no secret, only whether one is used."""
        limit = self.expectations.rate_limit
        return {
            "kind": self.kind.value,
            "name": self.name,
            "base": None if self.embedded else self.address.base,
            "model": self.model,
            "model_id": self.model_id,
            "model_input": bool(self.model_input),
            "provider_key": self.credentials.provider_key is not None,
            "gateway_token": self.credentials.gateway_token is not None,
            "byok_alias": self.credentials.byok_alias,
            "headers": [name for name, _ in self.headers],
            "expect_auth": self.expectations.auth,
            "expect_cache_ttl": self.expectations.cache_ttl,
            "expect_rate_limit": None if limit is None else str(limit),
        }


def resolve_target(
    text: str,
    settings: Settings,
    *,
    headers: Headers | None = None,
    environment: Mapping[str, str] | None = None,
) -> Target:
    """The target that `text` names: mock, local, live, a table of `harness.toml`, or an origin.

    On loopback the stand-in's defaults stand for what is not set, its token only when
    authentication is declared. UsageError lists the variables that are missing, or names the proxy
    that cannot be spoken to.
    """
    extra = Headers() if headers is None else headers
    kind, chosen = choose(text, settings, environment=environment)
    address = _address(text, kind, chosen)
    credentials = Credentials(
        provider_key=chosen.provider_key,
        gateway_token=chosen.gateway_token,
        byok_alias=chosen.byok_alias,
    )
    fields = (*chosen.headers, *extra)
    network = DIRECT if kind in (Kind.MOCK, Kind.LOCAL) else settings.network
    parts = urlsplit(address.origin)
    network.proxy_for(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])
    return Target(
        kind=kind,
        name=text if kind is not Kind.URL else chosen.base_url,
        address=address,
        credentials=credentials,
        model=chosen.model,
        model_id=chosen.model_id,
        model_input=chosen.model_input,
        expectations=Expectations(
            chosen.expect_auth, chosen.expect_cache_ttl, chosen.expect_rate_limit
        ),
        headers=Headers(fields),
        secrets=_secrets(credentials, chosen) | of_headers(fields),
        network=network,
    )


def choose(
    text: str, settings: Settings, *, environment: Mapping[str, str] | None = None
) -> tuple[Kind, Settings]:
    """The settings that are in force for a target, complete or not, and its kind."""
    kind, chosen = _choose(text, settings, os.environ if environment is None else environment)
    local = kind in (Kind.MOCK, Kind.LOCAL) or is_loopback(chosen.base_url)
    return kind, _with_defaults(chosen) if local else chosen


def _choose(text: str, settings: Settings, environment: Mapping[str, str]) -> tuple[Kind, Settings]:
    if text in (Kind.MOCK, Kind.LOCAL, Kind.LIVE):
        return Kind(text), settings
    if "://" in text:
        return Kind.URL, _of_url(text, settings)
    file = settings.file
    if text not in file.targets:
        raise UsageError(_unknown(text, settings))
    table = file.targets[text]
    for key in ("provider_key_env", "gateway_token_env"):
        variable = table.values.get(key)
        if variable is not None and not environment.get(variable):
            raise UsageError(f"{table.place}: {key} names {variable}, which is not set")
    layers = (
        from_file(table, environment),
        from_environment(environment),
        from_file(file.top, environment),
    )
    return Kind.NAMED, merge(layers, file=file, environment=environment)


def _of_url(text: str, settings: Settings) -> Settings:
    """The settings with the origin of a URL, and with the account and the gateway in its path."""
    try:
        pasted = take_apart(text)
        origin = parse_origin(pasted.origin if pasted else text)
        ids = (pasted.account_id, pasted.gateway_id) if pasted else (None, None)
        named: dict[str, Any] = {
            key: parse_segment(value)
            for key, value in zip(("account_id", "gateway_id"), ids, strict=True)
            if value is not None
        }
    except ValueError as exc:
        shown = "URL" if re.search("[@?#]", text) else text
        raise UsageError(f"--target {shown}: {exc}") from exc
    provenance = {**settings.provenance, **dict.fromkeys(("base_url", *named), "flag")}
    return replace(settings, base_url=origin, provenance=provenance, **named)


def _unknown(text: str, settings: Settings) -> str:
    known = ["mock", "local", "live", *settings.file.targets]
    if "@" in text:
        return "--target: expected a URL with its scheme, and no user and password in it"
    if ":" in text or "." in text:
        return f"--target {text}: expected a URL with its scheme, such as http://{text}"
    where = settings.file.path or "harness.toml (there is none here)"
    expected = f"expected {', '.join(known)}, a URL, or a target of {where}"
    hint = did_you_mean(text, known, otherwise="")
    return f"--target {text}: {hint} {expected}" if hint else f"--target {text}: {expected}"


def _secrets(credentials: Credentials, chosen: Settings) -> Secrets:
    """The settings' secrets, and the stand-in's where they stand for what is not set."""
    used = (
        ("BASETEN_API_KEY", credentials.provider_key or ""),
        ("CF_AIG_TOKEN", credentials.gateway_token or ""),
    )
    return chosen.secrets | Secrets(used)


def _with_defaults(chosen: Settings) -> Settings:
    """The stand-in's defaults for what is not set, its token only where one is asked for."""
    defaults: dict[str, Any] = {
        "account_id": STAND_IN_ACCOUNT,
        "gateway_id": STAND_IN_GATEWAY,
        "provider_key": STAND_IN_PROVIDER_KEY,
        "model_id": STAND_IN_MODEL_ID,
    }
    provider, deployment = _upstream(chosen.base_url, chosen.model_id or STAND_IN_MODEL_ID)
    defaults |= {"provider_url": provider, "deployment_url": deployment}
    if chosen.expect_auth:
        defaults["gateway_token"] = STAND_IN_TOKEN
    used = {
        key: value
        for key, value in defaults.items()
        if getattr(chosen, key) is None and chosen.provenance[key] == "default"
    }
    provenance = {**chosen.provenance, **dict.fromkeys(used, "the stand-in's default")}
    return replace(chosen, **used, provenance=provenance)


def _upstream(origin: str, model_id: str | None) -> tuple[str, str]:
    """Where the stand-in at an origin offers its own upstream: the Model APIs and a deployment."""
    base = f"{origin.rstrip('/')}/upstream"
    return f"{base}/v1", f"{base}/model/{model_id}/predict"


def _address(text: str, kind: Kind, chosen: Settings) -> Address:
    needed = () if chosen.custom_domain else ("account_id", "gateway_id")
    missing = [BY_KEY[key].name for key in needed if getattr(chosen, key) is None]
    if missing:
        raise UsageError(
            f"--target {text}: {' and '.join(missing)} not set; export "
            f"{'it' if len(missing) == 1 else 'them'} or write harness.toml "
            "(gateway-harness doctor shows what is set)"
        )
    embedded = kind in (Kind.MOCK, Kind.LOCAL)
    return Address(
        origin="http://stand-in.invalid" if embedded else chosen.base_url,
        account_id=chosen.account_id or "",
        gateway_id=chosen.gateway_id or "",
        custom_domain=chosen.custom_domain,
        provider=chosen.provider_url or BASETEN,
        deployment=chosen.deployment_url or DEPLOYMENT.format(chosen.model_id or ""),
    )
