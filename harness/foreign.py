"""Text from outside, made harmless for the place where it is shown: seen, and never obeyed.

A target, a file or a variable may say anything: escape sequences that clear a terminal or change
its title, commands of a CI system (`::set-output`), headings, images and links in Markdown, tags in
HTML, formulas in a table. Every command and every report writes such text through `harmless`.
"""

import html
import json
import re
import unicodedata
from enum import StrEnum


class Place(StrEnum):
    """Where a text is shown, which decides what would be obeyed there."""

    TERMINAL = "terminal"
    """Also the log of a CI system."""
    MARKDOWN = "markdown"
    HTML = "html"
    CSV = "csv"


_COMMAND = re.compile(r":(?=:[A-Za-z][\w-]*(?:\s[^\n]*?)?::)|#(?=#\[|#vso\[)")
"""The start of a command: `::name key=value::` and `##[name]` of GitHub Actions, or Azure's."""
_UNUSUAL = re.compile(r"[^\n\t -~]")
_MARKUP = re.compile(r"([\\`*_\[\]<>|#~!&@])|(?<=:)(//)|(?<=www)(\.)", re.IGNORECASE)
"""What is markup in GitHub's Markdown, and what makes a link of a bare address."""
_FORMULA = ("=", "+", "-", "@")
_CUT = "\N{HORIZONTAL ELLIPSIS}"


def harmless(text: str, place: Place, *, most: int | None = None, lines: bool = False) -> str:
    """The text with what would be obeyed at `place` shown in place of it, as `\\u001b` shows ESC.

    One line of at most `most` characters; with `lines` line feeds and tabs stay.
    Also half characters and marks that turn the direction of a line are shown by their number.
    """
    shown = visible(text) if lines else visible(" ".join(text.split()))
    if most is not None and len(shown) > most:
        shown = shown[: most - 1] + _CUT
    if place is Place.MARKDOWN:
        return _MARKUP.sub(r"\\\g<0>", shown)
    if place is Place.HTML:
        return html.escape(shown)
    if place is Place.CSV:
        return f"'{shown}" if shown.startswith(_FORMULA) else shown
    return _COMMAND.sub(_numbered, shown)


def harmless_json(document: str) -> str:
    """A JSON text as another of the same value, which no terminal and no CI system obeys."""
    shown = _UNUSUAL.sub(
        lambda found: found[0] if _is_seen(found[0]) else json.dumps(found[0])[1:-1], document
    )
    return _COMMAND.sub(_numbered, shown)


def visible(text: str) -> str:
    """The text with the number of each character that cannot be seen; line feed and tab stay."""
    if text.isprintable():
        return text
    return _UNUSUAL.sub(lambda found: found[0] if _is_seen(found[0]) else _numbered(found), text)


def _is_seen(character: str) -> bool:
    """Whether it is seen as what it is: also line feed, tab, and spaces of any width."""
    if character.isprintable() or character in "\n\t":
        return True
    return unicodedata.category(character) == "Zs"


def _numbered(found: re.Match[str]) -> str:
    return _number(ord(found[0]))


def _number(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
