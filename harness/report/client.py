"""The measuring side about itself: how exact it was, when it did not run, how late its loop was.

Each load worker leaves one JSON file in `workers/`; a run without them says that it does not know.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.measure.histogram import Histogram
from harness.report.arrays import as_floats
from harness.report.frame import Frame
from harness.report.series import ends

FOLDER = "workers"
PLAN = ".plan.json"
KERNEL_SHARE = 0.01
WORST = ("ttft_ms", "inter_chunk_ms", "e2e_ms")
SUMMED = ("max_rate", "streams", "chunks_per_second")


@dataclass(frozen=True, slots=True)
class Workers:
    """What each worker last said of itself, and the files that cannot be read."""

    reports: tuple[Mapping[str, Any], ...] = ()
    unreadable: tuple[str, ...] = ()

    def of(self, load: str) -> "Workers":
        """Those of one load."""
        own = (each for each in self.reports if str(each["worker"]).startswith(f"{load}-"))
        return Workers(tuple(own), self.unreadable)


def read_workers(folder: Path) -> Workers:
    """Read the reports of a run folder; JSON that is no worker's is passed over."""
    reports, unreadable = [], []
    for path in sorted((folder / FOLDER).glob("*.json")):
        if path.name.endswith(PLAN):
            continue
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(document, dict) and isinstance(document.get("worker"), str):
                Histogram.from_dict(document["loop_lag"])
                reports.append(document)
        except (OSError, ValueError, KeyError, TypeError):
            unreadable.append(path.name)
    return Workers(tuple(reports), tuple(unreadable))


def describe(
    workers: Workers, rows: Frame, *, clocks: Mapping[str, int], noise_floor: Any = None
) -> dict[str, Any]:
    """The `client` part of `summary.json`; null where nobody measured it.

    `clocks` says by how much the clock of a worker differs from that of `rows`, `noise_floor` what
    a calibration found where the workers say nothing.
    """
    reports = workers.reports
    lag, layers = Histogram(), Counter[str]()
    for worker in reports:
        lag.merge(Histogram.from_dict(worker["loop_lag"]))
        for tally in worker.get("routes", {}).values():
            layers.update(tally.get("layers", {}))
    reads = sum(worker.get("reads", 0) for worker in reports)
    unstamped = sum(worker.get("unstamped", 0) for worker in reports)
    return {
        "workers": len(reports),
        "unreadable": list(workers.unreadable),
        "noise_floor": noise_floor_of(reports) or noise_floor,
        "loop_lag_ms": _lag_ms(lag) if reports else None,
        "kernel_times": unstamped <= reads * KERNEL_SHARE if reads else None,
        "cpu_share": max((_cpu(worker) for worker in reports), default=None),
        "records": sum(worker.get("records", 0) for worker in reports) if reports else None,
        "unfinished": [w["worker"] for w in reports if w.get("state") != "closed"],
        "failed_layers": dict(layers.most_common()),
        "pauses": pauses(reports, rows, clocks=clocks),
    }


def noise_floor_of(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The floor of all workers together: their worst errors and their summed rates.

    None when any of them does not know its own.
    """
    found = [worker.get("noise_floor") for worker in reports]
    floors = [floor for floor in found if isinstance(floor, dict)]
    if not floors or len(floors) < len(found):
        return None
    errors = {name: _worst_error(floors, name) for name in WORST}
    costs = {
        name: _most([floor.get(name) for floor in floors])
        for name in ("cpu_us_per_request", "cpu_us_per_chunk")
    }
    return {**errors, **costs, **{name: _total(floors, name) for name in SUMMED}}


def pauses(
    reports: Sequence[Mapping[str, Any]], rows: Frame, *, clocks: Mapping[str, int]
) -> list[dict[str, Any]]:
    """When each worker did not run, for what share of the load's time, and the share of all
    requests that were under way then.
    """
    found: list[dict[str, Any]] = []
    if not any(worker.get("pauses") for worker in reports):
        return found
    begun = np.where(rows.known("scheduled_ns"), rows.ints("scheduled_ns"), rows.ints("sent_ns"))
    begun, ended = (as_floats(column) for column in (begun, ends(rows)))
    known = np.concatenate([begun, ended])
    known = known[np.isfinite(known)]
    whole_ns = float(np.ptp(known)) if len(known) else 0.0
    for worker in reports:
        name = str(worker["worker"])
        hit = np.zeros(len(rows), dtype=bool)
        told = [(at + clocks.get(name, 0), length) for at, length in worker.get("pauses") or ()]
        for at, length in told:
            hit |= (begun < at + length) & (ended > at)
        hit &= rows.texts("worker").among(name)
        if told:
            begun_ns, lengths = [at for at, _ in told], [length / 1e6 for _, length in told]
            share = float(hit.mean()) if len(hit) else 0.0
            stood = min(math.fsum(lengths) * 1e6 / whole_ns, 1.0) if whole_ns else 1.0
            of = {"worker": name, "begun_ns": begun_ns, "lengths_ms": lengths}
            found.append({**of, "share": share, "time_share": stood})
    return found


def _worst_error(floors: Sequence[Mapping[str, Any]], metric: str) -> dict[str, float | None]:
    errors = [floor.get(metric) or {} for floor in floors]
    return {name: _most([error.get(name) for error in errors]) for name in ("p50", "p99")}


def _most(values: Sequence[Any]) -> float | None:
    return max((float(value) for value in values if value is not None), default=None)


def _total(floors: Sequence[Mapping[str, Any]], name: str) -> float | None:
    known = [floor[name] for floor in floors if floor.get(name) is not None]
    return sum(known) if known else None


def _lag_ms(lag: Histogram) -> dict[str, float | None]:
    found = {"p50": lag.quantile(0.5), "p99": lag.quantile(0.99), "max": lag.max}
    return {name: None if value is None else value / 1e6 for name, value in found.items()}


def _cpu(worker: Mapping[str, Any]) -> float:
    """The share of one core that a worker used since it started."""
    elapsed = (worker.get("updated_ns", 0) - worker.get("started_ns", 0)) / 1e9
    return float(worker.get("cpu_s", 0.0) / elapsed) if elapsed > 0 else 0.0
