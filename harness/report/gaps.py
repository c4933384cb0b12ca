"""The times between the outputs of a stream, pooled over streams, with the bounds of each.

A gap of 0 is real where the target packed two outputs together. Where the client read them
together, it is not: the reader then gives bounds. Files without such columns do not say who packed,
so that there the outputs that shared a time came at any moment since the output before them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from harness.report import arrays
from harness.report.arrays import Codes, Floats, Indices, Mask
from harness.report.ordered import NS_PER_MS
from harness.report.pooled import BLOCK, Changes

MOST_ENTRIES = 2**31
COLUMNS = ("gap_ms", "gap_low_ms", "gap_high_ms")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds that differ from their gap: of which row, which of its gaps, and how long."""

    rows: Codes
    within: Codes
    values: Floats


@dataclass(frozen=True, slots=True)
class Gaps:
    """The gaps of every row: those of row k are `lengths[k]` in `flat`, from `starts[k]` on.

    Most are whole nanoseconds that fit into four bytes, and are held so where all are; else they
    are milliseconds.
    """

    flat: Any
    starts: Any
    lengths: Codes
    low: Bounds
    high: Bounds

    def of(self, places: Codes) -> Any:
        """The gaps of some rows, row by row, in the unit of all."""
        lengths, starts = self.lengths[places], self.starts[places]
        ends = np.cumsum(lengths, dtype=np.intp)
        found = np.empty(int(ends[-1]) if len(ends) else 0, dtype=self.flat.dtype)
        for first in range(0, len(places), BLOCK):
            block = slice(first, first + BLOCK)
            some, begin = lengths[block], ends[block] - lengths[block]
            here = slice(int(begin[0]), int(ends[block][-1]))
            from_where = np.repeat(starts[block] - begin, some)
            from_where += np.arange(here.start, here.stop)
            found[here] = self.flat[from_where]
        return found

    def changes(self, bounds: Bounds, places: Codes) -> Changes:
        """Where bounds of the gaps of some rows differ from them."""
        lengths = self.lengths[places]
        begin = np.cumsum(lengths, dtype=np.intp) - lengths
        stand = np.full(len(self.lengths), -1, dtype=np.int32)
        stand[places] = np.arange(len(places), dtype=np.int32)
        at = stand[bounds.rows]
        ours = at >= 0
        return Changes(begin[at[ours]] + bounds.within[ours], bounds.values[ours])

    def longer(self, least_ms: float) -> Mask:
        """Which rows have a gap of at least so long."""
        factor = 1.0 if self.flat.dtype == np.float64 else NS_PER_MS
        long = np.flatnonzero(self.flat >= least_ms * factor)
        found = np.zeros(len(self.lengths), dtype=bool)
        if not len(long):
            return found
        order = np.argsort(self.starts, kind="stable")
        order = order[self.lengths[order] > 0]
        found[order[np.searchsorted(self.starts[order], long, side="right") - 1]] = True
        return found


def gathered(length: int, batches: Iterable[tuple[Any, pa.RecordBatch]], *, most: int) -> Gaps:
    """The gaps of so many rows, no more than `most`, out of batches of `COLUMNS` and the place of
    each row."""
    starts = np.empty(length, dtype=np.int32 if most < MOST_ENTRIES else np.int64)
    lengths = np.empty(length, dtype=np.int32)
    flat: Any = np.empty(most, dtype=np.uint32)
    low: list[Bounds] = []
    high: list[Bounds] = []
    done = 0
    for at, batch in batches:
        gaps, lower, upper = (batch.column(name) for name in COLUMNS)
        values, counts = _flat(gaps), arrays.lengths(gaps)
        ends = np.cumsum(counts)
        starts[at], lengths[at] = done + ends - counts, counts
        rows = np.arange(at.start, at.stop, dtype=np.int32) if isinstance(at, slice) else at
        low.append(_differing(lower, values, counts, rows, lower=True))
        high.append(_differing(upper, values, counts, rows, lower=False))
        packed = _packed(values)
        if packed.dtype != flat.dtype:
            flat, packed = _unpacked(flat, done), values
        flat[done : done + len(values)] = packed
        done += len(values)
    if not done:
        starts = lengths = np.broadcast_to(np.int32(0), length)
    return Gaps(flat[:done], starts, lengths, _joined(low), _joined(high))


