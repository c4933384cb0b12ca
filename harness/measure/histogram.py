"""A mergeable histogram of durations with logarithmic buckets.

Same idea as DDSketch (Masson, Rim, Lee, VLDB 2019): bucket bounds grow by a constant ratio, so a
quantile has a bounded relative error whatever the data, and merging adds counts, which loses
nothing and does not depend on order.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

LOWEST_NS = 1_000
"""1 us; shorter durations share one bucket."""
HIGHEST_NS = 3_600_000_000_000
"""1 h; longer durations share one bucket."""
RATIO = 1.01
ERROR = (RATIO - 1) / (RATIO + 1)
"""The largest relative error of a quantile between the bounds: 0.5 %."""
BUCKETS = math.ceil(math.log(HIGHEST_NS / LOWEST_NS) / math.log(RATIO)) + 2
"""One below `LOWEST_NS`, one above `HIGHEST_NS`, the rest between."""
LOG_RATIO = math.log(RATIO)


class Histogram:
    """An accumulator of durations in nanoseconds; holds one number for each bucket in use.

    Count, sum, minimum and maximum are exact; a quantile is within `ERROR` of the sample at its
    rank, and exact at both ends. `counts` are by bucket; `harness.load.counting` fills many values
    in at once.
    """

    __slots__ = ("counts", "max", "min", "sum_ns")

    def __init__(self, values_ns: Iterable[int] = ()) -> None:
        self.counts: Counter[int] = Counter()
        self.sum_ns = 0
        self.min: int | None = None
        self.max: int | None = None
        self.extend(values_ns)

    def add(self, value_ns: int) -> None:
        """Count one duration; a negative one is an error of the clock and counts as zero."""
        value_ns = max(value_ns, 0)
        self.fill({_bucket(value_ns): 1}, sum_ns=value_ns, least=value_ns, most=value_ns)

    def extend(self, values_ns: Iterable[int]) -> None:
        """Count many durations."""
        for value_ns in values_ns:
            self.add(value_ns)

    def fill(
        self, counts: Mapping[int, int], *, sum_ns: int, least: int | None, most: int | None
    ) -> None:
        """Count durations that are known by their buckets, their sum and both ends."""
        self.counts.update(counts)
        self.sum_ns += sum_ns
        self.min = _pick(min, self.min, least)
        self.max = _pick(max, self.max, most)

    def merge(self, other: "Histogram") -> None:
        """Count all that `other` counted, which stays as it is."""
        self.fill(other.counts, sum_ns=other.sum_ns, least=other.min, most=other.max)

    @property
    def count(self) -> int:
        """How many durations were counted."""
        return self.counts.total()

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
        if self.min is None or self.max is None:
            return None
        rank = max(1, math.ceil(q * count))
        if rank == 1 or rank == count:
            return float(self.min if rank == 1 else self.max)
        used = sorted(self.counts)
        reached = list(accumulate(self.counts[bucket] for bucket in used))
        middle = _middle(used[bisect_left(reached, rank)])
        return float(min(max(middle, self.min), self.max))

    def summary_ms(self) -> dict[str, float | None]:
        """`p50`, `p99` and `max`, in milliseconds; None when nothing was counted."""
        values = {"p50": self.quantile(0.5), "p99": self.quantile(0.99), "max": self.max}
        return {name: None if ns is None else ns / 1e6 for name, ns in values.items()}

    def to_dict(self) -> dict[str, Any]:
        """The histogram as JSON values; buckets without a count are left out."""
        return {
            "ratio": RATIO,
            "lowest_ns": LOWEST_NS,
            "counts": {str(bucket): self.counts[bucket] for bucket in sorted(self.counts)},
            "sum_ns": self.sum_ns,
            "min_ns": self.min,
            "max_ns": self.max,
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
            histogram.counts[int(bucket)] = count
        histogram.sum_ns = document["sum_ns"]
        histogram.min = document["min_ns"]
        histogram.max = document["max_ns"]
        return histogram

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.to_dict() == other.to_dict()


def _bucket(value_ns: int) -> int:
    """The bucket of a value: 0 below `LOWEST_NS`, the last from `HIGHEST_NS` on."""
    if value_ns < LOWEST_NS:
        return 0
    return min(math.floor(math.log(value_ns / LOWEST_NS) / LOG_RATIO) + 1, BUCKETS - 1)


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
