"""The httpx client of a transport: TLS, proxies and limits, and what httpx must leave alone."""

import ssl
from typing import Any, NoReturn

import httpx

from harness.errors import TransportKind
from harness.transports.certificates import trusting
from harness.transports.diagnosis import diagnose
from harness.transports.network import PORTS, Network, Proxy

_KEEP_ALIVE_S = 3.0  # below the five seconds after which uvicorn and Node close an idle connection
Key = tuple[bool, Proxy | None]


class _Strict(ssl.SSLSocket):
    """Tells an end of TLS that was not announced (close_notify) from one that was.

    Python hides the difference by default, and a cut answer would look whole (RFC 8446, 6.1).
    """

    @property
    def suppress_ragged_eofs(self) -> bool:
        """Never."""
        return False

    @suppress_ragged_eofs.setter
    def suppress_ragged_eofs(self, _: bool) -> None:
        """What the standard library asks for is not done."""


class ProxyFailed(httpx.ProxyError):
    """The proxy is at fault; the text names it."""


def client_for(network: Network, tls: ssl.SSLContext | None) -> httpx.Client:
    """A client that goes the ways of `network`; `tls` replaces the context made from it."""
    return _Client(
        transport=_Ways(network, tls), trust_env=False, event_hooks={"response": [_keep_fields]}
    )


class _Ways(httpx.BaseTransport):
    """Sends each request directly or through its proxy, and says where it was the proxy's fault."""

    def __init__(self, network: Network, tls: ssl.SSLContext | None) -> None:
        self._network = network
        self._tls = tls
        self._ways: dict[Key, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The response, its body still to be read."""
        url = request.url
        port = url.port or PORTS.get(url.scheme, 0)
        proxy = self._network.proxy_for(url.scheme, url.host, port)
        way = self._way(proxy, secure=url.scheme == "https")
        if proxy is None:
            return way.handle_request(request)
        return _through(proxy, way, request)

    def close(self) -> None:
        """Close every connection."""
        for way in self._ways.values():
            way.close()

    def _way(self, proxy: Proxy | None, *, secure: bool) -> httpx.HTTPTransport:
        key = secure or (proxy is not None and proxy.scheme == "https"), proxy
        if key not in self._ways:
            self._ways[key] = self._open(proxy, secure=key[0])
        return self._ways[key]

    def _open(self, proxy: Proxy | None, *, secure: bool) -> httpx.HTTPTransport:
        if secure and self._tls is None:
            self._tls = trusting(self._network)
        limits = httpx.Limits(
            max_connections=None, max_keepalive_connections=16, keepalive_expiry=_KEEP_ALIVE_S
        )
        context = self._tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.sslsocket_class = _Strict
        if proxy is None:
            return httpx.HTTPTransport(verify=context, trust_env=False, limits=limits)
        fields = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else None
        told = httpx.Proxy(
            f"{proxy.scheme}://{proxy.authority}",
            headers=fields,
            ssl_context=context if proxy.scheme == "https" else None,
        )
        return httpx.HTTPTransport(verify=context, trust_env=False, limits=limits, proxy=told)


def _through(proxy: Proxy, way: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
    """The response through a proxy; `ProxyFailed` where that is at fault."""
    seen: list[str] = []
    told = request.extensions.get("trace")

    def trace(name: str, info: dict[str, Any]) -> None:
        seen.append(name)
        if told is not None:
            told(name, info)

    request.extensions = {**request.extensions, "trace": trace}
    try:
        response = way.handle_request(request)
    except httpx.ProxyError as exc:
        raise ProxyFailed(str(proxy.refused(str(exc)))) from exc
    except httpx.ConnectTimeout as exc:
        raise httpx.ConnectTimeout(f"no connection through {proxy}") from exc
    except httpx.TransportError as exc:
        _blame(proxy, exc, seen, secure=request.url.scheme == "https")
    if response.status_code == 407 and request.url.scheme == "http":
        response.close()
        reason = response.extensions.get("reason_phrase", b"").decode("latin-1")
        raise ProxyFailed(str(proxy.refused(f"407 {reason}")))
    return response


def _blame(proxy: Proxy, exc: httpx.TransportError, seen: list[str], *, secure: bool) -> NoReturn:
    """Raise the error as the proxy's where the target had not been reached yet."""
    found = diagnose(exc)
    kind, reason = found or (None, str(exc))
    opened = any(name.endswith("connect_tcp.started") for name in seen)
    secured = sum(name.endswith("start_tls.started") for name in seen)
    if opened and secured <= (secure and proxy.scheme == "https") and not _answered(seen):
        if not secure and any(name.endswith("connect_tcp.complete") for name in seen):
            raise exc  # it was sent on: nobody can tell whose fault it is
        if kind is not TransportKind.TLS or proxy.scheme == "https":
            raise ProxyFailed(str(proxy.down(reason))) from exc
    raise exc


def _answered(seen: list[str]) -> bool:
    return any(name.endswith("receive_response_headers.complete") for name in seen)


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


def _keep_fields(response: httpx.Response) -> None:
    """Keep the head as it came, and Location from httpx, which raises on one that is no URL."""
    response.extensions["fields"] = tuple(response.headers.raw)
    response.headers.pop("location", None)
