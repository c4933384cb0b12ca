"""The arrays that the statistics of a report are made of."""

from typing import Any

import numpy as np
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
