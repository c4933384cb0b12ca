"""The values of a metric that one request has many of, pooled over requests.

They are held as the files have them and looked at stream by stream, since a run has many more of
them than requests.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.report import dependence
from harness.report.arrays import Codes, Floats, Indices, Mask
from harness.report.ordered import (
    NS_PER_MS,
    Ascending,
    Ranked,
    reach_ns,
    replaced,
)

BLOCK = 8192
"""So many streams are looked at together: what is made of them stays in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Where a bound differs from its value, and the bound in milliseconds."""

    places: Indices
    values: Floats


@dataclass(frozen=True, slots=True)
class Streams:
    """Whose the values are: `lengths` of each stream, then one of each request that failed.

    `failed` says of every request whether it failed; the others are the streams.
    """

    lengths: Codes
    failed: Mask

    def sums(self, part: Callable[[slice], Floats]) -> Floats:
        """The sum for each request that has any, of what `part` makes of a stretch of values."""
        streams, failed = np.flatnonzero(~self.failed), np.flatnonzero(self.failed)
        found, done = np.zeros(len(self.failed)), 0
        for first in range(0, len(self.lengths), BLOCK):
            some = self.lengths[first : first + BLOCK]
            owner = np.repeat(np.arange(len(some)), some)
            block = part(slice(done, done + len(owner)))
            found[streams[first : first + BLOCK]] = np.bincount(owner, block, len(some))
            done += len(owner)
        found[failed] = part(slice(done, done + len(failed)))
        some_at_all = self.failed.copy()
        some_at_all[streams] = self.lengths > 0
        return found[some_at_all]

    @property
    def owner(self) -> Indices:
        """Of which request each value is, by its place among them."""
        streams = np.repeat(np.flatnonzero(~self.failed), self.lengths)
        return np.concatenate([streams, np.flatnonzero(self.failed)])


@dataclass(frozen=True, slots=True)
class Pooled:
    """Values of many streams, in the order of sending: milliseconds, or nanoseconds in four bytes.

    Requests that failed have one without end each, after all others.
    """

    values: Any
    of: Streams
    least: Changes
    most: Changes

    def __len__(self) -> int:
        return len(self.values) + self.endless

    @property
    def endless(self) -> int:
        """How many have no end."""
        return int(self.of.failed.sum())

    @property
    def data(self) -> Floats:
        """Every value in milliseconds."""
        found = np.empty(len(self))
        part = found[: len(self.values)]
        found[len(part) :] = np.inf
        part[:] = self.values
        if self.values.dtype == np.uint32:
            part /= NS_PER_MS
        return found

    @property
    def low(self) -> Floats:
        """The least that each can have been."""
        return self._changed(self.least)

    @property
    def high(self) -> Floats:
        """The most that each can have been."""
        return self._changed(self.most)

    @property
    def owner(self) -> Indices:
        """Of which request each is."""
        return self.of.owner

    @property
    def exact(self) -> bool:
        """Whether none has bounds but itself."""
        return not len(self.least.places) and not len(self.most.places)

    def ordered(self) -> tuple[Ranked, Ranked, Ranked]:
        """The values, and what they are at least and at most, each sorted by itself."""
        data = Ascending(np.sort(self.values), self.endless)
        low, high = (
            replaced(data, self._at(bound.places), bound.values)
            for bound in (self.least, self.most)
        )
        return data, low, high

    def worth(self, value: float) -> float:
        """How many independent values they are worth, for the percentile that is `value`."""
        if not len(self):
            return 0.0
        below = self._below(value)
        count = int(np.count_nonzero(below))
        above, beneath = 0.0 - count / len(self), 1.0 - count / len(self)
        of_each = np.array([above, beneath])
        sums = self.of.sums(lambda part: of_each[below[part].view(np.uint8)])
        within = count * beneath**2 + (len(self) - count) * above**2
        return dependence.of_groups(sums, within=within, count=float(len(self)))

    def _below(self, value: float) -> Mask:
        found = np.zeros(len(self), dtype=bool)
        known = found[: len(self.values)]
        found[len(known) :] = value == np.inf
        if self.values.dtype != np.uint32:
            np.less_equal(self.values, value, out=known)
        elif (reach := reach_ns(value)) >= 0:
            np.less_equal(self.values, np.uint32(reach), out=known)
        return found

    def _at(self, places: Indices) -> Floats:
        found: Floats = self.values[places].astype(np.float64)
        return found / NS_PER_MS if self.values.dtype == np.uint32 else found

    def _changed(self, bound: Changes) -> Floats:
        found = self.data
        found[bound.places] = bound.values
        return found
