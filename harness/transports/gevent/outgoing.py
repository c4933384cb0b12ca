"""The bytes of an HTTP/1.1 request; does no I/O."""

from typing import NamedTuple
from urllib.parse import urlsplit

from harness.errors import UsageError
from harness.wire import Request

_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Where requests go: connections are kept per origin."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The value of Host; an IPv6 address in brackets, a default port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def origin_of(url: str) -> Origin:
    """The origin of an absolute http or https URL."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise UsageError(f"expected an http:// or https:// URL, got {url!r}")
    return Origin(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])


def serialize(
    request: Request,
    origin: Origin,
    *,
    through_proxy: bool = False,
    proxy_authorization: str | None = None,
) -> bytes:
    """The request as it goes on the wire, with Host and Content-Length added where missing.

    Compressed answers are not asked for unless the request does: a compressor between model and
    client may hold events back. A proxy that forwards plain http gets the absolute URL (RFC 9112,
    3.2.2).
    """
    given = {name.lower() for name, _ in request.headers.fields}
    fields = [] if "host" in given else [("host", origin.authority)]
    fields += request.headers.fields
    if "content-length" not in given:
        fields.append(("content-length", str(len(request.body))))
    if "accept-encoding" not in given:
        fields.append(("accept-encoding", "identity"))
    if proxy_authorization is not None:
        fields.append(("proxy-authorization", proxy_authorization))
    target = request.url if through_proxy else _target(request)
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{n}: {v}" for n, v in fields)]
    head = "\r\n".join(lines)
    if head.count("\n") != len(fields) or head.count("\r") != len(fields):
        raise UsageError("a header field holds a line break")
    try:
        return f"{head}\r\n\r\n".encode("latin-1") + request.body
    except UnicodeEncodeError as error:
        held = head[error.start : error.end]
        raise UsageError(f"a header field holds {held!r}, which is not Latin-1") from error


def connect_request(origin: Origin, authorization: str | None) -> bytes:
    """A CONNECT to `origin` (RFC 9110, section 9.3.6)."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    lines = [f"CONNECT {host}:{origin.port} HTTP/1.1", f"host: {host}:{origin.port}"]
    if authorization is not None:
        lines.append(f"proxy-authorization: {authorization}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _target(request: Request) -> str:
    return (request.path or "/") + (f"?{request.query}" if request.query else "")
