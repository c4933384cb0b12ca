"""A URL as the documentation or the dashboard shows it, taken apart: origin, account and gateway.

People paste the URL of a route where an origin is asked for, and every client library then adds its
own path once more (cloudflare-docs#22906, Aider-AI/aider#5468, one-api#598).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

GATEWAY = "https://gateway.ai.cloudflare.com"
ROUTES = ("baseten", "compat")
"""What the path of a route begins with, after account and gateway."""
PLACEHOLDER = re.compile(r"\{[^{}]*\}|<[^<>]*>|\$\{?[A-Z_]+\}?")
DASHBOARD = re.compile(r"/(?P<account>[^/]+)/ai/ai-gateway/(?:gateways/)?(?P<gateway>[^/]+)")
ELSEWHERE: Mapping[str, str] = {
    "api.cloudflare.com": "is the API that administers gateways",
    "baseten.co": "is Baseten itself, which `compare --routes direct,...` reaches by "
    "BASETEN_BASE_URL and BASETEN_MODEL_URL",
}


@dataclass(frozen=True, slots=True)
class Pasted:
    """The origin, and what the path names; `account_id` and `gateway_id` are None where it names
    none. `rest` is what stood behind them, which belongs to no setting.
    """

    origin: str
    account_id: str | None
    gateway_id: str | None
    rest: str


def take_apart(url: str) -> Pasted | None:
    """What a URL with a path says; None for a URL without one, or that is none.

    ValueError for a URL that cannot be a gateway's, with what it is instead.
    """
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        return None
    path = unquote(parts.path).strip("/")
    if not host or not path or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    _refuse(host, path)
    segments = path.split("/")
    origin = f"{parts.scheme}://{parts.netloc}"
    if segments[0] in ROUTES:
        return Pasted(origin, None, None, path)
    if segments[0] != "v1" or len(segments) < 3:
        raise ValueError(
            f"expected {GATEWAY}/v1/ACCOUNT/GATEWAY or an origin without a path; "
            "copy the API endpoint from the gateway's page in the dashboard"
        )
    return Pasted(origin, segments[1], segments[2], "/".join(segments[3:]))


def _refuse(host: str, path: str) -> None:
    placeholder = PLACEHOLDER.search(path)
    if placeholder:
        raise ValueError(
            f"{placeholder[0]} is a placeholder of the documentation: put your own value there"
        )
    page = DASHBOARD.search(f"/{path}")
    if host == "dash.cloudflare.com":
        named = f"{page['account']}/{page['gateway']}" if page else "ACCOUNT/GATEWAY"
        raise ValueError(f"this is a page of the dashboard; use {GATEWAY}/v1/{named}")
    for domain, what in ELSEWHERE.items():
        if host == domain or host.endswith(f".{domain}"):
            raise ValueError(f"this {what}; expected {GATEWAY}/v1/ACCOUNT/GATEWAY")
