"""Requests whose answer is known beforehand, without a model that echoes.

A strict JSON schema with one allowed value leaves a model no choice: what comes back otherwise was
changed on the way there or back.
"""

from collections.abc import Mapping
from typing import Any

from harness.contract.requests.text import SCRIPTS

TEXT = "  ".join(("", *SCRIPTS[:9], "<b>&amp; 100%</b>", "end"))
"""Two spaces at its beginning and between its parts, so that white space is seen as well."""
NUMBER = 9_007_199_254_740_993
"""2**53 + 1: a gateway that reads JSON as JavaScript does sends another number on."""


def only(**values: Any) -> dict[str, Any]:
    """The `response_format` that allows one object only, with these values."""
    schema = {
        "type": "object",
        "properties": {name: _one(value) for name, value in values.items()},
        "required": list(values),
        "additionalProperties": False,
    }
    return {
        "type": "json_schema",
        "json_schema": {"name": "given", "strict": True, "schema": schema},
    }


def _one(value: Any) -> dict[str, Any]:
    return {"type": "string" if isinstance(value, str) else "integer", "enum": [value]}


def given(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a body's `response_format` leaves no choice about; empty without one."""
    wanted: Any = asked
    for name in ("response_format", "json_schema", "schema", "properties"):
        wanted = wanted.get(name) if isinstance(wanted, Mapping) else None
    listed = wanted if isinstance(wanted, Mapping) else {}
    enums = {n: p.get("enum") for n, p in listed.items() if isinstance(p, Mapping)}
    return {n: e[0] for n, e in enums.items() if isinstance(e, list) and len(e) == 1}
