"""The way to a target: its proxy and whose certificates are trusted, read once for both transports.

HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are read as curl reads them, in capitals or not; an
entry of NO_PROXY is a name with all that is below it, an address, a network (`10.0.0.0/8`,
`fd00::/8`) or `*`, with a port or without. SSL_CERT_FILE and SSL_CERT_DIR replace the certificates
that come with the package. Does no I/O.
"""

import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from harness.errors import TransportError, TransportKind, UsageError

_SCHEMES = ("https", "http", "all")
PORTS = {"http": 80, "https": 443}
_BRACKETS = re.compile(r"\[([^\]]+)\](/\d+)?(?::(\d+))?")


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy, spoken to in plain or over TLS, and the variable that names it.

    `authorization` is the value of Proxy-Authorization, a secret.
    """

    host: str
    port: int
    scheme: str = "http"
    authorization: str | None = field(default=None, repr=False)
    variable: str = "HTTPS_PROXY"

    def __str__(self) -> str:
        return f"the proxy {self.authority} ({self.variable})"

    @property
    def authority(self) -> str:
        """Host and port, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def down(self, reason: object) -> TransportError:
        """There is no connection to it: no fault of the target."""
        return TransportError(TransportKind.PROXY, f"{self} is down: {reason}")

    def refused(self, answer: str) -> TransportError:
        """It does not pass the request on; `answer` begins with its status."""
        asks = answer.startswith("407")
        advice = "; it wants a user and a password in its URL" if asks else ""
        return TransportError(TransportKind.PROXY, f"{self} refused: {answer[:200]!r}{advice}")


@dataclass(frozen=True, slots=True)
class Network:
    """What the environment says of the way out: `proxies` by scheme or `all`, each as its variable
    and its URL, a secret; who is asked without one; SSL_CERT_FILE and SSL_CERT_DIR.
    """

    proxies: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    exempt: tuple[str, ...] = ()
    certificates: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Network":
        """The one reading of the environment; what is empty is not set."""
        proxies = {scheme: _variable(environment, f"{scheme}_proxy") for scheme in _SCHEMES}
        _, exempt = _variable(environment, "no_proxy") or ("", "")
        names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
        return cls(
            {scheme: found for scheme, found in proxies.items() if found is not None},
            tuple(re.split(r"[\s,]+", exempt.lower().strip(" ,"))) if exempt else (),
            {name: environment[name] for name in names if environment.get(name)},
        )

    def proxy_for(self, scheme: str, host: str, port: int) -> Proxy | None:
        """The proxy for one origin, None for a direct connection; UsageError for one of a kind that
        is not spoken.
        """
        found = self.proxies.get(scheme) or self.proxies.get("all")
        if found is None or any(_matches(entry, host.lower(), port) for entry in self.exempt):
            return None
        return _proxy(*found, host=host)


DIRECT = Network()
"""The way to the stand-in: no proxy is ever asked for it."""


def _variable(environment: Mapping[str, str], name: str) -> tuple[str, str] | None:
    for spelt in (name, name.upper()):
        value = environment.get(spelt, "").strip()
        if value:
            return spelt, value
    return None


def _proxy(variable: str, address: str, *, host: str) -> Proxy:
    text = address if "://" in address else f"http://{address}"
    shown = f"{text.partition('://')[0]}://{text.rpartition('@')[2].rpartition('://')[2]}"
    expected = f"expected a proxy such as http://host:3128 in {variable}, got {shown[:200]}"
    without = f"to go without one: NO_PROXY={host}"
    try:
        parts = urlsplit(text)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise UsageError(f"{expected}: its port is no number; {without}") from error
    if parts.scheme.startswith("socks"):
        raise UsageError(f"{expected}: SOCKS is not spoken; {without}")
    if parts.scheme not in PORTS or not parts.hostname:
        raise UsageError(f"{expected}; {without}")
    authorization = _authorization(parts.username, parts.password)
    return Proxy(parts.hostname, port, parts.scheme, authorization, variable)


def _authorization(user: str | None, password: str | None) -> str | None:
    if user is None:
        return None
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode("ascii")


def _matches(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY means this origin."""
    name, wanted = _entry(entry)
    if name == "*":
        return True
    if not name or wanted not in (None, port):
        return False
    try:
        network = ipaddress.ip_network(name, strict=False)
    except ValueError:
        name = name.removeprefix("*").lstrip(".")
        return bool(name) and f".{host.rstrip('.')}".endswith(f".{name}")
    try:
        return ipaddress.ip_address(host.strip("[]")) in network
    except ValueError:
        return False


def _entry(entry: str) -> tuple[str, int | None]:
    """The name, address or network of an entry, and its port where it has one."""
    bracketed = _BRACKETS.fullmatch(entry)
    if bracketed:
        address, length, port = bracketed.groups()
        return f"{address}{length or ''}", int(port) if port else None
    name, colon, port = entry.partition(":")
    if colon and port.isdigit():
        return name, int(port)
    return entry, None
