"""The measuring side about itself: how exact it was, when it did not run, how late its loop was.

A run whose load workers left no report says that it does not know.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.measure.histogram import Histogram
from harness.measure.validity import kernel_times
from harness.report.arrays import as_floats
from harness.report.frame import Frame
from harness.report.report import Lags
from harness.report.series import ends
from harness.report.workers import CalibrationResult, Error, WorkerCounts, Workers


@dataclass(frozen=True, slots=True)
class ClientPauses:
    """When a worker did not run: each beginning, as in the samples, and its length.

    `share` is that of all requests that were under way then, `time_share` that of the load's time.
    """

    worker: str
    begun_ns: tuple[int, ...]
    lengths_ms: tuple[float, ...]
    share: float
    time_share: float


@dataclass(frozen=True, slots=True)
class LoadGenerator:
    """The measuring side; None where nobody measured it.

    `workers` left a report of themselves, `unfinished` of these did not end in order, `unreadable`
    reports could not be read. `cpu_share` is the busiest worker's of one core.
    """

    workers: int
    unreadable: tuple[str, ...]
    noise_floor: CalibrationResult | None
    loop_lag_ms: Lags | None
    kernel_times: bool | None
    cpu_share: float | None
    records: int | None
    unfinished: tuple[str, ...]
    failed_layers: Mapping[str, int]
    pauses: tuple[ClientPauses, ...]

    def error_ms(self, metric: str) -> float | None:
        """What it is wrong by for a latency at p99; None where that is not known."""
        return None if self.noise_floor is None else self.noise_floor.error_ms(metric)


def describe(
    workers: Workers,
    rows: Frame,
    *,
    clocks: Mapping[str, int],
    noise_floor: CalibrationResult | None = None,
) -> LoadGenerator:
    """The client of a run.

    `clocks` says by how much the clock of a worker differs from that of `rows`, `noise_floor` what
    a calibration found where the workers say nothing.
    """
    reports = workers.reports
    lag, layers = Histogram(), Counter[str]()
    for worker in reports:
        lag.merge(worker.loop_lag)
        for tally in worker.routes.values():
            layers.update(tally.layers)
    reads = sum(worker.reads for worker in reports)
    unstamped = sum(worker.unstamped for worker in reports)
    return LoadGenerator(
        workers=len(reports),
        unreadable=workers.unreadable,
        noise_floor=noise_floor_of(reports) or noise_floor,
        loop_lag_ms=Lags(**lag.summary_ms()) if reports else None,
        kernel_times=kernel_times(unstamped=unstamped, reads=reads) if reads else None,
        cpu_share=max((worker.cpu_share for worker in reports), default=None),
        records=sum(worker.records for worker in reports) if reports else None,
        unfinished=tuple(worker.worker for worker in reports if not worker.closed),
        failed_layers=dict(layers.most_common()),
        pauses=tuple(pauses(reports, rows, clocks=clocks)),
    )


def noise_floor_of(reports: Sequence[WorkerCounts]) -> CalibrationResult | None:
    """The floor of all workers together: their worst errors and their summed rates.

    None when any of them does not know its own.
    """
    floors = [worker.noise_floor for worker in reports if worker.noise_floor is not None]
    if not floors or len(floors) < len(reports):
        return None
    return CalibrationResult(
        ttft_ms=_worst(floor.ttft_ms for floor in floors),
        inter_chunk_ms=_worst(floor.inter_chunk_ms for floor in floors),
        e2e_ms=_worst(floor.e2e_ms for floor in floors),
        cpu_us_per_request=_most(floor.cpu_us_per_request for floor in floors),
        cpu_us_per_chunk=_most(floor.cpu_us_per_chunk for floor in floors),
        max_rate=_total(floor.max_rate for floor in floors),
        streams=_total(floor.streams for floor in floors),
        chunks_per_second=_total(floor.chunks_per_second for floor in floors),
    )


def pauses(
    reports: Sequence[WorkerCounts], rows: Frame, *, clocks: Mapping[str, int]
) -> Iterator[ClientPauses]:
    """When each worker did not run, for what share of the load's time, and the share of all
    requests that were under way then.
    """
    if not any(worker.pauses for worker in reports):
        return
    begun = np.where(rows.known("scheduled_ns"), rows.ints("scheduled_ns"), rows.ints("sent_ns"))
    begun, ended = (as_floats(column) for column in (begun, ends(rows)))
    known = np.concatenate([begun, ended])
    known = known[np.isfinite(known)]
    whole_ns = float(np.ptp(known)) if len(known) else 0.0
    for worker in reports:
        hit = np.zeros(len(rows), dtype=bool)
        told = [(at + clocks.get(worker.worker, 0), length) for at, length in worker.pauses]
        for at, length in told:
            hit |= (begun < at + length) & (ended > at)
        hit &= rows.texts("worker").among(worker.worker)
        if told:
            lengths = tuple(length / 1e6 for _, length in told)
            yield ClientPauses(
                worker=worker.worker,
                begun_ns=tuple(at for at, _ in told),
                lengths_ms=lengths,
                share=float(hit.mean()) if len(hit) else 0.0,
                time_share=min(math.fsum(lengths) * 1e6 / whole_ns, 1.0) if whole_ns else 1.0,
            )


def _worst(errors: Iterable[Error]) -> Error:
    found = list(errors)
    return Error(_most(each.p50 for each in found), _most(each.p99 for each in found))


def _most(values: Iterable[float | None]) -> float | None:
    return max((float(value) for value in values if value is not None), default=None)


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
