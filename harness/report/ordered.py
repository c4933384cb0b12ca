"""Values in ascending order, of which only a few are looked at: by their rank, and what is below.

Millions of gaps are whole nanoseconds in four bytes, and most have no bounds but themselves. So
neither is a float made of each, nor is a column of bounds sorted that differs from another in few.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from harness.report.arrays import Floats

NS_PER_MS = 1e6
MOST_NS = int(np.iinfo(np.uint32).max)


class Ranked(Protocol):
    """Sorted values, by their place."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, place: int, /) -> Any:
        """The value at a place from 0 on; -1 is the last."""


def reach_ns(value_ms: float) -> int:
    """The most whole nanoseconds of four bytes that are no more than so many milliseconds, -1 if
    none are."""
    if value_ms >= MOST_NS / NS_PER_MS:
        return MOST_NS
    found = max(int(value_ms * NS_PER_MS) - 1, -1)
    while (found + 1) / NS_PER_MS <= value_ms:
        found += 1
    return found


@dataclass(frozen=True, slots=True)
class Ascending:
    """Sorted milliseconds, or nanoseconds in four bytes; then so many without end."""

    values: Any
    endless: int = 0

    def __len__(self) -> int:
        return len(self.values) + self.endless

    def __getitem__(self, place: int, /) -> float:
        place += len(self) if place < 0 else 0
        if place >= len(self.values):
            return float("inf")
        factor = NS_PER_MS if self.values.dtype == np.uint32 else 1.0
        return float(self.values[place]) / factor

    def up_to(self, value: float) -> int:
        """How many are no more than this."""
        if self.values.dtype != np.uint32:
            return int(np.searchsorted(self.values, value, side="right"))
        reach = reach_ns(value)
        return int(np.searchsorted(self.values, np.uint32(reach), "right")) if reach >= 0 else 0


@dataclass(frozen=True, slots=True)
class Replaced:
    """Sorted values of which some are taken away and as many put there instead."""

    base: Ascending
    taken: Ascending
    put: Ascending

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, place: int, /) -> float:
        place += len(self) if place < 0 else 0
        found = (self._reaches(values, place + 1) for values in (self.base, self.put))
        return min(value for value in found if value is not None)

    def _reaches(self, values: Ascending, count: int) -> float | None:
        """The first of these up to which there are so many."""
        low, high = 0, len(values)
        while low < high:
            middle = (low + high) // 2
            if self._up_to(values[middle]) >= count:
                high = middle
            else:
                low = middle + 1
        return values[low] if low < len(values) else None

    def _up_to(self, value: float) -> int:
        if value == float("inf"):
            return len(self)
        return self.base.up_to(value) - self.taken.up_to(value) + self.put.up_to(value)


def replaced(base: Ascending, taken: Floats, put: Floats) -> Ascending | Replaced:
    """Sorted values with others in the place of some, which may come in any order."""
    if not len(taken):
        return base
    return Replaced(base, Ascending(np.sort(taken)), Ascending(np.sort(put)))
