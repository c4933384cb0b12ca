"""The request body and the POST that carries it, shared by all routes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import UsageError
from harness.routes.address import Credentials, Fields, GatewayOptions, combine
from harness.wire import Headers, Request

Body = Mapping[str, Any] | bytes
"""A JSON object to encode, or the exact bytes to send."""

USER_AGENT = "gateway-harness"

_FIELDS: Fields = (
    ("Accept", "*/*"),
    ("Content-Type", "application/json"),
    ("User-Agent", USER_AGENT),
)
"""`Accept` names no type: Baseten's model server gathers a stream when asked for JSON alone."""


def chat_body(
    messages: Sequence[Mapping[str, Any]] | str,
    *,
    model: str,
    stream: bool = False,
    **parameters: Any,
) -> dict[str, Any]:
    """A chat-completions body; a string becomes one user message, None parameters are left out."""
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    body: dict[str, Any] = {"model": model, "messages": [dict(message) for message in messages]}
    if stream:
        body["stream"] = True
    return body | {name: value for name, value in parameters.items() if value is not None}


def encode(body: Any) -> bytes:
    """The body as compact JSON in UTF-8; bytes stay as they are.

    Escapes are used only for text that UTF-8 cannot carry (lone surrogates).
    """
    if isinstance(body, bytes):
        return body
    try:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as exc:
        raise UsageError(
            f"request body: expected a JSON value, got one that is not: {exc}"
        ) from exc
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def asks_stream(body: bytes) -> bool:
    """Whether a request body asks for a stream: a JSON object with `"stream": true`."""
    if b'"stream"' not in body:
        return False
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("stream") is True


def post(url: str, body: Any, *, credentials: Credentials, options: GatewayOptions) -> Request:
    """One POST of `body` to `url`; a later source of a field wins over an earlier one."""
    fields = combine(_FIELDS, credentials.fields(), options.fields(), options.extra)
    return Request("POST", url, Headers(fields), encode(body))
