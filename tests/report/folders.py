"""Run folders as a load leaves them, made from numbers that a test chooses."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from harness.measure.columns import COLUMNS
from harness.measure.histogram import Histogram
from harness.measure.timeline import Timeline
from harness.report import manifest, samples
from harness.report.documents import write_json
from tests.sample import Sample, row

RUN_ID = "0123456789ab"
START_NS = 1_000_000_000_000
MS = 1_000_000
ROUTES = ("native", "compat", "model")
FLOOR: dict[str, Any] = {
    "ttft_ms": {"p50": 0.05, "p99": 0.1},
    "inter_chunk_ms": {"p50": 0.01, "p99": 0.04},
    "e2e_ms": {"p50": 0.05, "p99": 0.2},
    "cpu_us_per_request": 60.0,
    "cpu_us_per_chunk": 7.0,
    "max_rate": 5000.0,
    "streams": 400,
    "chunks_per_second": 40000.0,
}
"""What a calibration of a worker found."""


STATUS = {"http_5xx": 502, "rate_limited": 429}
"""The status of an answer that came to nothing; others have none."""


Cells = dict[str, Any]
"""One row of samples as its columns, for what a `Sample` does not carry."""


def cells(sample: Sample, **changes: Any) -> Cells:
    """The sample as a row of a reader that says how exact its times are."""
    exact = {name: 0 for name in COLUMNS if name.endswith("blur_ns")}
    return {**row(sample), **exact, "odd": [], "checked": False, "burst_chunks": 0, **changes}


def answered(
    seq: int = 0,
    *,
    route: str = "native",
    sent_ms: float = 0.0,
    ttft_ms: float = 100.0,
    gaps_ms: Sequence[float] = (10.0, 10.0, 10.0),
    scheduled_ms: float | None = None,
    **changes: Any,
) -> Sample:
    """A successful streamed request; the first byte comes a millisecond before the first output."""
    sent = START_NS + round(sent_ms * MS)
    first = sent + round(ttft_ms * MS)
    outputs = tuple(first + round(sum(gaps_ms[:n]) * MS) for n in range(len(gaps_ms) + 1))
    timeline = Timeline(
        sent_ns=sent,
        scheduled_ns=None if scheduled_ms is None else START_NS + round(scheduled_ms * MS),
        headers_ns=first - MS,
        first_byte_ns=first - MS,
        first_event_ns=first - MS,
        first_output_ns=first,
        first_answer_ns=first,
        outputs_ns=outputs,
        done_ns=outputs[-1] + MS,
    )
    known: dict[str, Any] = {
        "run_id": RUN_ID,
        "worker": "load-0",
        "seq": seq,
        "event_id": f"{RUN_ID}-{seq}-{route}",
        "scenario": "mixed",
        "phase": "steady",
        "route": route,
        "stream": True,
        "outcome": "ok",
        "timeline": timeline,
        "status": 200,
        "prompt_tokens": 20,
        "completion_tokens": len(outputs),
        "cache_status": "MISS",
    }
    return Sample(**{**known, **changes})


def failed(seq: int = 0, *, outcome: str = "http_5xx", **changes: Any) -> Sample:
    """A request that came to nothing after 30 ms."""
    sample = answered(seq, **{"status": STATUS.get(outcome), **changes})
    sent = sample.timeline.sent_ns
    short = Timeline(sent_ns=sent, headers_ns=sent + 30 * MS, done_ns=sent + 30 * MS)
    return replace(sample, outcome=outcome, timeline=short, completion_tokens=None)


def dropped(seq: int, *, scheduled_ms: float) -> Cells:
    """A request that was due and never sent."""
    due = START_NS + round(scheduled_ms * MS)
    sample = answered(seq, outcome="dropped", timeline=Timeline(sent_ns=due, scheduled_ns=due))
    return cells(sample, sent_ns=None, completion_tokens=None, cache_status=None, status=None)


def mixed(n: int = 300, *, seed: int = 1, seconds: float = 20.0) -> list[Sample]:
    """A load on all routes whose latencies are lognormal; the first two seconds are warm-up."""
    rng = np.random.default_rng(seed)
    found = []
    for seq in range(n):
        at = seq * seconds / n
        found.append(
            answered(
                seq,
                route=ROUTES[seq % 3],
                sent_ms=at * 1e3,
                ttft_ms=float(rng.lognormal(np.log(120 + 10 * (seq % 3)), 0.25)),
                gaps_ms=rng.lognormal(np.log(20), 0.2, 7).tolist(),
                phase="warmup" if at < 2 else "steady",
            )
        )
    return found


def hurried(n: int = 300) -> list[Sample | Cells]:
    """An open loop with whatever can be wrong with one.

    Native packs chunks and answers in one piece now and then, compat was read late and has no
    `[DONE]`, and three requests were dropped.
    """
    rng = np.random.default_rng(4)
    found: list[Sample | Cells] = []
    for seq in range(n):
        route = ROUTES[seq % 3]
        late_ms, ttft_ms = float(rng.exponential(0.2)), float(rng.lognormal(np.log(120), 0.25))
        packed = route == "native"
        sample = answered(
            seq,
            route=route,
            scheduled_ms=seq * 20.0,
            sent_ms=seq * 20 + late_ms,
            ttft_ms=ttft_ms,
            gaps_ms=[20.0, 0.0] * 4 if packed else [20.0] * 8,
        )
        odd = {"native": "one_piece" if seq % 9 == 0 else None, "compat": "no_done"}.get(route)
        changes: dict[str, Any] = {"odd": [odd] if odd else [], "checked": seq % 2 == 0}
        changes |= {"coalesced": 4, "burst_chunks": 4} if packed else {}
        if route == "compat":
            changes |= {"gap_low_ms": [0.0] * 8, "gap_high_ms": [40.0] * 8}
        if seq % 60 == 0:
            changes["violations"] = ["stream.done"]
        found.append(cells(sample, first_output_blur_ns=MS // 2, blur_ns=MS // 2, **changes))
    return [*found, *(dropped(n + k, scheduled_ms=(n + k) * 20) for k in range(3))]


def blocks(
    n: int = 60, *, ratio: float = 1.0, noise: float = 0.1, seed: int = 2, drift: float = 0.0
) -> list[Sample]:
    """An interleaved comparison of native and compat, which takes `ratio` times as long."""
    rng = np.random.default_rng(seed)
    found = []
    for block in range(n):
        level = 100 * (1 + drift * np.sin(block / n * 6.28))
        for position, route in enumerate(rng.permutation(["native", "compat"]).tolist()):
            ttft = level * (ratio if route == "compat" else 1.0) * rng.lognormal(0, noise)
            found.append(
                answered(
                    block * 10 + position,
                    route=route,
                    sent_ms=(block * 2 + position) * 300.0,
                    ttft_ms=float(ttft),
                    scenario="compare",
                    worker="compare-0",
                    event_id=f"{RUN_ID}-compare-{block}-{position}",
                )
            )
    return found


def table(rows: Iterable[Sample | Cells]) -> pa.Table:
    """The samples as a table with every column."""
    filled = [row(each) if isinstance(each, Sample) else each for each in rows]
    return pa.Table.from_pylist(filled, schema=samples.schema())


def write_stream(path: Path, rows: Sequence[Sample | Cells], *, batch: int = 50) -> None:
    """An Arrow stream as a worker writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.ipc.new_stream(str(path), samples.schema()) as writer:
        for start in range(0, len(rows), batch):
            writer.write_table(table(rows[start : start + batch]))


