"""Our own loads against the server whose timing is known, and what came out of them."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness.bundled import folder as bundled_folder
from harness.load.launch import Locust, launch
from harness.load.outcome import LoadOutcome
from harness.load.plan import Identity, LoadPlan
from harness.load.progress import WorkerReport, read_reports
from harness.measure.outcome import Outcome
from harness.routes.address import Address
from tests.bench import streams
from tests.bench.session import WARMUP_S, Session
from tests.bench.streams import Streams
from tests.bench.truth import Record

MODEL = "mock-model"
BLUR_MS = 0.1


@dataclass(frozen=True)
class Load:
    """One load of ours: what its workers said, its samples as tables, and the server's record."""

    plan: LoadPlan
    outcome: LoadOutcome
    reports: tuple[WorkerReport, ...]
    samples: Any
    steady: Any
    record: Record

    @property
    def cpu_s(self) -> float:
        """What the workers' processes used."""
        return sum(report.cpu_s for report in self.reports)

    @property
    def cores(self) -> float:
        """How much of a processor the workers used."""
        return self.cpu_s / self.outcome.elapsed_s

    @property
    def us_per_request(self) -> float:
        """Microseconds of processor time for one request, by the workers' own reports."""
        return self.cpu_s / len(self.samples) * 1e6

    @property
    def faults(self) -> tuple[str, ...]:
        """What makes the load no measurement: failed requests, records that do not add up."""
        found = []
        if self.outcome.errors:
            found.append(f"{self.outcome.errors} requests failed: {dict(self.outcome.outcomes)}")
        sent = self.samples.filter(pc.field("sent_ns").is_valid())
        if set(sent["seq"].to_pylist()) != set(self.record.rows["rid"].tolist()):
            found.append("the samples and the server's record are not the same requests")
        return tuple(found)

    def streams(self) -> Streams:
        """What was measured of each stream."""
        column_ms = self.steady["gap_ms"].combine_chunks()
        lengths = np.asarray(column_ms.value_lengths(), np.int64)
        gaps = np.asarray(column_ms.flatten(), np.float64)
        return Streams(
            rid=column(self.steady, "seq"),
            sent=column(self.steady, "sent_ns"),
            first=column(self.steady, "first_output_ns"),
            gaps=np.split(gaps, np.cumsum(lengths)[:-1]),
        )

    def notes(self) -> tuple[str, ...]:
        """How it was for the client: merged chunks, lag, blur, and its faults."""
        chunks = sum(self.samples["output_chunks"].to_pylist())
        merged = sum(self.samples["coalesced"].to_pylist())
        said = (
            f"{len(self.samples)} requests, merged chunks {merged / max(chunks, 1):.2%}, "
            f"samples with blur over {BLUR_MS:g} ms {self._blurred()}, "
            f"loop lag p99 {self.outcome.loop_lag_ms['p99'] or 0:.2f} ms, {self.cores:.2f} cores"
        )
        return (said, *self.outcome.problems, *self.faults)

    def _blurred(self) -> str:
        known = [value for value in self.samples["blur_ns"].to_pylist() if value is not None]
        if not known:
            return "unknown"
        blur_ms = np.array(known) / streams.MS
        return f"{np.mean(blur_ms > BLUR_MS):.2%} (p99 {np.percentile(blur_ms, 99):.3f} ms)"


def run(
    session: Session,
    schedule: dict[str, int],
    *,
    processes: int = 1,
    origin: str | None = None,
    **fields: Any,
) -> Load:
    """One load of the native route against the server's schedule; `fields` are those of a plan."""
    folder = session.new_folder()
    session.truth.configure(**schedule)
    plan = LoadPlan(
        **{
            "run_id": uuid.uuid4().hex[:8],
            "folder": str(folder),
            "address": Address(origin or session.truth.origin, "acc", "gw"),
            "model": MODEL,
            "warmup_s": WARMUP_S,
            "duration_s": session.seconds,
            "workers": processes,
            "rid_header": "x-rid",
            "calibrate": False,
            **fields,
        }
    )
    scenario = bundled_folder("locustfiles") / "native.py"
    outcome = launch(plan, Identity(), Locust(scenario, processes=processes))
    samples = read_samples(folder)
    kept = (pc.field("phase") == "steady") & (pc.field("outcome") == Outcome.OK.value)
    return Load(
        plan,
        outcome,
        read_reports(folder, plan.name),
        samples,
        samples.filter(kept),
        session.truth.read(folder),
    )


def read_samples(folder: Path) -> Any:
    """Every sample of a run, as an Arrow table."""
    tables = []
    for path in sorted((folder / "samples").glob("*.arrows")):
        with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
            tables.append(reader.read_all())
    return pa.concat_tables(tables)


def column(table: Any, name: str) -> Any:
    """A column without nulls, as numbers."""
    return np.asarray(table[name].combine_chunks(), dtype=np.int64)
