"""Decoding request bodies: strict UTF-8 and strict JSON, whatever the bytes."""

import json
from typing import Any, Never

from harness.gateway.upstream.asked import MalformedBody

_DEEPEST = 128
"""How deep serde_json reads; deeper documents would also exhaust Python's stack further on."""


def decode(body: bytes, *, reject_duplicates: bool = False) -> Any:
    """The JSON document in `body`, or `MalformedBody`. Never raises."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as exc:
        return MalformedBody(f"invalid unicode code point at byte {exc.start}")
    pairs = _unique if reject_duplicates else None
    try:
        document = json.loads(text, parse_constant=_constant, object_pairs_hook=pairs)
    except RecursionError:
        return MalformedBody("recursion limit exceeded")
    except ValueError as exc:
        return MalformedBody(_reason(exc))
    if body.count(b"[") + body.count(b"{") > _DEEPEST and _depth(document) > _DEEPEST:
        return MalformedBody("recursion limit exceeded")
    if "\\ud" in text or "\\uD" in text:
        return (
            document if _is_encodable(document) else MalformedBody("lone surrogate in hex escape")
        )
    return document


def _reason(exc: ValueError) -> str:
    if isinstance(exc, json.JSONDecodeError):
        return f"{exc.msg} at line {exc.lineno} column {exc.colno}"
    return str(exc)[:100]


def _depth(document: Any) -> int:
    """How many containers stand inside each other, found level by level."""
    depth, level = 0, [document]
    while level := [node for node in level if isinstance(node, dict | list)]:
        depth += 1
        level = [
            child for node in level for child in (node.values() if isinstance(node, dict) else node)
        ]
    return depth


def _constant(name: str) -> Never:
    raise ValueError(f"expected value, got {name}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("duplicate field")
    return document


def _is_encodable(document: Any) -> bool:
    try:
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except (UnicodeEncodeError, RecursionError):
        return False
    return True
