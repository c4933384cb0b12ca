"""A JSON value that satisfies a JSON Schema: draw, check with a validator, draw again."""

import json
from typing import Any, Never

import jsonschema_rs

from harness.gateway.rng import Rng
from harness.gateway.upstream.draw import draw

_TRIES = 20


def _refuse(uri: str) -> Never:
    raise ValueError(f"remote schema {uri} is not fetched")


def schema_problem(schema: Any) -> str | None:
    """Why `schema` is no usable JSON Schema, or None; remote references are never fetched."""
    try:
        jsonschema_rs.validator_for(schema, retriever=_refuse)
    except (ValueError, TypeError, RecursionError) as exc:
        return str(exc).partition("\n")[0][:200]
    return None


def generate(schema: Any, rng: Rng) -> Any:
    """A value for `schema`; when no draw satisfies it, the last one drawn.

    True stands for any object, as response_format json_object asks.
    """
    if schema is True or not isinstance(schema, dict):
        return {"summary": "Voilà 東京 😀", "items": rng.between(1, 9), "done": True}
    try:
        validator = jsonschema_rs.validator_for(schema, retriever=_refuse)
    except (ValueError, TypeError, RecursionError):
        return {}
    value: Any = {}
    for attempt in range(_TRIES):
        value = draw(schema, rng.fork(attempt), sparse=attempt % 2 == 1)
        if validator.is_valid(value):
            break
    return value


def can_satisfy(schema: Any, rng: Rng) -> bool:
    """Whether `generate` finds a value for `schema` with these draws."""
    if schema is True or not isinstance(schema, dict):
        return True
    value = generate(schema, rng)
    return jsonschema_rs.validator_for(schema, retriever=_refuse).is_valid(value)


def generate_text(schema: Any, rng: Rng) -> str:
    """`generate` as compact JSON text, characters outside ASCII as they are."""
    return json.dumps(generate(schema, rng), ensure_ascii=False, separators=(", ", ": "))
