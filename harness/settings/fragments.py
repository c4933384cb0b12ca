"""Pieces of a secret inside a text: what is left of one that was cut, or sent back in part."""

import re
from collections.abc import Iterable, Mapping

LEAST = 6
"""A shorter piece is no help to anybody, and would be found by chance."""
_WORDLIKE = 12
"""A piece of one kind of character may be a word or a number, and counts from this length on."""
_GRAM = 4
_STEP = LEAST - _GRAM + 1
_KINDS = tuple(map(re.compile, ("[a-z]", "[A-Z]", "[0-9]")))

Places = Mapping[str, tuple[tuple[str, int], ...]]


class Fragments:
    """Finds pieces of the given texts, each with the name to write for a piece of it.

    The third value is how many characters of a text stand for one of the secret: a piece has to be
    so many times as long to tell as much.
    """

    __slots__ = ("_names", "_places", "_widths")

    def __init__(self, named: Iterable[tuple[str, str, int]]) -> None:
        found = tuple(named)
        self._names = {form: name for form, name, _ in found}
        self._widths = {form: width for form, _, width in found}
        self._places: Places = _index(self._names)

    def redact(self, text: str) -> str:
        """The text with the name for every piece that is long enough to tell something."""
        pieces, done = [], 0
        for at in self._candidates(text):
            found = self._around(text, at, done) if at >= done else None
            if found is not None:
                start, end, name = found
                pieces += [text[done:start], name]
                done = end
        return "".join((*pieces, text[done:])) if pieces else text

    def _candidates(self, text: str) -> list[int]:
        """Places in the text that a piece may cover; every piece covers one of them."""
        places = self._places
        last = len(text) - _GRAM + 1
        return [at for at in range(0, last, _STEP) if text[at : at + _GRAM] in places]

    def _around(self, text: str, at: int, first: int) -> tuple[int, int, str] | None:
        """The longest piece that covers `at` and starts at `first` or later, if one tells much."""
        found = []
        for form, place in self._places[text[at : at + _GRAM]]:
            start, end = _grown(text, at, form, place, first)
            if _tells(text[start:end], self._widths[form]):
                found.append((start, end, self._names[form]))
        return max(found, key=lambda piece: piece[1] - piece[0], default=None)


def _index(forms: Iterable[str]) -> Places:
    places: dict[str, list[tuple[str, int]]] = {}
    for form in forms:
        for place in range(len(form) - _GRAM + 1):
            places.setdefault(form[place : place + _GRAM], []).append((form, place))
    return {gram: tuple(found) for gram, found in places.items()}


def _grown(text: str, at: int, form: str, place: int, first: int) -> tuple[int, int]:
    """How far text and form agree around a place where they do."""
    start, back = at, place
    while start > first and back > 0 and text[start - 1] == form[back - 1]:
        start, back = start - 1, back - 1
    end, ahead = at, place
    while end < len(text) and ahead < len(form) and text[end] == form[ahead]:
        end, ahead = end + 1, ahead + 1
    return start, end


def _tells(piece: str, width: int) -> bool:
    kinds = sum(kind.search(piece) is not None for kind in _KINDS)
    return len(piece) >= (LEAST * width if kinds > 1 or width > 1 else _WORDLIKE)
