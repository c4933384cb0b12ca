"""Columns that are put aside into a file: a step that asks for one again reads no samples again.

The file has no name and is gone with the process. It is where large temporary files belong, which
is not /tmp, whose files may be in memory (systemd.io, "Using /tmp/ and /var/tmp/ Safely").
"""

import mmap
import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from io import FileIO
from typing import Any

import numpy as np

from harness.report.arrays import constant

PLACE = "/var/tmp"  # noqa: S108 - a file without a name, which nobody else can open
UNIT = mmap.ALLOCATIONGRANULARITY


@dataclass(frozen=True, slots=True)
class Put:
    """An array in the file: from which byte on, and what it is made of."""

    start: int
    length: int
    kind: Any


class Aside:
    """Columns in a file; none where there is no room for them, so that they are read again."""

    def __init__(self) -> None:
        self._file: FileIO | None = None
        self._columns: dict[str, Any] = {}
        self._full = False

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def put(self, name: str, column: Any) -> None:
        """Put a column aside, unless it is there or the disk is full."""
        if self._full or name in self._columns:
            return
        try:
            self._columns[name] = changed(column, self._written)
        except OSError:
            self._full = True

    def get(self, name: str) -> Any:
        """The column with its arrays in the file, read-only; KeyError where it is not there."""
        return changed(self._columns[name], self._mapped)

    def _written(self, array: Any) -> Any:
        if constant(array) or not len(array):
            return array
        file = self._opened()
        start = -(-file.seek(0, os.SEEK_END) // UNIT) * UNIT
        file.seek(start)
        left = np.ascontiguousarray(array).data.cast("B")
        while left:
            left = left[file.write(left) :]
        return Put(start, len(array), array.dtype)

    def _mapped(self, found: Any) -> Any:
        if not isinstance(found, Put) or self._file is None:
            return found
        size = found.length * found.kind.itemsize
        mapped = mmap.mmap(self._file.fileno(), size, offset=found.start, access=mmap.ACCESS_READ)
        return np.frombuffer(mapped, dtype=found.kind)

    def _opened(self) -> FileIO:
        """Where `TMPDIR` says; else where large files belong, if we may write there."""
        if self._file is None:
            chosen = not os.environ.get("TMPDIR") and os.access(PLACE, os.W_OK)
            place = PLACE if chosen else None
            self._file = tempfile.TemporaryFile(buffering=0, dir=place)  # noqa: SIM115 - see below
            weakref.finalize(self, self._file.close)
        return self._file


def arrays_of(column: Any) -> Iterator[Any]:
    """Every array that a column is made of."""
    if isinstance(column, np.ndarray):
        yield column
    elif is_dataclass(column):
        for each in fields(column):
            yield from arrays_of(getattr(column, each.name))


def changed(column: Any, change: Callable[[Any], Any]) -> Any:
    """A column with a change to every array that it is made of."""
    if isinstance(column, np.ndarray | Put):
        return change(column)
    if not is_dataclass(column) or isinstance(column, type):
        return column
    parts = {each.name: getattr(column, each.name) for each in fields(column)}
    return replace(column, **{name: changed(part, change) for name, part in parts.items()})
