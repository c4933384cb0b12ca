"""A mergeable histogram of durations with logarithmic buckets.

Same idea as DDSketch (Masson, Rim, Lee, VLDB 2019): bucket bounds grow by a constant ratio, so a
quantile has a bounded relative error whatever the data, and merging adds counts, which loses
nothing and does not depend on order.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

LOWEST_NS = 1_000
"""1 us; shorter durations share one bucket."""
HIGHEST_NS = 3_600_000_000_000
"""1 h; longer durations share one bucket."""
RATIO = 1.01
ERROR = (RATIO - 1) / (RATIO + 1)
"""The largest relative error of a quantile between the bounds: 0.5 %."""
BUCKETS = math.ceil(math.log(HIGHEST_NS / LOWEST_NS) / math.log(RATIO)) + 2
"""One below `LOWEST_NS`, one above `HIGHEST_NS`, the rest between."""

_LOG_RATIO = math.log(RATIO)
_WAITING = 4096
"""Values kept before they are counted in one numpy call, which costs tens of ns for each."""


class Histogram:
    """An accumulator of durations in nanoseconds; holds about 18 kB whatever it counts.

    Count, sum, minimum and maximum are exact; a quantile is within `ERROR` of the sample at its
    rank, and exact at both ends.
    """

    __slots__ = ("_counts", "_max", "_min", "_sum", "_waiting")

    def __init__(self, values_ns: Iterable[int] = ()) -> None:
        self._counts = np.zeros(BUCKETS, dtype=np.int64)
        self._sum = 0
        self._min: int | None = None
        self._max: int | None = None
        self._waiting: list[int] = []
        self.extend(values_ns)

    def add(self, value_ns: int) -> None:
        """Count one duration; a negative one is an error of the clock and counts as zero."""
        self._waiting.append(value_ns)
        if len(self._waiting) >= _WAITING:
            self._settle()

    def extend(self, values_ns: Iterable[int]) -> None:
        """Count many durations."""
        self._waiting.extend(values_ns)
        if len(self._waiting) >= _WAITING:
            self._settle()

    def extend_array(self, values_ns: npt.NDArray[np.float64]) -> None:
        """Count many durations at once."""
        self._settle()
        if values_ns.size:
            self._count(values_ns.astype(np.int64))

    def merge(self, other: "Histogram") -> None:
        """Count all that `other` counted, which stays as it is."""
        self._settle()
        self._counts += other.counts
        self._sum += other.sum_ns
        self._min = _pick(min, self._min, other.min)
        self._max = _pick(max, self._max, other.max)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """The durations in each bucket; the array is the histogram's own."""
        self._settle()
        return self._counts

    @property
    def sum_ns(self) -> int:
        """The sum of all durations."""
        self._settle()
        return self._sum

    @property
    def count(self) -> int:
        """How many durations were counted."""
        return int(self.counts.sum())

    @property
    def min(self) -> int | None:
        """The shortest, in nanoseconds."""
        self._settle()
        return self._min

    @property
    def max(self) -> int | None:
        """The longest, in nanoseconds."""
        self._settle()
        return self._max

    @property
    def mean(self) -> float | None:
        """The arithmetic mean, in nanoseconds."""
        count = self.count
        return self.sum_ns / count if count else None

    def quantile(self, q: float) -> float | None:
        """The sample of rank `ceil(q * count)`, in nanoseconds; None when nothing was counted.

        Nearest rank (ISO 3534-1 leaves the choice open): always near a duration that happened.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"quantile: expected 0 to 1, got {q!r}")
        count = self.count
        if self._min is None or self._max is None:
            return None
        rank = max(1, math.ceil(q * count))
        if rank == 1 or rank == count:
            return float(self._min if rank == 1 else self._max)
        bucket = int(np.searchsorted(np.cumsum(self._counts), rank))
        return float(min(max(_middle(bucket), self._min), self._max))

    def below(self, limit_ns: float) -> float | None:
        """The share of durations up to `limit_ns`, exact to one bucket; None without any."""
        count = self.count
        if not count:
            return None
        bucket = int(_buckets(np.array([limit_ns]))[0])
        return float(self._counts[: bucket + 1].sum() / count)

    def to_dict(self) -> dict[str, Any]:
        """The histogram as JSON values; buckets without a count are left out."""
        self._settle()
        used = np.flatnonzero(self._counts)
        return {
            "ratio": RATIO,
            "lowest_ns": LOWEST_NS,
            "counts": {str(bucket): int(self._counts[bucket]) for bucket in used},
            "sum_ns": self._sum,
            "min_ns": self._min,
            "max_ns": self._max,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Histogram":
        """The histogram that `to_dict` wrote; ValueError when its buckets are not these."""
        if (document["ratio"], document["lowest_ns"]) != (RATIO, LOWEST_NS):
            raise ValueError(
                f"histogram: expected ratio {RATIO} from {LOWEST_NS} ns, "
                f"got {document['ratio']} from {document['lowest_ns']}"
            )
        histogram = cls()
        for bucket, count in document["counts"].items():
            if not (bucket.isdecimal() and int(bucket) < BUCKETS):
                raise ValueError(f"histogram: expected buckets 0 to {BUCKETS - 1}, got {bucket!r}")
            histogram._counts[int(bucket)] = count
        histogram._sum = document["sum_ns"]
        histogram._min = document["min_ns"]
        histogram._max = document["max_ns"]
        return histogram

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.to_dict() == other.to_dict()

    def _settle(self) -> None:
        """Count the waiting values."""
        if not self._waiting:
            return
        values = np.asarray(self._waiting, dtype=np.int64)
        self._waiting = []
        self._count(values)

    def _count(self, values: npt.NDArray[np.int64]) -> None:
        values = np.maximum(values, 0)
        self._counts += np.bincount(_buckets(values), minlength=BUCKETS)
        self._sum += sum(values.tolist())  # in Python, where a sum has no largest value
        self._min = _pick(min, self._min, int(values.min()))
        self._max = _pick(max, self._max, int(values.max()))


def _buckets(values_ns: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The bucket of each value: 0 below `LOWEST_NS`, the last from `HIGHEST_NS` on."""
    ratio = np.maximum(values_ns, LOWEST_NS * RATIO**-0.5) / LOWEST_NS
    places = np.floor(np.log(ratio) / _LOG_RATIO) + 1
    clipped: npt.NDArray[np.int64] = np.clip(places, 0, BUCKETS - 1).astype(np.int64)
    return clipped


def _middle(bucket: int) -> float:
    """The value whose relative error is the same to both bounds of a bucket."""
    if bucket == 0:
        return 0.0
    low = LOWEST_NS * RATIO ** (bucket - 1)
    return low * 2 * RATIO / (1 + RATIO)


def _pick(choose: Any, one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return int(choose(one, other))
