"""Drawing one candidate value from a JSON Schema (2020-12 vocabulary); the caller validates it."""

import math
from collections.abc import Mapping
from typing import Any

from harness.gateway.dice import Dice
from harness.gateway.upstream.pattern import draw_pattern

_DEPTH = 8
_LONGEST = 200
_HUGE = 1e15
_FORMATS = {
    "date-time": "2026-11-01T12:30:00Z",
    "date": "2026-11-01",
    "time": "12:30:00Z",
    "duration": "PT1H",
    "email": "user@example.com",
    "idn-email": "user@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/a",
    "uri-reference": "/a/b",
    "uuid": "0198c0de-0000-7000-8000-000000000001",
    "regex": "^a+$",
    "json-pointer": "/a/0",
}
_WORDS = ("Zürich", "東京", "owl 🦉", "plain", "Δelta", "north")


def draw(schema: Any, root: Any, dice: Dice, *, depth: int = 0, sparse: bool = False) -> Any:
    """A candidate for `schema`; `root` resolves local references, `sparse` leaves options out."""
    if not isinstance(schema, Mapping):
        return "anything"
    schema = _resolved(schema, root, dice)
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return dice.pick(schema["enum"])
    kind = _kind(schema, dice)
    if kind == "object":
        return _object(schema, root, dice, depth, sparse or depth >= _DEPTH)
    if kind == "array":
        return _array(schema, root, dice, depth, sparse or depth >= _DEPTH)
    return _scalar(kind, schema, dice)


def _resolved(schema: Mapping[str, Any], root: Any, dice: Dice) -> dict[str, Any]:
    """The schema with its references, allOf and one branch of anyOf and oneOf merged in."""
    merged = dict(schema)
    for _ in range(_DEPTH):
        parts: list[Any] = []
        if "$ref" in merged:
            parts.append(_target(merged.pop("$ref"), root))
        parts += _list(merged.pop("allOf", None))
        for name in ("anyOf", "oneOf"):
            branches = _list(merged.pop(name, None))
            parts += [dice.pick(branches)] if branches else []
        if not parts:
            break
        for part in parts:
            merged = _merge(merged, part)
    return merged


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _merge(one: dict[str, Any], other: Any) -> dict[str, Any]:
    if not isinstance(other, Mapping):
        return one
    merged = {**one, **other}
    if isinstance(one.get("properties"), Mapping) and isinstance(other.get("properties"), Mapping):
        merged["properties"] = {**one["properties"], **other["properties"]}
    required = [*_list(one.get("required")), *_list(other.get("required"))]
    if required:
        merged["required"] = required
    return merged


def _target(reference: Any, root: Any) -> Any:
    """What a local reference names; an empty schema when it names nothing."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return {}
    node = root
    for part in reference[1:].split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        node = node.get(key) if isinstance(node, Mapping) else None
    return node if node is not None else {}


def _kind(schema: Mapping[str, Any], dice: Dice) -> str:
    kind = schema.get("type")
    if isinstance(kind, list) and kind:
        kind = dice.pick(kind)
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    numeric = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
    return "number" if any(name in schema for name in numeric) else "string"


def _scalar(kind: str, schema: Mapping[str, Any], dice: Dice) -> Any:
    if kind == "integer":
        return _integer(schema, dice)
    if kind == "number":
        return _number(schema, dice)
    if kind == "boolean":
        return dice.below(2) == 1
    return None if kind == "null" else _string(schema, dice)


def _object(
    schema: Mapping[str, Any], root: Any, dice: Dice, depth: int, sparse: bool
) -> dict[str, Any]:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    required = [name for name in _list(schema.get("required")) if isinstance(name, str)]
    names = list(dict.fromkeys(required if sparse else [*properties, *required]))
    extra = schema.get("additionalProperties", {})
    if depth > 3 * _DEPTH:
        return {}
    value = {
        name: draw(properties.get(name, extra), root, dice, depth=depth + 1, sparse=sparse)
        for name in names
    }
    for number in range(len(value), min(_count(schema, "minProperties", 0), _LONGEST)):
        value[f"key{number}"] = draw(extra, root, dice, depth=depth + 1, sparse=sparse)
    return value


def _array(schema: Mapping[str, Any], root: Any, dice: Dice, depth: int, sparse: bool) -> list[Any]:
    least = _count(schema, "minItems", 0)
    most = _count(schema, "maxItems", _LONGEST)
    count = min(least if sparse else max(least, 2), most, _LONGEST)
    prefix, items = _list(schema.get("prefixItems")), schema.get("items", {})
    if depth > 3 * _DEPTH:
        return []
    schemas = [prefix[n] if n < len(prefix) else items for n in range(max(count, len(prefix)))]
    drawn = [draw(item, root, dice, depth=depth + 1, sparse=sparse) for item in schemas[:most]]
    return _distinct(drawn) if schema.get("uniqueItems") is True else drawn


def _distinct(items: list[Any]) -> list[Any]:
    """The items with repetitions replaced: numbers moved on, strings lengthened."""
    seen: list[Any] = []
    for item in items:
        while item in seen and isinstance(item, int | float | str):
            item = item + 1 if isinstance(item, int | float) else item + "x"
        if item not in seen:
            seen.append(item)
    return seen


def _count(schema: Mapping[str, Any], name: str, default: int) -> int:
    value = schema.get(name)
    return int(value) if isinstance(value, int | float) and 0 <= value < 1e6 else default


def _string(schema: Mapping[str, Any], dice: Dice) -> str:
    if isinstance(schema.get("pattern"), str):
        return draw_pattern(schema["pattern"], dice)
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    least, most = _count(schema, "minLength", 0), _count(schema, "maxLength", _LONGEST)
    text = dice.pick(_WORDS)
    return (text if len(text) >= least else text + "é" * (least - len(text)))[:most]


def _bound(schema: Mapping[str, Any], name: str) -> float | None:
    value = schema.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < _HUGE else None


def _integer(schema: Mapping[str, Any], dice: Dice) -> int:
    low, high = _bound(schema, "minimum"), _bound(schema, "maximum")
    above, below = _bound(schema, "exclusiveMinimum"), _bound(schema, "exclusiveMaximum")
    lows = [math.ceil(low)] if low is not None else []
    lows += [math.floor(above) + 1] if above is not None else []
    highs = [math.floor(high)] if high is not None else []
    highs += [math.ceil(below) - 1] if below is not None else []
    least = max(lows) if lows else min(0, *highs) if highs else 0
    most = max(min(highs) if highs else least + 100, least)
    step = _bound(schema, "multipleOf")
    if step and step >= 1:
        first = -(-least // int(step)) * int(step)
        return first + int(step) * dice.below(max(1, (most - first) // int(step) + 1))
    return dice.between(least, most)


def _number(schema: Mapping[str, Any], dice: Dice) -> float:
    if _bound(schema, "multipleOf") is not None:
        return _integer(schema, dice)
    low = _bound(schema, "minimum")
    low = _bound(schema, "exclusiveMinimum") if low is None else low
    high = _bound(schema, "maximum")
    high = _bound(schema, "exclusiveMaximum") if high is None else high
    least = low if low is not None else (high - 10 if high is not None else 0.0)
    most = high if high is not None else least + 10
    return round(least + (most - least) * (0.25 + dice.unit() / 2), 6)
