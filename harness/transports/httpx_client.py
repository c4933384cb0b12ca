"""The httpx client of a transport: TLS, proxies and limits, and what httpx must leave alone."""

import os
import ssl

import httpx

from harness.errors import UsageError

_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_KEEP_ALIVE_S = 3.0  # below the five seconds after which uvicorn and Node close an idle connection


def context() -> ssl.SSLContext:
    """What the environment trusts, read once: it takes some 30 ms, and each thread has a client."""
    try:
        return httpx.create_ssl_context()
    except (OSError, ValueError) as exc:
        raise UsageError(f"{_variables_set()} cannot be used: {exc}") from exc


def client_for(tls: ssl.SSLContext) -> httpx.Client:
    """A client that obeys the environment; UsageError when something in that cannot be used."""
    limits = httpx.Limits(
        max_connections=None, max_keepalive_connections=16, keepalive_expiry=_KEEP_ALIVE_S
    )
    hooks = {"response": [_keep_fields]}
    try:
        return _Client(verify=tls, limits=limits, event_hooks=hooks)
    except (OSError, ValueError, ImportError, httpx.InvalidURL) as exc:
        raise UsageError(f"{_variables_set()} cannot be used: {exc}") from exc


class _NoCookies(httpx.Cookies):
    """A jar that stays empty; httpx would parse every answer's cookies, which nobody sends back."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave them where they are."""


_NO_COOKIES = _NoCookies()


class _Client(httpx.Client):
    @property
    def cookies(self) -> httpx.Cookies:
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        raise NotImplementedError("no cookies are kept")


def _variables_set() -> str:
    """The variables of which one is wrong when httpx cannot be set up."""
    found = [name for name in _VARIABLES if os.environ.get(name) or os.environ.get(name.lower())]
    return " or ".join(found) or "the certificate store"


def _keep_fields(response: httpx.Response) -> None:
    """Keep the head as it came, and Location from httpx, which raises on one that is no URL."""
    response.extensions["fields"] = tuple(response.headers.raw)
    response.headers.pop("location", None)
