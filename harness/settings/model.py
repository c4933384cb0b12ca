"""Settings: the environment over `harness.toml` over defaults, and where each value came from."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.routes.route import DEFAULT_MODEL
from harness.settings.file import File, SettingsTable, find_file, read_file
from harness.settings.pasted import take_apart
from harness.settings.redaction import Secrets, is_secret_name, of_headers, proxy_passwords
from harness.settings.values import (
    RateLimit,
    parse_base_url,
    parse_field_value,
    parse_flag,
    parse_inputs,
    parse_origin,
    parse_rate_limit,
    parse_seconds,
    parse_secret,
    parse_secret_field,
    parse_segment,
    parse_text,
)
from harness.settings.variables import BY_KEY, VARIABLES
from harness.transports.network import DIRECT, Network

DEFAULT_ORIGIN = "https://gateway.ai.cloudflare.com"

PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "account_id": parse_segment,
    "gateway_id": parse_segment,
    "provider_key": parse_secret,
    "byok_alias": parse_segment,
    "gateway_token": parse_secret,
    "model": parse_text,
    "model_id": parse_segment,
    "model_input": parse_inputs,
    "base_url": parse_origin,
    "provider_url": parse_base_url,
    "deployment_url": parse_base_url,
    "custom_domain": parse_flag,
    "expect_auth": parse_flag,
    "expect_cache_ttl": parse_seconds,
    "expect_rate_limit": parse_rate_limit,
}
"""How the value of each field is read from what a flag, a variable or the file says."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Which gateway, which credentials, which models, and how the gateway is configured.

    `provenance` says for each field `flag`, `environment NAME`, the place in `harness.toml`, or
    `default`. `targets` are the tables of the file, still unresolved: `resolve_target` reads them.
    """

    account_id: str | None = None
    gateway_id: str | None = None
    provider_key: str | None = field(default=None, repr=False)
    byok_alias: str | None = None
    gateway_token: str | None = field(default=None, repr=False)
    model: str = DEFAULT_MODEL
    model_id: str | None = None
    model_input: tuple[Mapping[str, Any], ...] = ()
    base_url: str = DEFAULT_ORIGIN
    provider_url: str | None = None
    deployment_url: str | None = None
    custom_domain: bool = False
    expect_auth: bool | None = None
    expect_cache_ttl: int | None = None
    expect_rate_limit: RateLimit | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    provenance: Mapping[str, str] = field(default_factory=dict)
    file: File = field(default_factory=File)
    secrets: Secrets = field(default_factory=Secrets)
    network: Network = DIRECT


def load_settings(
    *,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """The settings of this call: `flags` (by field name) over `environment` over `harness.toml`.

    Default: the process's environment and the nearest `harness.toml` of the current folder. An
    empty variable counts as not set; an empty secret is said to be none, also where the file or
    the stand-in has one. UsageError says which value is wrong and where it stands.
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
    """The values of the environment variables that are set; an empty one only says "no secret"."""
    found: dict[str, tuple[Any, str]] = {}
    for variable in VARIABLES:
        value = environment.get(variable.name, "")
        if value.strip():
            found[variable.key] = (value, f"environment {variable.name}")
        elif variable.secret and variable.name in environment:
            found[variable.key] = (None, f"environment {variable.name}, empty")
    return found


def from_file(table: SettingsTable, environment: Mapping[str, str]) -> Layer:
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
    for name, variable in table.headers_env.items():
        if variable in environment:
            headers.append((name, _field_value(name, variable, environment[variable])))
    return {**layer, "headers": (tuple(headers), table.place)} if headers else layer


def _field_value(name: str, variable: str, value: str) -> str:
    """The value of a header field that a variable holds; a secret, so that it is never shown."""
    try:
        return parse_secret_field(value) if is_secret_name(name) else parse_field_value(value)
    except ValueError as exc:
        raise UsageError(f"{variable}, the value of the header {name}: {exc}") from None


def merge(layers: tuple[Layer, ...], *, file: File, environment: Mapping[str, str]) -> Settings:
    """One Settings out of layers, the first that has a value winning."""
    merged: dict[str, tuple[Any, str]] = {}
    for layer in reversed(layers):
        merged.update(layer)
    merged.update(_taken_apart(merged))
    provenance = {key: merged[key][1] if key in merged else "default" for key in PARSERS}
    headers, place = merged.get("headers", ((), "default"))
    return Settings(
        **{key: _parsed(key, *merged[key]) for key in PARSERS if _given(key, merged)},
        headers=headers,
        provenance={**provenance, "headers": place},
        file=file,
        secrets=_secrets(merged, environment),
        network=Network.of(environment),
    )


def _given(key: str, merged: Layer) -> bool:
    """Whether a field has a value: an empty secret is said, and has none."""
    return key in merged and merged[key][0] is not None


def _taken_apart(merged: Layer) -> Layer:
    """What a pasted URL of a route says in its path; UsageError where another setting differs."""
    url, place = merged.get("base_url", ("", ""))
    pasted = _parsed("base_url", url, place, by=take_apart) if isinstance(url, str) else None
    if pasted is None:
        return {}
    found: dict[str, tuple[Any, str]] = {"base_url": (pasted.origin, place)}
    for key in ("account_id", "gateway_id"):
        named = getattr(pasted, key)
        said, where = merged.get(key, (named, place))
        if named is not None and str(said).strip() != named:
            raise UsageError(
                f"{_shown('base_url', place)}: the URL names {named!r} as {BY_KEY[key].name}, "
                f"{_shown(key, where)} says {said!r}; leave out one of them"
            )
        if named is not None:
            found[key] = (named, where)
    return found


def _secrets(merged: Layer, environment: Mapping[str, str]) -> Secrets:
    """Every secret that may be sent, under the name of the variable that holds it."""
    values = [(v.name, str(environment.get(v.name, ""))) for v in VARIABLES if v.secret]
    for key, (value, place) in merged.items():
        if key in BY_KEY and BY_KEY[key].secret and value is not None:
            values.append((place.removeprefix("environment "), str(value)))
    headers, _ = merged.get("headers", ((), ""))
    return Secrets((*values, *proxy_passwords(environment))) | of_headers(headers)


def _parsed(key: str, value: Any, place: str, *, by: Callable[[Any], Any] | None = None) -> Any:
    """The value of a field; UsageError names where it stands, and a secret is not shown."""
    try:
        return (by or PARSERS[key])(value)
    except ValueError as exc:
        hidden = BY_KEY[key].secret or "@" in str(value)
        got = "" if hidden else f", got {value!r}"
        raise UsageError(f"{_shown(key, place)}: {exc}{got[:200]}") from None


def _shown(key: str, place: str) -> str:
    """Where a value stands, as its writer knows it."""
    if place == "flag":
        return f"--{key.removeprefix('expect_').replace('_', '-')}"
    if place.startswith("environment "):
        return place.removeprefix("environment ")
    return f"{place}: {key}"
