"""What an error answer says: one `Failure` out of every error shape on the way to Baseten.

Shapes and codes: developers.cloudflare.com/ai-gateway/ (limits, guardrails, DLP, policies),
cloudflare/ai#436, anomalyco/opencode#44827, basetenlabs/baseten-switch (upstreamerror),
basetenlabs/baseten-go (inference.json), basetenlabs/truss (truss_server.py).
"""

import json
import re
from enum import StrEnum
from html import unescape
from typing import Any, NamedTuple

from harness.errors import Failure, Layer
from harness.routes.document import NotJson, cut, decode_body, decode_text
from harness.routes.retry import is_retryable
from harness.sse import Decoder, Event
from harness.wire import Headers


class Shape(StrEnum):
    """The form of an error on the wire."""

    ENVELOPE = "envelope"
    """The gateway's: `{"success":false,"error":[{"code","message"}],...}`, or with `errors`."""
    POLICY = "policy"
    """The gateway's: `{"success":false,"error":{"message",...}}`, without a code."""
    OPENAI = "openai"
    """`{"error":{"message","type","param","code"}}`."""
    ANTHROPIC = "anthropic"
    """`{"type":"error","error":{"type","message"}}`."""
    FLAT = "flat"
    """Baseten's Model APIs: `{"message","type","code"}`."""
    PREDICT = "predict"
    """Baseten's dedicated models: `{"error","error_code","detail"}`."""
    STRING = "string"
    """`{"error":"..."}`: Baseten's platform edge and model server."""
    DETAIL = "detail"
    """`{"detail":...}`: FastAPI's own, which model servers in Python let through."""
    JSON = "json"
    """Any other JSON."""
    TEXT = "text"
    HTML = "html"
    EMPTY = "empty"


class Parts(NamedTuple):
    """What a body says by itself, before headers and status are looked at."""

    shape: Shape
    message: str
    code: str | None = None
    type: str | None = None


def parse_failure(status: int, headers: Headers, body: bytes) -> Failure:
    """What an answer with an error status says; any bytes whatever are an answer."""
    return _failure(_read(body, headers), status, headers)


def failure_of(document: Any, status: int, headers: Headers, *, message: str = "") -> Failure:
    """What an error inside a success answer says.

    `document` is its JSON, or None when it only had the text `message`. A status inside the error
    replaces `status`, which said success.
    """
    parts = _parts(document) if document is not None else Parts(Shape.TEXT, message)
    return _failure(parts, _inner_status(document) or status, headers)


def is_error(document: Any) -> bool:
    """Whether a document inside a success answer is an error and no part of a completion."""
    if not isinstance(document, dict):
        return False
    if document.get("error") or (document.get("success") is False and document.get("errors")):
        return True
    return (
        isinstance(document.get("message"), str)
        and ("code" in document or "type" in document)
        and "choices" not in document
    )


def _failure(parts: Parts, status: int, headers: Headers) -> Failure:
    layer = _layer(parts, status, headers)
    return Failure(
        layer=layer,
        shape=str(parts.shape),
        status=status,
        code=parts.code if parts.code is not None else parts.type,
        message=cut(parts.message),
        retryable=is_retryable(status, (parts.code, parts.type), parts.message, headers),
    )


def _read(body: bytes, headers: Headers) -> Parts:
    if not body.strip():
        return Parts(Shape.EMPTY, "")
    document, text, _ = decode_body(body)
    if not isinstance(document, NotJson):
        return _parts(document)
    if _is_html(text, headers):
        return Parts(Shape.HTML, _title(text), _edge_code(text))
    return _event(body) or Parts(Shape.TEXT, text.strip(), _edge_code(text))


def _event(body: bytes) -> Parts | None:
    """The first event with a document, of an error that came as an event stream."""
    if not body.lstrip().startswith((b"data", b"event:")):
        return None
    for item in Decoder().feed(body + b"\n\n"):
        document = decode_text(item.data) if isinstance(item, Event) and item.data else None
        if isinstance(document, dict):
            return _parts(document)
    return None


def _parts(document: Any) -> Parts:
    if not isinstance(document, dict):
        return Parts(Shape.JSON, _text(document))
    error = document.get("error")
    items = error if isinstance(error, list) else document.get("errors")
    if isinstance(items, list) and ("success" in document or "name" in document or items):
        return _envelope(document, items)
    if isinstance(error, dict):
        return _nested(document, error)
    if isinstance(error, str):
        code = _scalar(document.get("error_code"))
        shape = Shape.PREDICT if "error_code" in document else Shape.STRING
        return Parts(shape, error or _text(document.get("detail")), code)
    return _flat(document)


