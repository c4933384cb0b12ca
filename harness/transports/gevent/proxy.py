"""Which proxy a request goes through: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY."""

import base64
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from harness.errors import UsageError


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `authorization` is the value of Proxy-Authorization, a secret."""

    host: str
    port: int
    authorization: str | None = None

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"


def environment_proxies() -> dict[str, str]:
    """The proxy variables of the environment, by scheme; `no` holds NO_PROXY."""
    return urllib.request.getproxies_environment()


def proxy_for(scheme: str, host: str, port: int, proxies: Mapping[str, str]) -> Proxy | None:
    """The proxy for one origin, or None for a direct connection."""
    name = scheme if proxies.get(scheme) else "all"
    address = proxies.get(name)
    if not address or _exempt(host, port, proxies.get("no", "")):
        return None
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme != "http" or not parts.hostname:
        shown = f"{parts.scheme}://{parts.hostname or ''}"
        raise UsageError(
            f"expected a proxy of the form http://host:port in {name.upper()}_PROXY, got {shown}; "
            f"to go without one: NO_PROXY={host}"
        )
    return Proxy(parts.hostname, parts.port or 80, _authorization(parts.username, parts.password))


def _exempt(host: str, port: int, no_proxy: str) -> bool:
    entries = [entry.strip().lower().lstrip(".") for entry in no_proxy.split(",") if entry.strip()]
    names = (host.lower(), f"{host.lower()}:{port}")
    return "*" in entries or any(
        name == entry or name.endswith(f".{entry}") for entry in entries for name in names
    )


def _authorization(user: str | None, password: str | None) -> str | None:
    if user is None:
        return None
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode("ascii")
