"""The provider's error bodies: at least three shapes for one provider.

Flat: recorded live, basetenlabs/baseten-switch upstreamerror/multimodal.go. String: the platform
edge and the truss server. Predict: the ErrorResponse of Baseten's published inference API.
"""

import json
from http import HTTPStatus
from typing import Any

from harness.wire import Chunk, Headers, Response

JSON = "application/json"

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_REASONS = {499: "Client Closed Request", 529: "Service Overloaded"}


def encode(document: Any) -> bytes:
    """Compact JSON bytes, characters outside ASCII as they are, as serde writes them."""
    return _ENCODER.encode(document).encode("utf-8", "replace")


def answer(status: int, document: Any, *extra: tuple[str, str]) -> Response:
    """A plain JSON answer at time 0; None is an empty body without a content type."""
    if document is None:
        return Response(status, Headers(extra))
    headers = Headers((("content-type", JSON), *extra))
    return Response(status, headers, (Chunk(encode(document)),))


def flat(status: int, message: str) -> Response:
    """The frontend's shape: message, type (the reason phrase) and code at the top level."""
    return answer(status, {"message": message, "type": reason(status), "code": status})


def string(status: int, message: str) -> Response:
    """The platform edge's shape."""
    return answer(status, {"error": message})


def predict(status: int, code: str, message: str) -> Response:
    """The inference API's shape; `code` is one of its `error_code` values."""
    return answer(status, {"error": message, "error_code": code, "detail": message})


def overloaded(*, on_model: bool) -> Response:
    """The refusal of a request for which there is neither a slot nor a place in the queue."""
    text = reason(529)
    return predict(529, "model_unavailable", text) if on_model else flat(529, text)


def truss(status: int, message: str) -> Response:
    """The model server's shape, with the headers that name the failing part (truss errors.py)."""
    headers = (("x-baseten-error-source", "04"), ("x-baseten-error-code", "700"))
    return answer(status, {"error": message}, *headers)


def reason(status: int) -> str:
    """The reason phrase that the frontend writes into `type`."""
    if status in _REASONS:
        return _REASONS[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