def _envelope(document: dict[str, Any], items: list[Any]) -> Parts:
    first = items[0] if items and isinstance(items[0], dict) else {}
    code = _scalar(document.get("internalCode")) or _scalar(first.get("code"))
    message = first.get("message") or document.get("message") or document.get("description")
    if message is None and items:
        message = items[0]
    return Parts(Shape.ENVELOPE, _text(message), code, _scalar(document.get("name")))


def _nested(document: dict[str, Any], error: dict[str, Any]) -> Parts:
    message = _text(error.get("message") or error.get("detail") or (error or None))
    code, kind = _scalar(error.get("code")), _scalar(error.get("type"))
    if document.get("success") is False:
        return Parts(Shape.POLICY, message, code, kind)
    if document.get("type") == "error":
        return Parts(Shape.ANTHROPIC, message, code, kind)
    return Parts(Shape.OPENAI, message, code, kind)


def _flat(document: dict[str, Any]) -> Parts:
    code, kind = _scalar(document.get("code")), _scalar(document.get("type"))
    if isinstance(document.get("message"), str):
        return Parts(Shape.FLAT, document["message"], code, kind)
    if "error_code" in document:
        return Parts(
            Shape.PREDICT, _text(document.get("detail")), _scalar(document.get("error_code"))
        )
    if "detail" in document:
        return Parts(Shape.DETAIL, _text(document["detail"]), code, kind)
    return Parts(Shape.JSON, _text(document), code, kind)


_GATEWAY_SHAPES = (Shape.ENVELOPE, Shape.POLICY)
_PROVIDER_CODES = ("2005",)
"""The gateway's code for a provider that failed or could not be reached."""
_EDGE_STATUSES = range(520, 528)
"""Cloudflare's own statuses: developers.cloudflare.com/support/troubleshooting/."""


def _layer(parts: Parts, status: int, headers: Headers) -> Layer:
    """Who made the error: the shape decides, then header fields, then the status."""
    if status == 499:
        return Layer.CLIENT
    if parts.shape in _GATEWAY_SHAPES:
        return Layer.PROVIDER if parts.code in _PROVIDER_CODES else Layer.GATEWAY
    if parts.type == "gateway_error":
        return Layer.GATEWAY
    if "x-baseten-error-source" in headers or parts.code == "application_error":
        return Layer.MODEL
    if parts.shape not in (Shape.TEXT, Shape.HTML, Shape.EMPTY):
        return Layer.PROVIDER
    relayed = any(name.lower().startswith(("cf-aig-", "x-baseten-")) for name, _ in headers)
    if status in _EDGE_STATUSES and not relayed:
        return Layer.EDGE
    return Layer.PROVIDER if relayed else Layer.EDGE


def _inner_status(document: Any) -> int | None:
    """An HTTP status that an error object carries as its code."""
    if not isinstance(document, dict):
        return None
    error = document.get("error")
    inner = error.get("code") if isinstance(error, dict) else None
    places = (document.get("httpCode"), inner, document.get("code"))
    return next((code for code in places if type(code) is int and 400 <= code < 600), None)


def _is_html(text: str, headers: Headers) -> bool:
    start = text.lstrip()[:200].lower()
    declared = "html" in (headers.get("content-type") or "").lower()
    return start.startswith(("<!doctype html", "<html", "<head")) or (
        declared and start.startswith("<")
    )


def _title(text: str) -> str:
    found = _TITLE.search(text[:10_000])
    return unescape(" ".join((found.group(1) if found else text[:200]).split()))


def _edge_code(text: str) -> str | None:
    """Cloudflare's error number, as in `error code: 1010`."""
    found = _EDGE_CODE.search(text[:10_000])
    return found.group(1) if found else None


def _scalar(value: Any) -> str | None:
    if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
        return cut(str(value), 100) if isinstance(value, str) or abs(value) < 10**18 else None
    return None


def _text(value: Any) -> str:
    """A message out of whatever stands in its place."""
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError):
        return f"({type(value).__name__} that is nested or numbered too deeply to show)"


_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_EDGE_CODE = re.compile(r"error(?:\s+code)?:?\s+(1\d{3}|5[23]\d)\b", re.IGNORECASE)