def write_run(
    folder: Path,
    rows: Sequence[Sample | Cells],
    *,
    command: str = "load",
    thresholds: Sequence[str] = (),
    conformance: dict[str, Any] | None = None,
    worker: bool = True,
    rate: float | None = None,
    in_flight: int = 1000,
    plan: Mapping[str, Any] | None = None,
    **facts: Any,
) -> Path:
    """A finished run whose manifest does not depend on the machine or the hour."""
    folder.mkdir(parents=True, exist_ok=True)
    planned = {"run_id": RUN_ID, "users": 3, "thresholds": list(thresholds), **(plan or {})}
    planned |= {} if rate is None else {"rate": rate, "in_flight": in_flight}
    target = {"kind": "local", "name": "local", "base": None}
    manifest.start(folder, command=command, target=target, settings={}, plan=planned, seed=7)
    manifest.finish(folder, verdict="pass", exit_code=0, reasons=(), **facts)
    document = json.loads((folder / "run.json").read_text("utf-8"))
    document["clock"] = {"started": "2026-11-20T12:00:00+00:00", "wall_ns": 1, "monotonic_ns": 1}
    document |= {"versions": {"python": "3.11"}, "machine": {"cpus": 2}, "pid": 1}
    write_json(folder / "run.json", document)
    write_stream(folder / "samples" / "load-0.arrows", rows)
    if worker:
        write_worker(folder, records=len(rows))
    if conformance is not None:
        write_json(folder / "conformance.json", conformance)
    return folder


def write_worker(folder: Path, *, records: int, lag_ms: float = 0.5, **changes: Any) -> None:
    """What a load worker says of itself."""
    (folder / "workers").mkdir(exist_ok=True)
    known = {
        "worker": "load-0",
        "state": "closed",
        "records": records,
        "started_ns": START_NS,
        "updated_ns": START_NS + 20_000 * MS,
        "cpu_s": 5.0,
        "reads": 1000,
        "unstamped": 0,
        "loop_lag": Histogram([round(lag_ms * MS)] * 10).to_dict(),
        "routes": {},
    }
    name = changes.get("worker", "load-0")
    write_json(folder / "workers" / f"{name}.json", {**known, **changes})


def clause(result: str = "pass", *, route: str = "native", **changes: Any) -> dict[str, Any]:
    """One entry of conformance.json."""
    known = {"id": "stream.done", "level": "MUST", "exercised": 12, "violated": 0}
    return {**known, "route": route, "result": result, "evidence": None, "capsule": None, **changes}


def contract(*clauses: dict[str, Any], verdict: str = "compatible") -> dict[str, Any]:
    """A conformance.json."""
    return {"schema_version": 1, "verdict": verdict, "clauses": list(clauses)}
