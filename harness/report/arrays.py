"""The arrays that the statistics of a report are made of, and how they come out of Arrow's.

Nothing is copied where that is not needed, and pandas has no part in it.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
Codes = NDArray[np.int32]

NULL = int(np.iinfo(np.int64).min)
"""What an `Ints` holds where there is no number."""


def as_floats(column: Ints) -> Floats:
    """Whole numbers as floats, NaN where there is none."""
    return np.where(column == NULL, np.nan, column)


def constant(array: Any) -> bool:
    """Whether an array is one value, once in memory, for all of its rows."""
    return bool(array.strides == (0,))


def plain(column: Any, nothing: Any, kind: np.dtype[Any]) -> Any:
    """The numbers of an array; `nothing` where one is null."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    values = np.frombuffer(column.buffers()[1] or b"", dtype=_dtype(column.type))
    values = values[column.offset : column.offset + len(column)]
    return np.where(valid(column), values.astype(kind), nothing) if column.null_count else values


def valid(column: Any) -> Mask:
    """Which entries of an array are not null."""
    if not column.null_count:
        return np.ones(len(column), dtype=bool)
    bits = np.frombuffer(column.buffers()[0], dtype=np.uint8)
    flags = np.unpackbits(bits, bitorder="little").view(np.bool_)
    return flags[column.offset : column.offset + len(column)]


def lengths(column: Any) -> Indices:
    """How long each list is; 0 where there is none."""
    found = np.diff(offsets(column)).astype(np.intp)
    return np.where(valid(column), found, 0) if column.null_count else found


def offsets(column: Any) -> Codes:
    """Where each list or text begins among the values of all, and where the last one ends."""
    found: Codes = np.frombuffer(column.buffers()[1] or b"\0\0\0\0", dtype=np.int32)
    return found[column.offset : column.offset + len(column) + 1]


def _dtype(kind: Any) -> np.dtype[Any]:
    return np.dtype({"double": "f8"}.get(str(kind), str(kind)))
