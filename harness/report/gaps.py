"""The times between the outputs of a stream, pooled over streams, with the bounds of each.

A gap of 0 is real where the target packed two outputs together. Where the client read them
together, it is not: the reader then gives bounds. Files without such columns do not say who packed,
so that there the outputs that shared a time came at any moment since the output before them.
"""

import numpy as np
import pandas as pd

from harness.measure.columns import MOST_GAPS
from harness.report.arrays import Floats, Indices, Mask

OF_GAPS = ("gap_ms", "gap_low_ms", "gap_high_ms", "blur_ns", "output_chunks", "ttft")
"""The columns that `gaps` reads."""


def gaps(rows: pd.DataFrame) -> tuple[Floats, Floats, Floats, Indices]:
    """All gaps in milliseconds, the least and the most that each can be, and whose each is."""
    lengths = _lengths(rows, "gap_ms")
    owner = np.repeat(np.arange(len(rows), dtype=np.intp), lengths)
    flat = _flat(rows, "gap_ms")
    low, high = (_stated(rows, name, lengths, flat) for name in ("gap_low_ms", "gap_high_ms"))
    unstated = np.asarray(rows["blur_ns"].isna(), dtype=bool)[owner]
    if unstated.any():
        least, most = _guessed(rows, flat, owner)
        low, high = np.where(unstated, least, low), np.where(unstated, most, high)
    low = low if low is flat else np.minimum(low, flat)
    high = high if high is flat else np.maximum(high, flat)
    return flat, low, high, owner


def _lengths(rows: pd.DataFrame, column: str) -> Indices:
    return np.asarray(rows[column].list.len().fillna(0), dtype=np.intp)


def _flat(rows: pd.DataFrame, column: str) -> Floats:
    return np.asarray(rows[column].list.flatten(), dtype=np.float64)


def _stated(rows: pd.DataFrame, column: str, lengths: Indices, flat: Floats) -> Floats:
    """The bounds of a column; the gap itself where a row has none."""
    stated = _lengths(rows, column)
    if not stated.any():
        return flat
    given = stated == lengths
    bounds = flat.copy()
    bounds[np.repeat(given, lengths)] = _flat(rows[given], column)
    return bounds


def _guessed(rows: pd.DataFrame, flat: Floats, owner: Indices) -> tuple[Floats, Floats]:
    """The bounds where only the zeros tell of outputs that were read together.

    The gap before a run of zeros can be as short as nothing, and each zero as long as that gap;
    at the beginning of a stream, as long as its TTFT. A sketch of many gaps has lost their order:
    any of them can be nothing, and a zero as long as the longest.
    """
    zero = flat == 0
    low = np.where(_next(zero, owner), 0.0, flat)
    high = np.where(zero, _before(flat, zero, rows, owner), flat)
    sketched = np.asarray((rows["output_chunks"] > MOST_GAPS + 1).fillna(False), dtype=bool)[owner]
    mixed = np.isin(owner, owner[zero & sketched])
    longest = _longest(flat, owner, len(rows))[owner]
    return np.where(mixed, 0.0, low), np.where(mixed & zero, longest, high)


def _next(zero: Mask, owner: Indices) -> Mask:
    """Whether the gap after each is a zero of the same stream."""
    found = np.zeros(len(zero), dtype=bool)
    found[:-1] = zero[1:] & (owner[1:] == owner[:-1])
    return found


def _before(flat: Floats, zero: Mask, rows: pd.DataFrame, owner: Indices) -> Floats:
    """For each gap the last one up to it that is no zero, else the TTFT of its stream."""
    places = np.maximum.accumulate(np.where(zero, -1, np.arange(len(flat))))
    own = (places >= 0) & (owner[places] == owner)
    first = rows["ttft"].to_numpy(dtype=np.float64, na_value=0.0)
    found: Floats = np.where(own, flat[places], first[owner])
    return found


def _longest(flat: Floats, owner: Indices, streams: int) -> Floats:
    longest = np.zeros(streams)
    np.maximum.at(longest, owner, flat)
    return longest
