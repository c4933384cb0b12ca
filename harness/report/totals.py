"""What a route did in numbers, as tables tell it; where there is no number, why."""

from collections.abc import Callable, Mapping
from typing import Any

from harness.report import figures


def _per_second(value: float) -> str:
    return f"{figures.digits(value)}/s"


TOLD: Mapping[str, tuple[Callable[[float], str], str]] = {
    "goodput": (_per_second, "too short"),
    "throughput": (_per_second, "too short"),
    "rate": (_per_second, "too short"),
    "output_tokens_per_second": (figures.digits, "no usage"),
    "tokens_per_chunk": (figures.digits, "no usage"),
    "goodput_share": (figures.share, "none due"),
    "error_rate": (figures.share, "none sent"),
    "coalesced_share": (figures.share, "no output"),
    "burst_share": (figures.share, "not recorded"),
    "cache_hit_share": (figures.share, "not stated"),
    "violation_rate": (figures.share, "not checked"),
}
"""How each number is written, and what stands in the place of one that does not exist."""


def told(route: Mapping[str, Any], name: str) -> str:
    """One number of a route in `summary.json`."""
    show, missing = TOLD[name]
    return missing if route[name] is None else show(route[name])


def failed(route: Mapping[str, Any]) -> str:
    """How many requests failed, and their share."""
    return f"{figures.count(route['errors'])} ({told(route, 'error_rate')})"
