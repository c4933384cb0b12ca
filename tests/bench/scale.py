"""What the report of a large run costs: `make bench-scale`, in processor time and in memory.

A run is made that looks like one of a load, with the columns and the packing of the product, and
its report is built in a process of its own. Exit code 1: a bar is missed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from harness.report import samples
from tests.report.folders import RUN_ID, START_NS, write_run, write_worker

BATCH = 50_000
STEP_NS = 500_000
"""From one request to the next, over all workers."""
WARMUP_SHARE = 0.03
FAILED_SHARE = 0.01
CHECKED_SHARE = 0.1
BLURRED_SHARE = 0.05
"""Of the gaps, those whose bounds differ from them, as on a machine that is not quite idle."""
OBJECTIVES = ("p95(ttft) < 800ms", "p99(inter_chunk) < 1s", "error_rate < 2%", "goodput > 1/s")
BUILD = """
import json, pathlib, re, sys, time
from harness.report.build import build_report
build_report(pathlib.Path(sys.argv[1]))
peak = re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())
print(json.dumps({"cpu_s": time.process_time(), "peak_mb": int(peak[1]) * 1024 / 1e6}))
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A run of so many rows, each with so many gaps, in so many files; and what it may cost."""

    rows: int
    gaps: int
    files: int = 1
    cpu_s: float | None = None
    peak_mb: float | None = None

    @property
    def name(self) -> str:
        """The case in words."""
        files = "1 file" if self.files == 1 else f"{self.files} files"
        return f"{self.rows:,} rows, {self.gaps} gaps each, {files}"


CASES = (
    Case(1_000_000, 20, cpu_s=6.0, peak_mb=600.0),
    Case(10_000_000, 0, cpu_s=20.0, peak_mb=1000.0),
    Case(1_000_000, 20, files=8, cpu_s=6.0, peak_mb=600.0),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a report took."""

    cpu_s: float
    peak_mb: float

    def met(self, case: Case) -> bool:
        """Whether both bars hold, of those that the case has."""
        return self.cpu_s <= (case.cpu_s or self.cpu_s) and self.peak_mb <= (
            case.peak_mb or self.peak_mb
        )


def measure(case: Case, folder: Path) -> Cost:
    """Make the run in a folder, and its report in a process of its own."""
    make(folder, case)
    made = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)], check=True, capture_output=True, text=True
    )
    return Cost(**json.loads(made.stdout))


def make(folder: Path, case: Case, *, streams: bool = False) -> Path:
    """A run folder of a case, with Parquet files or, as a worker leaves it, Arrow streams."""
    write_run(folder, [], thresholds=OBJECTIVES, worker=False, rate=1e9 / STEP_NS)
    (folder / "samples" / "load-0.arrows").unlink()
    for worker in range(case.files):
        name = f"load-{worker}"
        count = len(range(worker, case.rows, case.files))
        write_worker(folder, worker=name, records=count, sent=count)
        place = folder / "samples" / name
        batches = _batches(case, worker)
        if streams:
            with pa.ipc.new_stream(str(place.with_suffix(".arrows")), samples.schema()) as stream:
                for batch in batches:
                    stream.write_table(batch)
        else:
            parquet = place.with_suffix(".parquet")
            with pq.ParquetWriter(parquet, samples.schema(), **samples.PARQUET) as writer:
                for batch in batches:
                    writer.write_table(batch)
    return folder


def _batches(case: Case, worker: int) -> Iterator[pa.Table]:
    """The rows of one worker, in the order in which its requests ended."""
    rng = np.random.default_rng(worker)
    places = np.arange(worker, case.rows, case.files)
    for start in range(0, len(places), BATCH):
        yield _batch(case, worker, places[start : start + BATCH], rng)


