"""Durations on the command line."""

import click
import pytest

from harness.cli.options import parse_duration


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("200ms", 200_000_000),
        ("0.5s", 500_000_000),
        ("20 us", 20_000),
        ("7ns", 7),
        ("2m", 120_000_000_000),
        ("0", 0),
    ],
)
def test_a_number_with_a_unit_becomes_nanoseconds(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "200", "-1ms", "1h", "1e3ms", "ms", "1ms2s", "٣ms"])
def test_anything_else_is_told_what_was_expected(text: str) -> None:
    with pytest.raises(click.BadParameter, match="200ms"):
        parse_duration(text)
