"""Whole numbers in as few bytes as hold all of them: a run has millions in each of its columns.

A moment counts from when its request was sent, so that five bytes hold eighteen minutes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.report.arrays import NULL, Codes, Ints, Mask

MOST = tuple(2**bits - 2 for bits in (8, 16, 32, 40))
"""The largest number that one, two, four and five bytes hold; the next one stands for none."""
FIVE, EIGHT = 3, 4
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
        return bool(self.low.strides == (0,) and self.low[:1].max(initial=0) in (0, NULL))

    def known(self, places: Codes | None) -> Mask:
        """Which of some rows have a number."""
        if self.whole:
            return np.ones(len(self.low) if places is None else len(places), dtype=bool)
        found: Mask = self.wide(places) != NULL
        return found

    def wide(self, places: Codes | None) -> Ints:
        """The numbers of some rows, `NULL` where there is none."""
        found: Ints = _of(self.low, places).astype(np.int64)
        if self.size == FIVE:
            found |= _of(self.high, places).astype(np.int64) << 32
        if not self.whole and self.size != EIGHT:
            found[found == MOST[self.size] + 1] = NULL
        return found


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
    return np.broadcast_to(array[:1], len(places)) if array.strides == (0,) else array[places]
