"""Settings: the environment over `harness.toml` over defaults, and where each value came from."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from harness.errors import UsageError
from harness.settings.file import File, Table, find_file, read_file
from harness.settings.redaction import Secrets, of_headers, proxy_passwords
from harness.settings.values import (
    RateLimit,
    parse_base_url,
    parse_origin,
    parse_rate_limit,
    parse_secret,
    parse_segment,
)
from harness.settings.variables import BY_KEY, VARIABLES

DEFAULT_ORIGIN = "https://gateway.ai.cloudflare.com"
DEFAULT_MODEL = "openai/gpt-oss-120b"

Segment = Annotated[str, BeforeValidator(parse_segment)]
BaseUrl = Annotated[str, BeforeValidator(parse_base_url)]
Origin = Annotated[str, BeforeValidator(parse_origin)]
Secret = Annotated[SecretStr, BeforeValidator(parse_secret)]
Limit = Annotated[RateLimit, BeforeValidator(parse_rate_limit)]


class Settings(BaseModel):
    """Which gateway, which credentials, which models, and how the gateway is configured.

    `provenance` says for each field `flag`, `environment NAME`, the place in `harness.toml`, or
    `default`. `targets` are the tables of the file, still unresolved: `resolve_target` reads them.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
        protected_namespaces=(),
    )

    account_id: Segment | None = None
    gateway_id: Segment | None = None
    provider_key: Secret | None = None
    byok_alias: Segment | None = None
    gateway_token: Secret | None = None
    model: Annotated[str, Field(min_length=1)] = DEFAULT_MODEL
    model_id: Segment | None = None
    base_url: Origin = DEFAULT_ORIGIN
    provider_url: BaseUrl | None = None
    deployment_url: BaseUrl | None = None
    custom_domain: bool = False
    expect_auth: bool | None = None
    expect_cache_ttl: Annotated[int, Field(ge=0)] | None = None
    expect_rate_limit: Limit | None = None
    headers: tuple[tuple[str, str], ...] = ()
    provenance: Mapping[str, str] = Field(default_factory=dict)
    file: File = Field(default_factory=File)
    secrets: Secrets = Field(default_factory=Secrets)


def load_settings(
    *,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """The settings of this call: `flags` (by field name) over `environment` over `harness.toml`.

    Default: the process's environment and the nearest `harness.toml` of the current folder. An
    empty variable counts as not set. UsageError says which value is wrong and where it stands.
    """
    environment = os.environ if environment is None else environment
    path = find_file(folder or _current_folder())
    file = read_file(path) if path else File()
    for table in file.targets.values():
        merge((from_file(table, environment),), file=file, environment=environment)
    layers = (
        from_flags(flags or {}),
        from_environment(environment),
        from_file(file.top, environment),
    )
    return merge(layers, file=file, environment=environment)


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as exc:
        raise UsageError("the current folder does not exist any more; go to another one") from exc


Layer = Mapping[str, tuple[Any, str]]
"""Values by field name, each with where it came from."""


def from_flags(flags: Mapping[str, Any]) -> Layer:
    """The values given on the command line; None is not given."""
    return {key: (value, "flag") for key, value in flags.items() if value is not None}


def from_environment(environment: Mapping[str, str]) -> Layer:
    """The values of the environment variables that are set and not empty."""
    found = ((v.key, v.name, environment.get(v.name, "")) for v in VARIABLES)
    return {key: (value, f"environment {name}") for key, name, value in found if value.strip()}


def from_file(table: Table, environment: Mapping[str, str]) -> Layer:
    """The values of one table of the file; a `*_env` key is followed to its variable."""
    layer: dict[str, tuple[Any, str]] = {}
    for key, value in table.values.items():
        if not key.endswith("_env"):
            layer[key] = (value, table.place)
        elif not isinstance(value, str):
            raise UsageError(f"{table.place}: {key}: expected the name of an environment variable")
        elif environment.get(value, "").strip():
            layer[key.removesuffix("_env")] = (environment[value], f"environment {value}")
    headers = [*table.headers.items()]
    headers += [(name, environment[v]) for name, v in table.headers_env.items() if v in environment]
    return {**layer, "headers": (tuple(headers), table.place)} if headers else layer


def merge(layers: tuple[Layer, ...], *, file: File, environment: Mapping[str, str]) -> Settings:
    """One Settings out of layers, the first that has a value winning."""
    merged: dict[str, tuple[Any, str]] = {}
    for layer in reversed(layers):
        merged.update(layer)
    places = {key: place for key, (_, place) in merged.items()}
    values = {key: value for key, (value, _) in merged.items()}
    provenance = {key: places.get(key, "default") for key in (*BY_KEY, "headers")}
    secrets = _secrets(merged, environment)
    try:
        return Settings(**values, provenance=provenance, file=file, secrets=secrets)
    except ValidationError as exc:
        raise UsageError(_complaint(exc, merged)) from None  # the chain would show values


def _secrets(merged: Layer, environment: Mapping[str, str]) -> Secrets:
    """Every secret that may be sent, under the name of the variable that holds it."""
    values = [(v.name, str(environment.get(v.name, ""))) for v in VARIABLES if v.secret]
    for key, (value, place) in merged.items():
        if key in BY_KEY and BY_KEY[key].secret:
            values.append((place.removeprefix("environment "), str(value)))
    headers, _ = merged.get("headers", ((), ""))
    return Secrets((*values, *proxy_passwords(environment))) | of_headers(headers)


def _complaint(exc: ValidationError, merged: Layer) -> str:
    problem = exc.errors(include_url=False, include_input=False, include_context=False)[0]
    key = str(problem["loc"][0])
    value, place = merged[key]
    variable = BY_KEY.get(key)
    hidden = variable is None or variable.secret or "@" in str(value)
    got = "" if hidden else f", got {value!r}"
    message = f"{problem['msg'].removeprefix('Value error, ')}{got[:200]}"
    if place == "flag":
        return f"--{key.removeprefix('expect_').replace('_', '-')}: {message}"
    if place.startswith("environment "):
        return f"{place.removeprefix('environment ')}: {message}"
    return f"{place}: {key}: {message}"
