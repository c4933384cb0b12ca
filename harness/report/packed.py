"""Whole numbers in as few bytes as hold all of them: a run has millions in each of its columns.

A moment counts from when its request was sent, so that five bytes hold eighteen minutes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.report.arrays import NULL, Codes, Floats, Ints, Mask, constant

MOST = tuple(2**bits - 2 for bits in (8, 16, 32, 40))
"""The largest number that one, two, four and five bytes hold; the next one stands for none."""
FIVE, EIGHT = 3, 4
LOW, HIGHEST = 2**32 - 1, 2**8 - 1
"""What stands for none in five bytes."""
KINDS = (np.uint8, np.uint16, np.uint32, np.uint32, np.int64)


@dataclass(frozen=True, slots=True)
class Packed:
    """A column of numbers; `high` has the fifth byte of each, `whole` says that none is missing."""

    low: Any
    high: Any
    size: int
    whole: bool

    @property
    def nothing(self) -> bool:
        """Whether every number is 0, or missing, and that is known without a look at each."""
        return bool(constant(self.low) and self.low[:1].max(initial=0) in (0, NULL))

    @property
    def zero(self) -> bool:
        """Whether every number is 0, and that is known without a look at each."""
        return self.nothing and self.whole

    def known(self, places: Codes | None) -> Mask:
        """Which of some rows have a number."""
        if self.whole:
            return np.ones(len(self.low) if places is None else len(places), dtype=bool)
        found: Mask = _of(self.low, places) != (self._none if self.size != FIVE else LOW)
        if self.size == FIVE:
            found |= _of(self.high, places) != HIGHEST
        return found

    def wide(self, places: Codes | None) -> Ints:
        """The numbers of some rows, `NULL` where there is none."""
        found: Ints = _of(self.low, places).astype(np.int64)
        if self.size == FIVE:
            found |= _of(self.high, places).astype(np.int64) << 32
        if not self.whole and self.size != EIGHT:
            found[found == self._none] = NULL
        return found

    def floats(self, places: Codes | None, *, nothing: float = np.nan) -> Floats:
        """The numbers of some rows as floats, `nothing` where there is none."""
        found: Floats = _of(self.low, places).astype(np.float64)
        if self.size == FIVE:
            found += _of(self.high, places) * 2.0**32
        if not self.whole:
            found[found == self._none] = nothing
        return found

    @property
    def _none(self) -> int:
        """The number that stands for none."""
        return NULL if self.size == EIGHT else MOST[self.size] + 1


class Packer:
    """Makes a column of so many numbers out of its parts, in whatever order they come."""

    def __init__(self, length: int) -> None:
        self._found = Packed(np.zeros(length, dtype=np.uint8), None, 0, whole=True)

    def put(self, at: Any, numbers: Any) -> None:
        """Set the numbers at some places, `NULL` where there is none."""
        known = numbers != NULL
        whole = bool(known.all())
        size = _size(numbers if whole else numbers[known])
        if size > self._found.size:
            before = self._found.wide(None)
            self._found = self._empty(size)
            self._set(slice(None), before, before != NULL)
        self._set(at, numbers, None if whole else known)

    @property
    def packed(self) -> Packed:
        """The column."""
        return self._found

    def _empty(self, size: int) -> Packed:
        length = len(self._found.low)
        high = np.zeros(length, dtype=np.uint8) if size == FIVE else None
        return Packed(np.zeros(length, dtype=KINDS[size]), high, size, self._found.whole)

    def _set(self, at: Any, numbers: Any, known: Mask | None) -> None:
        found = self._found
        if known is not None and not known.all():
            found = self._found = Packed(found.low, found.high, found.size, whole=False)
            nothing = NULL if found.size == EIGHT else MOST[found.size] + 1
            numbers = np.where(known, numbers, nothing)
        if found.size == FIVE:
            found.low[at] = numbers & 0xFFFFFFFF
            found.high[at] = numbers >> 32
        else:
            found.low[at] = numbers


def everywhere(number: int, length: int) -> Packed:
    """A column that has one number, or none, in every row."""
    return Packed(np.broadcast_to(np.int64(number), length), None, EIGHT, number != NULL)


def _size(numbers: Any) -> int:
    if not len(numbers):
        return 0
    least, most = int(numbers.min()), int(numbers.max())
    if least < 0:
        return EIGHT
    return next((size for size, bound in enumerate(MOST) if most <= bound), EIGHT)


def _of(array: Any, places: Codes | None) -> Any:
    if places is None:
        return array
    return np.broadcast_to(array[:1], len(places)) if constant(array) else array[places]
