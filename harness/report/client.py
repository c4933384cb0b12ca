"""The measuring side about itself: how late its loop was, and whether its records are whole.

Each load worker leaves one JSON file in `workers/`; a run without them says that it does not know.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.measure.histogram import Histogram

FOLDER = "workers"
KERNEL_SHARE = 0.01
LAG_ALLOWED = {True: (100.0, 0.2), False: (5.0, 0.02)}
"""How late the loop may be at p99: milliseconds or a share of the median TTFT, whichever is more.

With receive times of the kernel (True) a late loop moves no event; without them all of its lateness
is in the latencies.
"""


def read_workers(folder: Path) -> list[Mapping[str, Any]]:
    """What each worker last said of itself; a file that cannot be read is left out."""
    return [report for path in sorted((folder / FOLDER).glob("*.json")) for report in _read(path)]


def describe(workers: Iterable[Mapping[str, Any]], noise_floor: Any = None) -> dict[str, Any]:
    """The `client` part of `summary.json`; null where nobody measured it."""
    workers = list(workers)
    lag, layers = Histogram(), Counter[str]()
    for worker in workers:
        lag.merge(Histogram.from_dict(worker["loop_lag"]))
        for tally in worker.get("routes", {}).values():
            layers.update(tally.get("layers", {}))
    reads = sum(worker.get("reads", 0) for worker in workers)
    unstamped = sum(worker.get("unstamped", 0) for worker in workers)
    return {
        "workers": len(workers),
        "noise_floor": noise_floor,
        "loop_lag_ms": _lag_ms(lag) if workers else None,
        "kernel_times": unstamped <= reads * KERNEL_SHARE if reads else None,
        "cpu_share": max((_cpu(worker) for worker in workers), default=None),
        "records": sum(worker.get("records", 0) for worker in workers) if workers else None,
        "unfinished": [w["worker"] for w in workers if w.get("state") != "closed"],
        "failed_layers": dict(layers.most_common()),
    }


def saturation(client: Mapping[str, Any], ttft_ms: float | None) -> str | None:
    """Why the client was too late for its numbers to be trusted; None when it was not."""
    lag, known = client["loop_lag_ms"], client["kernel_times"]
    if not lag or lag["p99"] is None or ttft_ms is None:
        return None
    least, part = LAG_ALLOWED[bool(known)]
    allowed = max(least, part * ttft_ms)
    if lag["p99"] <= allowed:
        return None
    late = f"its loop was {lag['p99']:.1f} ms late at p99, {allowed:.1f} ms are allowed"
    return f"the client was saturated: {late}; use more --processes or less load"


def _read(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        Histogram.from_dict(document["loop_lag"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if isinstance(document.get("worker"), str):
        yield document


def _lag_ms(lag: Histogram) -> dict[str, float | None]:
    found = {"p50": lag.quantile(0.5), "p99": lag.quantile(0.99), "max": lag.max}
    return {name: None if value is None else value / 1e6 for name, value in found.items()}


def _cpu(worker: Mapping[str, Any]) -> float:
    """The share of one core that a worker used since it started."""
    elapsed = (worker.get("updated_ns", 0) - worker.get("started_ns", 0)) / 1e9
    return float(worker.get("cpu_s", 0.0) / elapsed) if elapsed > 0 else 0.0
