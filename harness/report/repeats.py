"""Which requests are recorded twice: the same number of a worker, or the same event id.

An event id is compared by a number that is made of it, so that millions take little memory; where
two are alike, the ids themselves decide.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from harness.report import arrays
from harness.report.arrays import NULL, Ints, Mask
from harness.report.frame import Frame

EVENT = "event_id"
MOST_KEYS = 2**62
"""A worker and its number make one key of eight bytes where there are fewer pairs than this."""
MIXED = np.uint64(0x9E3779B97F4A7C15)
"""An odd number whose multiples are spread well (Knuth, The Art of Computer Programming, 6.4)."""


def repeated(rows: Frame) -> Mask:
    """Every record of a request but the first that was sent."""
    return _by_number(rows) | _by_event(rows)


def _by_number(rows: Frame) -> Mask:
    numbers = rows.ints("seq")
    known = numbers != NULL
    found = np.zeros(len(rows), dtype=bool)
    if not known.any():
        return found
    some = numbers[known]
    least, most = int(some.min()), int(some.max())
    workers = rows.texts("worker")
    span = most - least + 1
    if span * (len(workers.names) + 1) < MOST_KEYS:
        key = (workers.codes[known].astype(np.int64) + 1) * span + (some - least)
    else:
        pairs = np.stack([workers.codes[known].astype(np.int64), some], axis=1)
        key = np.unique(pairs, axis=0, return_inverse=True)[1].astype(np.int64)
    found[known] = again(key)
    return found


def again(keys: Ints) -> Mask:
    """Which keys were there before."""
    found = np.zeros(len(keys), dtype=bool)
    alike = np.flatnonzero(_alike(keys))
    first = np.unique(keys[alike], return_index=True)[1]
    found[alike] = True
    found[alike[first]] = False
    return found


def _alike(keys: Any) -> Mask:
    """Which keys occur more than once."""
    if (keys[1:] > keys[:-1]).all():
        return np.zeros(len(keys), dtype=bool)
    ordered = np.sort(keys)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    return np.isin(keys, np.unique(twice)) if len(twice) else np.zeros(len(keys), dtype=bool)


def _by_event(rows: Frame) -> Mask:
    """By the numbers of all; by the ids of the few whose numbers are alike."""
    found = np.zeros(len(rows), dtype=bool)
    whole = np.empty(len(rows.columns), dtype=np.uint64)
    there = np.empty(len(whole), dtype=bool)
    for at, batch in rows.columns.batches(EVENT):
        whole[at], there[at] = hashes(batch.column(0)), arrays.valid(batch.column(0))
    places = rows.places
    places = places[there[places]]
    alike = places[_alike(whole[places])]
    if not len(alike):
        return found
    told = dict(_told(rows, alike))
    known: dict[str, int] = {}
    numbers = [known.setdefault(told[place], len(known)) for place in alike.tolist()]
    twice = alike[again(np.array(numbers, dtype=np.int64))]
    found[np.searchsorted(rows.places, twice)] = True
    return found


def _told(rows: Frame, wanted: Any) -> Iterator[tuple[int, str]]:
    """The event ids of some rows of a run, by their place in it."""
    chosen = np.zeros(len(rows.columns), dtype=bool)
    chosen[wanted] = True
    for at, batch in rows.columns.batches(EVENT):
        here = np.flatnonzero(chosen[at])
        places = here + at.start if isinstance(at, slice) else at[here]
        for place, text in zip(places.tolist(), here.tolist(), strict=True):
            yield place, batch.column(0)[text].as_py()


def hashes(column: Any) -> Any:
    """A number for each text of an Arrow array; texts of one length are done together."""
    offsets = arrays.offsets(column)
    starts, lengths = offsets[:-1], np.diff(offsets)
    data = np.frombuffer(column.buffers()[2] or b"", dtype=np.uint8)
    found = np.zeros(len(column), dtype=np.uint64)
    for length in np.unique(lengths).tolist():
        ours = np.flatnonzero(lengths == length)
        found[ours] = _of_one_length(data, starts[ours], length)
    return found


def _of_one_length(data: Any, starts: Any, length: int) -> Any:
    words = -(-length // 8)
    padded = np.zeros((len(starts), words * 8), dtype=np.uint8)
    padded[:, :length] = data[starts[:, np.newaxis] + np.arange(length)]
    found = np.full(len(starts), length, dtype=np.uint64)
    for word in padded.view(np.uint64).T:
        found = (found ^ word) * MIXED
        found ^= found >> np.uint64(29)
    return found
