"""How far what a client says of streams is from what the server did."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.bench.truth import Record, Times

MS = 1e6


@dataclass(frozen=True, slots=True)
class Streams:
    """What a client measured, one entry per request; times in nanoseconds, gaps in milliseconds."""

    rid: Times
    sent: Times
    first: Times
    gaps: list[Any]


@dataclass(frozen=True, slots=True)
class Errors:
    """Distances from the server's record in milliseconds: of each request, and of the statistic."""

    ttft_p50: float
    ttft_p99: float
    gap_p99: float
    each_gap_p99: float

    def __str__(self) -> str:
        return (
            f"TTFT {self.ttft_p50:.3f}/{self.ttft_p99:.3f}, "
            f"gap p99 {self.gap_p99:.3f}, each gap {self.each_gap_p99:.3f}"
        )


def errors(client: Streams, record: Record) -> Errors:
    """The client's errors; a request is held against its own row of the record."""
    places = record.places(client.rid)
    rows = record.rows
    true_ttft = (rows["first"][places] - rows["received"][places]) / MS
    off = np.abs((client.first - client.sent) / MS - true_ttft)
    true_gaps = [np.diff(record.ended[record.chunks(place)]) / MS for place in places.tolist()]
    same = [
        (ours, theirs)
        for ours, theirs in zip(client.gaps, true_gaps, strict=True)
        if len(ours) == len(theirs)
    ]
    ours = np.concatenate([pair[0] for pair in same])
    theirs = np.concatenate([pair[1] for pair in same])
    return Errors(
        ttft_p50=float(np.percentile(off, 50)),
        ttft_p99=float(np.percentile(off, 99)),
        gap_p99=float(abs(np.percentile(ours, 99) - np.percentile(theirs, 99))),
        each_gap_p99=float(np.percentile(np.abs(ours - theirs), 99)),
    )


def write(path: str, rows: list[tuple[int, int, list[int]]]) -> None:
    """Write a client's own measurement: request, sent, and the receive time of each chunk."""
    flat: list[int] = []
    for rid, sent, times in rows:
        flat += [rid, sent, len(times), *times]
    np.array(flat, dtype="<i8").tofile(path)


def read(path: str, *, after_ns: int = 0) -> Streams:
    """What `write` wrote, of the requests sent after the warm-up."""
    flat = np.fromfile(path, dtype="<i8")
    rids, sents, firsts, gaps = [], [], [], []
    at = 0
    while at < len(flat):
        rid, sent, count = flat[at : at + 3].tolist()
        times = flat[at + 3 : at + 3 + count]
        at += 3 + count
        if sent >= after_ns and count:
            rids.append(rid)
            sents.append(sent)
            firsts.append(int(times[0]))
            gaps.append(np.diff(times) / MS)
    return Streams(_integers(rids), _integers(sents), _integers(firsts), gaps)


def _integers(values: list[int]) -> Times:
    return np.array(values, dtype=np.int64)