def _batch(
    case: Case, worker: int, places: npt.NDArray[np.int64], rng: np.random.Generator
) -> pa.Table:
    n = len(places)
    due = START_NS + places * STEP_NS
    sent = due + rng.exponential(80_000, n).astype(np.int64)
    ttft = rng.lognormal(np.log(120e6), 0.3, n).astype(np.int64)
    gaps = np.maximum(rng.lognormal(np.log(20e6), 0.3, (n, case.gaps)), 0).astype(np.int64)
    length = gaps.sum(axis=1) if case.gaps else rng.lognormal(np.log(400e6), 0.2, n).astype(int)
    first = sent + ttft
    last, done = first + length, first + length + 200_000
    order = np.argsort(done, kind="stable")
    failed = rng.random(n) < FAILED_SHARE
    checked = rng.random(n) < CHECKED_SHARE
    limited = failed & (rng.random(n) < 0.3)
    seq = places // case.files
    name = f"load-{worker}"

    def moment(values: Any) -> Any:
        return pa.array(values, pa.int64(), mask=failed)

    def blur(share: float) -> Any:
        return moment(np.where(rng.random(n) < share, rng.exponential(30_000, n), 0).astype(int))

    def texts(values: Any) -> Any:
        return pa.array(np.asarray(values, dtype=object), pa.string())

    rare = np.where(rng.random(n) < 0.001, 1, 0)
    columns: dict[str, Any] = {
        "run_id": texts([RUN_ID] * n),
        "worker": texts([name] * n),
        "seq": seq,
        "event_id": texts([f"{RUN_ID}-{name}-{each}" for each in seq.tolist()]),
        "scenario": texts(["mixed"] * n),
        "phase": texts(np.where(places < case.rows * WARMUP_SHARE, "warmup", "steady")),
        "route": texts(np.array(["native", "compat", "model"], dtype=object)[places % 3]),
        "stream": np.ones(n, dtype=bool),
        "status": np.where(limited, 429, np.where(failed, 503, 200)).astype(np.int16),
        "outcome": texts(np.where(limited, "rate_limited", np.where(failed, "http_5xx", "ok"))),
        "scheduled_ns": due,
        "sent_ns": sent,
        "headers_ns": sent + ttft // 2,
        "first_byte_ns": moment(first - 100_000),
        "first_event_ns": moment(first - 100_000),
        "first_role_ns": moment(first - 100_000),
        "first_output_ns": moment(first),
        "first_answer_ns": moment(first),
        "last_output_ns": moment(last),
        "usage_ns": moment(last + 100_000),
        "done_ns": np.where(failed, sent + ttft, done),
        "send_blur_ns": rng.exponential(20_000, n).astype(np.int64),
        "first_byte_blur_ns": blur(1.0),
        "first_output_blur_ns": blur(0.3),
        "first_answer_blur_ns": blur(0.3),
        "last_output_blur_ns": blur(1.0),
        "done_blur_ns": np.zeros(n, dtype=np.int64),
        "blur_ns": rng.exponential(30_000, n).astype(np.int64),
        **_gaps(gaps, failed, rng),
        "output_chunks": np.where(failed, 0, max(case.gaps, 20) + 1).astype(np.int32),
        "coalesced": rng.binomial(2, 0.1, n).astype(np.int32),
        "burst_chunks": np.zeros(n, dtype=np.int32),
        "prompt_tokens": moment(rng.integers(90, 130, n)),
        "completion_tokens": moment(np.full(n, max(case.gaps, 20) + 1)),
        "reasoning_tokens": moment(np.zeros(n, dtype=np.int64)),
        "cached_tokens": moment(rng.integers(0, 90, n)),
        "finish_reason": pa.array(["stop"] * n, pa.string(), mask=failed),
        "violations": _marks(rare & checked & ~failed, "stream.usage"),
        "checked": checked,
        "check_share": pa.array(np.full(n, 0.1), pa.float64(), mask=~checked),
        "odd": _marks(np.where(rng.random(n) < 0.005, 1, 0) & ~failed, "one_piece"),
        "cache_status": pa.array(["MISS"] * n, pa.string(), mask=failed),
        "log_id": texts([f"{worker:04x}-{each:012x}" for each in rng.integers(0, 2**47, n)]),
        "cf_ray": texts([f"{each:016x}-FRA" for each in rng.integers(0, 2**62, n)]),
        "message": pa.array(["the target is busy"] * n, pa.string(), mask=~failed),
        "reused": rng.random(n) < 0.99,
        "rtt_ns": rng.exponential(2e6, n).astype(np.int64),
        "retransmits": np.zeros(n, dtype=np.int32),
    }
    arrays = [
        pa.nulls(n, field.type)
        if field.name not in columns
        else columns[field.name]
        if isinstance(columns[field.name], pa.Array)
        else pa.array(columns[field.name], field.type)
        for field in samples.schema()
    ]
    return pa.table(arrays, schema=samples.schema()).take(order)


def _gaps(
    gaps: npt.NDArray[np.int64], failed: npt.NDArray[np.bool_], rng: np.random.Generator
) -> dict[str, Any]:
    """Gaps and their bounds; a request that failed has none."""
    lengths = np.where(failed, 0, gaps.shape[1])
    offsets: Any = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    flat = gaps[~failed].ravel() / 1e6
    early = np.where(rng.random(len(flat)) < BLURRED_SHARE, flat * 0.9, flat)
    late = np.where(rng.random(len(flat)) < BLURRED_SHARE / 2, flat * 1.1, flat)
    named = {"gap_ms": flat, "gap_low_ms": early, "gap_high_ms": late}
    return {
        name: pa.ListArray.from_arrays(offsets, pa.array(values)) for name, values in named.items()
    }


def _marks(some: npt.NDArray[Any], text: str) -> Any:
    """Lists of texts: one in some rows, none in the others."""
    flags = some.astype(bool)
    offsets: Any = pa.array(np.concatenate([[0], np.cumsum(flags)]).astype(np.int32))
    texts = pa.array([text] * int(flags.sum()), pa.string())
    return pa.ListArray.from_arrays(offsets, texts)


def _line(case: Case, cost: Cost) -> str:
    bars = [
        f"{value:,.1f} {unit}" + ("" if bar is None else f" (bar {bar:,.0f})")
        for value, bar, unit in (
            (cost.cpu_s, case.cpu_s, "CPU s"),
            (cost.peak_mb, case.peak_mb, "MB"),
        )
    ]
    met = "met" if cost.met(case) else "missed"
    return f"{case.name}: {', '.join(bars)}: {met}; load average {os.getloadavg()[0]:.2f}"


def _cases(arguments: argparse.Namespace) -> Sequence[Case]:
    if arguments.rows is None:
        return CASES
    return (Case(arguments.rows, arguments.gaps, arguments.files),)


def main() -> int:
    """Measure the cases, or one that was asked for; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="tests.bench.scale", description=__doc__)
    parser.add_argument("--rows", type=int, help="one case of so many rows, without bars")
    parser.add_argument("--gaps", type=int, default=20)
    parser.add_argument("--files", type=int, default=1)
    missed = False
    for case in _cases(parser.parse_args()):
        with tempfile.TemporaryDirectory() as folder:
            cost = measure(case, Path(folder))
        sys.stdout.write(f"{_line(case, cost)}\n")
        sys.stdout.flush()
        missed |= not cost.met(case)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