def guessed(
    flat: Floats, owner: Indices, *, first_ms: Floats, sketched: Mask
) -> tuple[Floats, Floats]:
    """The bounds where only the zeros tell of outputs that were read together.

    The gap before a run of zeros can be as short as nothing, and each zero as long as that gap;
    at the beginning of a stream, as long as its TTFT, `first_ms`. A sketch of many gaps has lost
    their order: any of them can be nothing, and a zero as long as the longest.
    """
    zero = flat == 0
    low = np.where(_next(zero, owner), 0.0, flat)
    high = np.where(zero, _before(flat, zero, owner, first_ms), flat)
    mixed = np.isin(owner, owner[zero & sketched[owner]])
    longest = _longest(flat, owner, len(sketched))[owner]
    return np.where(mixed, 0.0, low), np.where(mixed & zero, longest, high)


def _flat(column: Any) -> Floats:
    found: Floats = arrays.plain(column.flatten(), np.nan, np.dtype(np.float64))
    return found


def _differing(column: Any, gaps: Floats, counts: Indices, rows: Codes, *, lower: bool) -> Bounds:
    """The bounds of a column beyond their gap; a row that has not one for each has none."""
    stated, bounds = arrays.lengths(column), _flat(column)
    given = stated == counts
    if given.all():
        places = differ = np.flatnonzero(bounds < gaps if lower else bounds > gaps)
    else:
        some, bounds = np.repeat(given, counts), bounds[np.repeat(given, stated)]
        differ = np.flatnonzero(bounds < gaps[some] if lower else bounds > gaps[some])
        places = np.flatnonzero(some)[differ]
    ends = np.cumsum(counts)
    owner = np.searchsorted(ends, places, side="right")
    within = places - (ends - counts)[owner]
    return Bounds(rows[owner], within.astype(np.int32), bounds[differ])


def _packed(gaps: Floats) -> Any:
    """Gaps as whole nanoseconds in four bytes, or as they are where that is not the same."""
    whole = np.rint(gaps * NS_PER_MS)
    fits = len(whole) == 0 or (whole.min() >= 0 and whole.max() <= np.iinfo(np.uint32).max)
    return whole.astype(np.uint32) if fits and np.array_equal(whole / NS_PER_MS, gaps) else gaps


def _unpacked(flat: Any, done: int) -> Floats:
    """The first gaps of a column in milliseconds; it has room for as many as before."""
    if flat.dtype == np.float64:
        found: Floats = flat
        return found
    found = np.empty(len(flat))
    np.divide(flat[:done], NS_PER_MS, out=found[:done])
    return found


def _joined(parts: list[Bounds]) -> Bounds:
    def joined(name: str, kind: Any) -> Any:
        return np.concatenate([np.empty(0, dtype=kind), *(getattr(part, name) for part in parts)])

    return Bounds(
        joined("rows", np.int32), joined("within", np.int32), joined("values", np.float64)
    )


def _next(zero: Mask, owner: Indices) -> Mask:
    """Whether the gap after each is a zero of the same stream."""
    found = np.zeros(len(zero), dtype=bool)
    found[:-1] = zero[1:] & (owner[1:] == owner[:-1])
    return found


def _before(flat: Floats, zero: Mask, owner: Indices, first_ms: Floats) -> Floats:
    """For each gap the last one up to it that is no zero, else the TTFT of its stream."""
    places = np.maximum.accumulate(np.where(zero, -1, np.arange(len(flat))))
    own = (places >= 0) & (owner[places] == owner)
    found: Floats = np.where(own, flat[places], first_ms[owner])
    return found


def _longest(flat: Floats, owner: Indices, streams: int) -> Floats:
    longest = np.zeros(streams)
    np.maximum.at(longest, owner, flat)
    return longest
