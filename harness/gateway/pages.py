"""The answers that the server gives itself; each carries `x-gateway-harness: server`.

They never went through the model: refusals of what was no request, and what is under /__harness/.
"""

import json
from collections.abc import Mapping
from urllib.parse import parse_qs

from harness.gateway.ledger import RequestLog
from harness.wire import Chunk, Headers, Request, Response

PREFIX = "/__harness/"
MARK = ("x-gateway-harness", "server")
_READING = ("GET", "HEAD")


def refusal(status: int, reason: str) -> Response:
    """Says why the connection's bytes were no request; the connection ends with it."""
    text = f"gateway-harness: {reason}\n".encode()
    return _page(status, "text/plain; charset=utf-8", text, {"connection": "close"})


def is_own(request: Request) -> bool:
    """Whether a request is for the server itself."""
    return request.path.startswith(PREFIX) or request.url == "*"


def page(request: Request, ledger: RequestLog) -> Response:
    """Answers `health`, `log` (with `?after=SEQ` only later requests) and `OPTIONS *`."""
    if request.url == "*":
        return _page(204, "", b"", {"allow": "GET, HEAD, OPTIONS, POST"})
    name = request.path.removeprefix(PREFIX)
    if name not in ("health", "log"):
        return _page(404, "text/plain; charset=utf-8", b"there are /__harness/health and /log\n")
    if request.method not in _READING:
        allow = {"allow": ", ".join(_READING)}
        return _page(405, "text/plain; charset=utf-8", b"read only\n", allow)
    return _health(ledger) if name == "health" else _log(request, ledger)


def _health(ledger: RequestLog) -> Response:
    facts = {"status": "ok", "requests": ledger.requests, "refused": ledger.refused}
    return _page(200, "application/json", json.dumps(facts).encode() + b"\n")


def _log(request: Request, ledger: RequestLog) -> Response:
    after = parse_qs(request.query).get("after", [""])[-1]
    first = int(after) + 1 if after.isdecimal() else 0
    return _page(200, "application/x-ndjson", ledger.lines(first))


def _page(
    status: int, media_type: str, body: bytes, more: Mapping[str, str] | None = None
) -> Response:
    fields = [("content-type", media_type)] if media_type else []
    headers = Headers([*fields, MARK, ("cache-control", "no-store"), *(more or {}).items()])
    return Response(status, headers, (Chunk(body),) if body else ())
