"""Drawing one candidate value from a JSON Schema (2020-12 vocabulary); the caller validates it."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from harness.gateway.rng import Rng
from harness.gateway.upstream.numbers import bounded, draw_integer, draw_number
from harness.gateway.upstream.pattern import draw_pattern

_DEPTH = 8
_DEEPEST = 40
_NODES = 2000
_LONGEST = 200
_CHARACTERS = 100_000
"""What all strings of a value have together; more is asked for by nobody who means it."""
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


def draw(schema: Any, rng: Rng, *, sparse: bool = False) -> Any:
    """A candidate for `schema`; `sparse` leaves out what is optional."""
    return _Drawing(schema, rng, sparse=sparse).value(schema, 0)


class _Drawing:
    """One candidate in the making; values and characters are bounded, so no schema can explode.

    What is bounded does not fit its schema, and the caller, who validates it, refuses the request.
    """

    def __init__(self, root: Any, rng: Rng, *, sparse: bool) -> None:
        self._root = root
        self._dice = rng
        self._sparse = sparse
        self._left = _NODES
        self._room = _CHARACTERS

    def value(self, schema: Any, depth: int) -> Any:
        self._left -= 1
        if not isinstance(schema, Mapping) or self._left < 0 or depth > _DEEPEST:
            return "anything"
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return self._dice.pick(schema["enum"])
        kind = _kind(schema, self._dice)
        if kind == "object":
            return self._object(schema, depth)
        return self._array(schema, depth) if kind == "array" else self._scalar(kind, schema)

    def _resolved(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The schema with its references, allOf and a branch of anyOf and oneOf merged in."""
        merged = dict(schema)
        for _ in range(_DEPTH):
            parts = [self._target(merged.pop("$ref"))] if "$ref" in merged else []
            parts += _list(merged.pop("allOf", None))
            for name in ("anyOf", "oneOf"):
                branches = _list(merged.pop(name, None))
                parts += [self._dice.pick(branches)] if branches else []
            if not parts:
                break
            for part in parts[:_LONGEST]:
                merged = _merged(merged, part)
        return merged

    def _target(self, reference: Any) -> Any:
        """What a local reference names; an empty schema when it names nothing."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return {}
        node = self._root
        for part in reference[1:].split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            node = node.get(key) if isinstance(node, Mapping) else None
        return node if node is not None else {}

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        listed = _list(schema.get("required"))[:_NODES]
        required = [name for name in listed if isinstance(name, str)]
        sparse = self._sparse or depth >= _DEPTH
        optional = () if sparse else islice(properties, _NODES)
        names = dict.fromkeys((*optional, *required))
        extra = schema.get("additionalProperties", {})
        taken = islice(names, max(self._left, 0))
        made = {name: self.value(properties.get(name, extra), depth + 1) for name in taken}
        for number in range(len(made), min(_count(schema, "minProperties", 0), _LONGEST)):
            made[f"key{number}"] = self.value(extra, depth + 1)
        return made

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        least, most = _count(schema, "minItems", 0), _count(schema, "maxItems", _LONGEST)
        sparse = self._sparse or depth >= _DEPTH
        prefix, items = _list(schema.get("prefixItems")), schema.get("items", {})
        count = min(max(least if sparse else max(least, 2), len(prefix)), most, _LONGEST)
        schemas = [prefix[n] if n < len(prefix) else items for n in range(count)]
        made = [self.value(item, depth + 1) for item in schemas]
        return _distinct(made) if schema.get("uniqueItems") is True else made

    def _scalar(self, kind: str, schema: Mapping[str, Any]) -> Any:
        if kind == "integer":
            return draw_integer(schema, self._dice)
        if kind == "number":
            return draw_number(schema, self._dice)
        if kind == "boolean":
            return self._dice.below(2) == 1
        return None if kind == "null" else self._string(schema)

    def _string(self, schema: Mapping[str, Any]) -> str:
        text = _string(schema, self._dice, most=self._room)
        self._room -= len(text)
        return text


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _merged(one: dict[str, Any], other: Any) -> dict[str, Any]:
    if not isinstance(other, Mapping):
        return one
    merged = {**one, **other}
    if isinstance(one.get("properties"), Mapping) and isinstance(other.get("properties"), Mapping):
        merged["properties"] = {**one["properties"], **other["properties"]}
    required = [*_list(one.get("required")), *_list(other.get("required"))]
    if required:
        merged["required"] = required
    return merged


def _kind(schema: Mapping[str, Any], rng: Rng) -> str:
    kind = schema.get("type")
    if isinstance(kind, list) and kind:
        kind = rng.pick(kind)
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    numeric = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
    return "number" if any(name in schema for name in numeric) else "string"


def _distinct(items: list[Any]) -> list[Any]:
    """The items without repetitions: numbers moved on, strings lengthened, others left out."""
    scalars: set[Any] = set()
    seen: list[Any] = []
    for item in items:
        distinct = item
        if isinstance(item, int | float | str):
            while distinct in scalars:
                distinct = distinct + "x" if isinstance(distinct, str) else distinct + 1
            scalars.add(distinct)
            seen.append(distinct)
        elif item not in seen:
            seen.append(item)
    return seen


def _count(schema: Mapping[str, Any], name: str, default: int) -> int:
    value = bounded(schema, name)
    return min(int(value), 1_000_000) if value is not None and value >= 0 else default


def _string(schema: Mapping[str, Any], rng: Rng, *, most: int) -> str:
    if isinstance(schema.get("pattern"), str):
        return draw_pattern(schema["pattern"], rng)
    form = schema.get("format")
    if isinstance(form, str) and form in _FORMATS:
        return _FORMATS[form]
    least, longest = _count(schema, "minLength", 0), _count(schema, "maxLength", _LONGEST)
    text = rng.pick(_WORDS)
    return (text + "é" * max(0, min(least, most) - len(text)))[: max(longest, least)]
