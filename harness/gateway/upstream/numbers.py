"""Numbers that JSON Schema keywords allow."""

import math
from collections.abc import Mapping
from typing import Any

from harness.gateway.rng import Rng

_HUGE = 1e15


def bounded(schema: Mapping[str, Any], name: str) -> int | float | None:
    """A keyword's number; None when it is absent, no number, or beyond exact floats."""
    value = schema.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < _HUGE else None


def draw_integer(schema: Mapping[str, Any], rng: Rng) -> int:
    """An integer within minimum, maximum, their exclusive forms and multipleOf."""
    least, most = _span(schema)
    step = bounded(schema, "multipleOf")
    if not step or step < 1:
        return rng.between(least, most)
    width = int(step)
    first = -(-least // width) * width
    return first + width * rng.below(max(1, (most - first) // width + 1))


def _span(schema: Mapping[str, Any]) -> tuple[int, int]:
    low, high = bounded(schema, "minimum"), bounded(schema, "maximum")
    above, below = bounded(schema, "exclusiveMinimum"), bounded(schema, "exclusiveMaximum")
    lows = [math.ceil(low)] if low is not None else []
    lows += [math.floor(above) + 1] if above is not None else []
    highs = [math.floor(high)] if high is not None else []
    highs += [math.ceil(below) - 1] if below is not None else []
    least = max(lows) if lows else min([0, *highs])
    return least, max(least, min(highs) if highs else least + 100)


def draw_number(schema: Mapping[str, Any], rng: Rng) -> int | float:
    """A number from the middle half of what the bounds allow."""
    step = bounded(schema, "multipleOf")
    if step is not None:
        return draw_integer(schema, rng)
    low = _first(schema, "minimum", "exclusiveMinimum")
    high = _first(schema, "maximum", "exclusiveMaximum")
    least = low if low is not None else (high - 10 if high is not None else 0.0)
    most = high if high is not None else least + 10
    return round(least + (most - least) * (0.25 + rng.unit() / 2), 9)


def _first(schema: Mapping[str, Any], *names: str) -> int | float | None:
    found = (bounded(schema, name) for name in names)
    return next((value for value in found if value is not None), None)
