"""What the stand-in can do beyond its contract: its defects, its legal variants, its switches."""

import json
import textwrap
from collections.abc import Iterator, Mapping

from harness.errors import UsageError, did_you_mean

KINDS = ("defects", "variants", "behaviours")
WIDTH = 100


def listing(kind: str, word: str = "") -> str:
    """A line for each of a kind that has `word` in its name or its text; UsageError if none has."""
    known = dict({"defects": _defects, "variants": _variants, "behaviours": _behaviours}[kind]())
    wanted = word.lower()
    found = {name: text for name, text in known.items() if wanted in f"{name} {text}".lower()}
    if not found:
        hint = did_you_mean(word, known, otherwise=f"there are {len(known)} without a word")
        raise UsageError(f"serve --list {kind} {word}: nothing of that; {hint}")
    return "\n".join(_lines(found))


def _lines(found: Mapping[str, str]) -> Iterator[str]:
    width = min(max(map(len, found)), 32) + 2
    for name, text in found.items():
        yield from textwrap.wrap(
            f"{name:<{width}}{text}",
            WIDTH,
            subsequent_indent=" " * width,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _defects() -> Iterator[tuple[str, str]]:
    from harness.defects.table import DEFECTS

    for name, defect in DEFECTS.items():
        yield name, defect.statement


def _variants() -> Iterator[tuple[str, str]]:
    from harness.defects.variants import VARIANTS

    for name, variant in VARIANTS.items():
        yield name, f"{variant.statement}: {variant.why}"


def _behaviours() -> Iterator[tuple[str, str]]:
    from harness.gateway.behaviour import SWITCHES

    for switch in SWITCHES:
        values = ", ".join(map(_shown, switch.choices))
        yield switch.name, f"{switch.meaning}. {values} (the first is the default)"


def _shown(value: object) -> str:
    """A value as a behaviour file has it."""
    return json.dumps(value)
