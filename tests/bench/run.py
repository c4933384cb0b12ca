"""How far our figures are from the truth, and what they cost: `make bench`.

Each line is one load against `truth_server.c`, which keeps an exact schedule and writes down when
it sent what. Client and server share the machine; each has a processor of its own where there are
two.
"""

import argparse
import os
import sys
import tempfile
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from harness.bundled import folder as bundled_folder
from harness.load.launch import Locust, launch
from harness.load.outcome import LoadOutcome
from harness.load.plan import Identity, LoadPlan
from harness.load.progress import read_reports
from harness.routes.address import Address
from tests.bench.truth import Truth, truth_server

LIMIT_TTFT_MS = 1.0
LIMIT_GAP_MS = 0.2
HEAD = (
    *("load", "requests", "rate /s", "TTFT p50 p99", "error p50 p99", "gap p50 p99", "error p50"),
    *("merged", "lag p99", "cores", "us/request", "us/chunk"),
)
WIDTHS = (22, 8, 7, 16, 14, 16, 9, 7, 7, 5, 10, 8)


@dataclass(frozen=True)
class Case:
    """One load and the server's schedule for it."""

    name: str
    schedule: dict[str, int]
    plan: dict[str, Any]
    judged: bool = False


STREAM = {"ttft_us": 50_000, "gap_us": 10_000, "n": 100}
CASES = (
    Case("100 streams", STREAM, {"users": 100}, judged=True),
    Case("10 streams", STREAM, {"users": 10}),
    Case("200 streams", STREAM, {"users": 200}),
    Case("400 streams", STREAM, {"users": 400}),
    Case("plain, 32 at once", {"delay_us": 0}, {"users": 32, "stream": False}),
    Case("constant 200/s, plain", {"delay_us": 5_000}, {"rate": 200.0, "stream": False}),
)


def main() -> int:
    """Run the cases that were asked for; 1 when a judged one is off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="run the cases whose name contains this text")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each load")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    off = []
    show(HEAD)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with truth_server(folder, seconds=600, cpu=0) as truth:
            for case in CASES:
                if options.only is None or options.only in case.name:
                    off += run(case, truth, folder / uuid.uuid4().hex, options.seconds)
    for sentence in off:
        sys.stdout.write(f"off: {sentence}\n")
    return 1 if off else 0


def run(case: Case, truth: Truth, folder: Path, seconds: float) -> list[str]:
    """Print one line of the table; what is off."""
    folder.mkdir()
    truth.configure(**case.schedule)
    plan = LoadPlan(
        run_id=uuid.uuid4().hex[:8],
        folder=str(folder),
        address=Address(truth.origin, "acc", "gw"),
        model="mock-model",
        warmup_s=2.0,
        duration_s=seconds,
        rid_header="x-rid",
    )
    plan = replace(plan, **case.plan)
    outcome = launch(plan, Identity(), Locust(bundled_folder("locustfiles") / "native.py"))
    samples = read_samples(folder)
    record, chunk_times = truth.record(folder)
    places = {rid: place for place, rid in enumerate(record["rid"].tolist())}
    steady = np.array(samples["phase"]) == "steady"
    order = [places[seq] for seq in samples["seq"] if seq in places]
    if set(places) != set(samples["seq"]):
        return [f"{case.name}: the server's records and the samples are not the same requests"]
    ttft, ttft_true = ttfts(samples, record, order, steady)
    gaps = np.concatenate(
        [np.array(g) for g, s in zip(samples["gap_ms"], steady, strict=True) if s]
    )
    gaps = gaps[gaps > 0]  # as reports do: what shared a receive time says nothing of its gap
    gaps_true = true_gaps(record, chunk_times, order, steady)
    error = np.percentile(ttft - ttft_true, 50), np.percentile(np.abs(ttft - ttft_true), 99)
    gap_error = np.percentile(gaps, 50) - np.percentile(gaps_true, 50) if gaps.size else 0.0
    measured = (
        f"{steady.sum() / seconds:.0f}",
        pair(ttft),
        f"{error[0]:.3f} {error[1]:.3f}",
        pair(gaps),
        f"{gap_error:.4f}" if gaps.size else "-",
    )
    show((case.name, str(len(samples["seq"])), *measured, *cost(plan, outcome, samples)))
    return judge(case, outcome, ttft_error=error[0], gap_error=gap_error)


def cost(plan: LoadPlan, outcome: LoadOutcome, samples: dict[str, list[Any]]) -> tuple[str, ...]:
    """What the client needed: merged chunks, loop lag in ms, cores, CPU per request and chunk."""
    report = read_reports(Path(plan.folder), plan.name)[0]
    chunks = sum(samples["output_chunks"])
    streamed = plan.stream and chunks
    return (
        f"{sum(samples['coalesced']) / chunks:.2%}" if streamed else "-",
        f"{outcome.loop_lag_ms['p99'] or 0:.1f}",
        f"{report.cpu_s / outcome.elapsed_s:.2f}",
        f"{report.cpu_s / len(samples['seq']) * 1e6:.0f}",
        f"{report.cpu_s / chunks * 1e6:.0f}" if streamed else "-",
    )


def judge(case: Case, outcome: LoadOutcome, *, ttft_error: float, gap_error: float) -> list[str]:
    """What is off by more than it may be."""
    off = [] if not outcome.errors else [f"{case.name}: {dict(outcome.outcomes)}"]
    if case.judged and abs(ttft_error) > LIMIT_TTFT_MS:
        off.append(f"{case.name}: TTFT p50 is {ttft_error:.2f} ms from the truth")
    if case.judged and abs(gap_error) > LIMIT_GAP_MS:
        off.append(f"{case.name}: inter-chunk p50 is {gap_error:.3f} ms from the truth")
    return off


def read_samples(folder: Path) -> dict[str, list[Any]]:
    """Every sample by column."""
    tables = []
    for path in sorted((folder / "samples").glob("*.arrows")):
        with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
            tables.append(reader.read_all())
    columns: dict[str, list[Any]] = pa.concat_tables(tables).to_pydict()
    return columns


def ttfts(samples: Any, record: Any, order: list[int], steady: Any) -> tuple[Any, Any]:
    """Our TTFT and the server's, in milliseconds, request by request."""
    ours = np.array(samples["first_output_ns"]) - np.array(samples["sent_ns"])
    truth = record["first"][order] - record["received"][order]
    return ours[steady] / 1e6, truth[steady] / 1e6


def true_gaps(record: Any, times: Any, order: list[int], steady: Any) -> Any:
    """The server's own gaps between chunks, in milliseconds."""
    rows = [row for row, counted in zip(order, steady, strict=True) if counted]
    spans = [(record["offset"][row], record["chunks"][row]) for row in rows]
    pieces = [np.diff(times[start : start + count]) / 1e6 for start, count in spans if count > 1]
    return np.concatenate(pieces) if pieces else np.array([])


def show(cells: tuple[str, ...]) -> None:
    """One line of the table; times in milliseconds."""
    padded = (cell.rjust(width) for cell, width in zip(cells, WIDTHS, strict=True))
    sys.stdout.write(" ".join(padded) + "\n")
    sys.stdout.flush()


def pair(values: Any) -> str:
    """p50 and p99."""
    if not values.size:
        return "-"
    return f"{np.percentile(values, 50):.3f} {np.percentile(values, 99):.3f}"


if __name__ == "__main__":
    raise SystemExit(main())
