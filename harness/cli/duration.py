"""Durations on the command line: `200ms`, `1.5s`, `2m`."""

import re

import click

_UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ns|us|ms|s|m)")


def parse_duration(text: str) -> int:
    """Whole nanoseconds; a number needs its unit, except 0. For an option's `type`."""
    found = _DURATION.fullmatch(text.strip())
    if found:
        return round(float(found[1]) * _UNITS[found[2]])
    if text.strip() == "0":
        return 0
    raise click.BadParameter(f"{text!r}: expected a duration such as 200ms, 1.5s or 2m")
