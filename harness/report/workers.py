"""What each load worker left of itself: one JSON file in `workers/`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.measure.histogram import Histogram
from harness.measure.metrics import ERROR_OF, SCHEDULED
from harness.report.documents import fields_of, read

FOLDER = "workers"
PLAN = ".plan.json"


@dataclass(frozen=True, slots=True)
class Error:
    """How far a latency of the client was off, milliseconds."""

    p50: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """What a calibration found: errors, costs in microseconds of processor time, and rates."""

    ttft_ms: Error = Error()
    inter_chunk_ms: Error = Error()
    e2e_ms: Error = Error()
    cpu_us_per_request: float | None = None
    cpu_us_per_chunk: float | None = None
    cpu_share: float | None = None
    max_rate: float | None = None
    streams: float | None = None
    chunks_per_second: float | None = None

    def error_ms(self, metric: str) -> float | None:
        """What the client is wrong by for a latency at p99; None where that is not known."""
        plain = metric.removesuffix(SCHEDULED)
        errors = {"ttft_ms": self.ttft_ms, "inter_chunk_ms": self.inter_chunk_ms}
        found = {**errors, "e2e_ms": self.e2e_ms}.get(ERROR_OF.get(plain, ""))
        return None if found is None else found.p99

    def document(self) -> dict[str, Any]:
        """The `noise_floor` of `summary.json`; several workers have no share of one core."""
        told = fields_of(self)
        if self.cpu_share is None:
            del told["cpu_share"]
        return told


@dataclass(frozen=True, slots=True)
class Blamed:
    """The layers that failed on a route, counted."""

    layers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkerCounts:
    """What a worker last said; moments are nanoseconds of its clock, of `pauses` also lengths.

    `harness.load.progress` writes it, and knows what each field means.
    """

    worker: str
    loop_lag: Histogram
    state: str = ""
    started_ns: int = 0
    updated_ns: int = 0
    cpu_s: float = 0.0
    records: int = 0
    sent: int | None = None
    reads: int = 0
    unstamped: int = 0
    routes: Mapping[str, Blamed] = field(default_factory=dict)
    pauses: tuple[tuple[int, int], ...] = ()
    noise_floor: CalibrationResult | None = None
    paced_to: float | None = None
    limit_learned: bool = False
    never_sent: int = 0

    @property
    def closed(self) -> bool:
        """Whether it ended in order."""
        return self.state == "closed"

    @property
    def cpu_share(self) -> float:
        """The share of one core that it used since it started."""
        elapsed_s = (self.updated_ns - self.started_ns) / 1e9
        return self.cpu_s / elapsed_s if elapsed_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Workers:
    """What each worker last said of itself, and the files that cannot be read."""

    reports: tuple[WorkerCounts, ...] = ()
    unreadable: tuple[str, ...] = ()

    def of(self, load: str) -> "Workers":
        """Those of one load."""
        own = (each for each in self.reports if sent_for(load, each.worker))
        return Workers(tuple(own), self.unreadable)


def sent_for(load: str, worker: str) -> bool:
    """Whether a worker sent for a load, by its name, which that of its file begins with."""
    return worker.startswith(f"{load}-")


def read_workers(folder: Path) -> Workers:
    """Read the reports of a run folder; JSON that is no worker's is passed over."""
    reports, unreadable = [], []
    for path in sorted((folder / FOLDER).glob("*.json")):
        if path.name.endswith(PLAN):
            continue
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(document, dict) and isinstance(document.get("worker"), str):
                reports.append(read(WorkerCounts, document, path.name))
        except (OSError, ValueError, UsageError):
            unreadable.append(path.name)
    return Workers(tuple(reports), tuple(unreadable))


def read_floor(found: Any, where: str) -> CalibrationResult | None:
    """What a manifest has as `noise_floor`; None where nothing was calibrated."""
    return read(CalibrationResult, found, where) if found else None
