"""What each Locust process says of itself while it runs, and the sum over all of them.

One JSON file per worker beside the samples' folder, replaced whole, so that a reader never sees
half.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness.load.tally import RouteTally
from harness.measure.histogram import Histogram
from harness.measure.validity import kernel_times

FOLDER = "workers"
SCHEMA_VERSION = 1
SILENCE_NS = 10_000_000_000
"""A worker writes its report every second."""


class State(StrEnum):
    """Where a worker is in its life."""

    RUNNING = "running"
    DRAINED = "drained"
    """Nothing more will be sent and nothing is awaited."""
    CLOSED = "closed"
    """Every sample is written and the file has its end."""


@dataclass(slots=True)
class WorkerReport:
    """One worker's counts; times are CLOCK_MONOTONIC nanoseconds of its machine.

    `records` are the samples handed to the kernel. `unstamped` of `reads` had no receive time of
    the kernel. `sent` requests were begun to be sent. `pauses` are start and length of the times in
    which the process did not run. `loop_lag` holds how much later than asked the worker's loop
    woke up, nanoseconds. `noise_floor` is what its calibration found, `floor_reason` why there is
    none, and `beyond` what the plan asks for beyond it. `clock` is one moment on both clocks of a
    worker on another machine (`wall_ns`, `monotonic_ns`), whose samples bear that machine's
    CLOCK_MONOTONIC; its report bears its master's. `paced_to` is how many requests per second left
    at most for a quota, which was `limit_learned` from refusals or else declared; `never_sent` were
    due, and were held back until the load had ended.
    """

    worker: str
    pid: int
    started_ns: int
    updated_ns: int = 0
    state: State = State.RUNNING
    in_flight: int = 0
    records: int = 0
    exhausted: str | None = None
    failure: str | None = None
    errno: int | None = None
    tokens: int = 0
    cost: float = 0.0
    cpu_s: float = 0.0
    connections: int = 0
    reused: int = 0
    reads: int = 0
    unstamped: int = 0
    sent: int = 0
    pauses: list[tuple[int, int]] = field(default_factory=list)
    noise_floor: dict[str, Any] | None = None
    floor_reason: str | None = None
    beyond: str | None = None
    loop_lag: Histogram = field(default_factory=Histogram)
    routes: dict[str, RouteTally] = field(default_factory=dict)
    clock: dict[str, int] | None = None
    paced_to: float | None = None
    limit_learned: bool = False
    never_sent: int = 0

    def lost(self, now_ns: int) -> bool:
        """Whether the worker has gone silent without closing its file: it was killed."""
        return self.state is not State.CLOSED and now_ns - self.updated_ns > SILENCE_NS

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; `loop_lag_ms` repeats the lag for readers."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {
            "schema_version": SCHEMA_VERSION,
            **plain,
            "loop_lag": self.loop_lag.to_dict(),
            "loop_lag_ms": self.loop_lag.summary_ms(),
            "routes": {route: tally.to_dict() for route, tally in self.routes.items()},
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "WorkerReport":
        """What `to_dict` wrote."""
        plain = {name: document[name] for name in cls.__slots__ if name in document}
        plain["state"] = State(plain["state"])
        plain["loop_lag"] = Histogram.from_dict(plain["loop_lag"])
        plain["routes"] = {r: RouteTally.from_dict(one) for r, one in plain["routes"].items()}
        return cls(**plain)


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """All workers together; `elapsed_s` since the first one started sending.

    `doing` says what the load waits for or does, `page` where Locust's page is.
    """

    elapsed_s: float = 0.0
    routes: Mapping[str, RouteTally] = field(default_factory=dict)
    in_flight: int = 0
    records: int = 0
    exhausted: str | None = None
    failure: str | None = None
    errno: int | None = None
    states: tuple[State, ...] = ()
    loop_lag: Histogram = field(default_factory=Histogram)
    reads: int = 0
    unstamped: int = 0
    floor_reason: str | None = None
    beyond: str | None = None
    doing: str = ""
    page: str | None = None

    @property
    def requests(self) -> int:
        """Logical requests that have ended."""
        return sum(tally.requests for tally in self.routes.values())

    @property
    def errors(self) -> int:
        """Those that did not end well."""
        return sum(tally.errors for tally in self.routes.values())

    @property
    def kernel_times(self) -> bool:
        """Whether the kernel stamped all but a few of the reads."""
        return kernel_times(unstamped=self.unstamped, reads=self.reads)


def write_report(folder: Path, report: WorkerReport) -> None:
    """Replace the worker's file."""
    path = folder / FOLDER / f"{report.worker}.json"
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(report.to_dict()), encoding="utf-8")
    draft.replace(path)


def stamps(folder: Path, name: str) -> tuple[int, ...]:
    """When each report of the load `name` was written: cheaper to look at than to read them."""
    return tuple(path.stat().st_mtime_ns for path in _reports(folder, name))


def read_reports(folder: Path, name: str) -> tuple[WorkerReport, ...]:
    """The reports of all workers of the load `name` that have written one."""
    paths = _reports(folder, name)
    return tuple(WorkerReport.from_dict(json.loads(path.read_text("utf-8"))) for path in paths)


def _reports(folder: Path, name: str) -> list[Path]:
    return sorted((folder / FOLDER).glob(f"{name}-*.json"))


def add_up(reports: Iterable[WorkerReport]) -> LoadProgress:
    """The sum over all workers of one machine."""
    reports = tuple(reports)
    if not reports:
        return LoadProgress()
    routes: dict[str, RouteTally] = {}
    lag = Histogram()
    for report in reports:
        lag.merge(report.loop_lag)
        for route, tally in report.routes.items():
            routes.setdefault(route, RouteTally()).merge(tally)
    first_ns = min(report.started_ns for report in reports)
    return LoadProgress(
        elapsed_s=(max(report.updated_ns for report in reports) - first_ns) / 1e9,
        routes=routes,
        in_flight=sum(report.in_flight for report in reports),
        records=sum(report.records for report in reports),
        exhausted=next((report.exhausted for report in reports if report.exhausted), None),
        failure=next((report.failure for report in reports if report.failure), None),
        errno=next((report.errno for report in reports if report.errno), None),
        states=tuple(report.state for report in reports),
        loop_lag=lag,
        reads=sum(report.reads for report in reports),
        unstamped=sum(report.unstamped for report in reports),
        floor_reason=next((one.floor_reason for one in reports if one.floor_reason), None),
        beyond=next((one.beyond for one in reports if one.beyond), None),
    )
