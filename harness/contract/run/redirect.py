"""Where a redirected request goes next: the same request, at the same origin, or nowhere.

307 and 308 keep method and body (RFC 9110, sections 15.4.8 and 15.4.9), so every SDK follows them.
Credentials never go to another origin, and a redirect that turns a POST into a GET is no answer.
"""

import re
from dataclasses import replace
from urllib.parse import SplitResult, urldefrag, urljoin, urlsplit

from harness.transports.exchange import Exchange
from harness.wire import Request

HOPS = 5
"""So many redirects of one request are followed; openai-python follows 20."""
_KEEP_THE_METHOD = (307, 308)
_REFERENCE = re.compile(r"[!-~]{1,4000}")
_PORTS = {"http": 80, "https": 443}


def next_hop(exchange: Exchange) -> Request | None:
    """The request that follows a redirect within its origin; None when nothing is to follow."""
    response, request = exchange.response, exchange.request
    if response is None or response.status not in _KEEP_THE_METHOD or exchange.error is not None:
        return None
    target = _target(request.url, response.headers.get("location") or "")
    return None if target is None else replace(request, url=target)


def _target(url: str, reference: str) -> str | None:
    """The absolute URL of a Location field, if it is one of the same origin."""
    if not _REFERENCE.fullmatch(reference):
        return None
    try:
        target = urldefrag(urljoin(url, reference)).url
        before, after = urlsplit(url), urlsplit(target)
        same = _origin(before) == _origin(after) and after.username is None
    except ValueError:
        return None
    return target if same else None


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
