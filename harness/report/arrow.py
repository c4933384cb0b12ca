"""Arrow arrays as numpy arrays, without a copy where none is needed, and without pandas."""

from typing import Any

import numpy as np
import pyarrow as pa

from harness.report.arrays import Codes, Indices, Mask


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
