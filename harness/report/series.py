"""The run over time: rate, errors, requests in flight and latency per bin of whole seconds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.measure.outcome import Outcome
from harness.report import frame
from harness.report.arrays import NULL, Floats, Ints, Mask
from harness.report.columns import before
from harness.report.documents import document
from harness.report.frame import Frame, latency
from harness.report.report import key, ordered_routes
from harness.report.tally import Good, load_scenarios

MOST_BINS = 300
LEAST_FOR_P95 = 20
LATENCIES = ("ttft", "e2e")
STALL_MS = 1000.0
"""A stream that brought no output for so long between two of them stalled."""
ENDS = ("closed_ns", "done_ns", "last_output_ns", "first_byte_ns", "headers_ns", "sent_ns")


Column = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Middles:
    """The percentiles of each bin, milliseconds; a p95 over fewer than 20 is None."""

    p50: Column
    p95: Column


@dataclass(frozen=True, slots=True)
class RouteSeries:
    """One route over time, an entry per bin; `t_s` are the beginnings of the bins.

    `sent`, the `latencies` by their key and `good`, which also broke no clause, are of the requests
    sent in a bin; `finished`, `errors`, `limited` (429) and `stalls` are of those that ended in it;
    `in_flight` is counted at its end. The `rate` of a last bin that is less than half full is None.
    """

    t_s: Sequence[float]
    rate: Column
    sent: Sequence[int]
    good: Sequence[int]
    finished: Sequence[int]
    errors: Sequence[int]
    limited: Sequence[int]
    stalls: Sequence[int]
    in_flight: Sequence[int]
    latencies: Mapping[str, Middles]

    def document(self) -> dict[str, Any]:
        """One entry of `timeline.routes`."""
        own = {name: list(getattr(self, name)) for name in self.__slots__ if name != "latencies"}
        return {**own, **document(self.latencies)}


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """A load over time, warm-up included, in bins of `width_s`; 0 is at `start_ns`."""

    width_s: int
    start_ns: int | None
    steady_from_s: float | None
    routes: Mapping[str, RouteSeries]


def timeline(rows: Frame, good: Good) -> TimeSeries:
    """The load's scenarios over time."""
    load = rows.where(rows.texts("scenario").among(*load_scenarios(rows)))
    load = load.where(load.known("begun_ns"))
    if not len(load):
        return TimeSeries(1, None, None, {})
    zero = int(load.ints("begun_ns")[0])
    length = float((int(ends(load).max()) - zero) / 1e9)
    width = max(1, math.ceil(length / MOST_BINS))
    edges = np.arange(0, math.floor(length / width) + 2, dtype=np.float64) * width
    routes = load.by("route")
    return TimeSeries(
        width_s=width,
        start_ns=zero,
        steady_from_s=_steady_from(load, zero),
        routes={
            route: _columns(routes[route], good, zero, edges, length)
            for route in ordered_routes(routes)
        },
    )


def ends(rows: Frame) -> Ints:
    """The last thing known of each request; one that was never sent ends when it was due."""
    found = rows.after(ENDS[0])
    for name in ENDS[1:]:
        np.maximum(found, rows.after(name), out=found)
    found = before(found, rows.ints("begun_ns"), "")
    never = found == NULL
    return np.where(never, rows.ints("scheduled_ns"), found) if never.any() else found


def _columns(rows: Frame, good: Good, zero: int, edges: Floats, length: float) -> RouteSeries:
    sent, end = ((times - zero) / 1e9 for times in (rows.ints("begun_ns"), ends(rows)))
    places, bins = np.searchsorted(sent, edges), len(edges) - 1
    ended_in = np.searchsorted(edges, end, side="right") - 1
    limited = rows.texts("outcome").among(Outcome.RATE_LIMITED)

    def ending(mark: Mask) -> list[int]:
        return _whole(np.bincount(ended_in[mark], minlength=bins))

    started, ended = np.diff(places), np.bincount(ended_in, minlength=bins)
    fine = good(rows, "") & (rows.broken == 0)
    width = float(edges[1] - edges[0])
    covered = np.minimum(edges[1:], length) - edges[:-1]
    return RouteSeries(
        t_s=edges[:-1].tolist(),
        rate=[
            float(count / seconds) if seconds >= width / 2 else None
            for count, seconds in zip(ended, covered, strict=True)
        ],
        sent=_whole(started),
        good=_whole(np.diff(np.concatenate([[0], np.cumsum(fine)])[places])),
        finished=_whole(ended),
        errors=ending(rows.failed),
        limited=ending(limited),
        stalls=ending(_stalled(rows)),
        in_flight=_whole(np.cumsum(started) - np.cumsum(ended)),
        latencies={key(metric): _percentiles(rows, metric, zero, edges) for metric in LATENCIES},
    )


def _whole(counts: Any) -> list[int]:
    found: list[int] = counts.tolist()
    return found


def _percentiles(rows: Frame, metric: str, zero: int, edges: Floats) -> Middles:
    """Of the requests sent in each bin, which stand together: rows are in the order of sending."""
    answered = rows.where(rows.ok)
    times = latency(answered, metric).data
    known = ~np.isnan(times)
    sent = (answered.ints("begun_ns")[known] - zero) / 1e9
    bins = [np.sort(each) for each in np.split(times[known], np.searchsorted(sent, edges))[1:-1]]
    p95 = [_quantile(each, 0.95) if len(each) >= LEAST_FOR_P95 else None for each in bins]
    return Middles([_quantile(each, 0.5) for each in bins], p95)


def _quantile(ordered: Floats, share: float) -> float | None:
    """A quantile of sorted values, linearly interpolated; None of none."""
    if not len(ordered):
        return None
    place = share * (len(ordered) - 1)
    below = float(ordered[int(place)])
    part = place % 1
    return below + (float(ordered[int(place) + 1]) - below) * part if part else below


def _stalled(rows: Frame) -> Mask:
    """Whether each stream stalled, or was given up in silence."""
    given_up = rows.texts("outcome").among(Outcome.IDLE_TIMEOUT)
    return given_up | rows.columns.gaps().longer(STALL_MS)[rows.places]


def _steady_from(rows: Frame, zero: int) -> float | None:
    steady = frame.steady(rows)
    return (int(steady.ints("begun_ns")[0]) - zero) / 1e9 if len(steady) else None
