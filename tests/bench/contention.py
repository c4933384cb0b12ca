"""Whether a run on a busy machine says `pass` with a figure that its own bounds do not cover.

python -m tests.bench.contention [--runs N] [--seconds S]

Two busy loops per processor, then loads of many kinds. Each figure of a run that passes is held
against the server's record of the same requests: the interval that is printed beside the figure and
the interval in which the truth lies must touch. Exit code 1: a run passed with a figure off.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from tests.bench import machine, ours, peer
from tests.bench.truth import Record, Truth, truth_server

LOOPS_PER_PROCESSOR = 2
CLOCKS_MS = 0.005
"""The kernel stamps with the wall clock: what reading two clocks one after the other leaves."""
PERCENTILES = {"ttft": (50, 95, 99), "inter_chunk": (50, 99), "e2e": (50, 99)}
MS = 1e6
LONGEST_S = 3600
_MOST_S = 180


@dataclass(frozen=True, slots=True)
class Case:
    """One load: the server's schedule and the options that say how much is asked."""

    schedule: dict[str, int]
    options: tuple[str, ...]

    def __str__(self) -> str:
        return f"{' '.join(self.options)} {self.schedule}"


def _streams(*options: str, ttft_ms: int, gap_ms: int, n: int) -> Case:
    return Case({"ttft_us": ttft_ms * 1_000, "gap_us": gap_ms * 1_000, "n": n}, options)


CASES = (
    _streams("--users", "20", ttft_ms=50, gap_ms=10, n=50),
    _streams("--users", "100", ttft_ms=50, gap_ms=10, n=100),
    Case({"delay_us": 5_000}, ("--rate", "200", "--no-stream")),
    _streams("--users", "5", ttft_ms=20, gap_ms=5, n=40),
    _streams("--users", "200", ttft_ms=100, gap_ms=20, n=50),
    _streams("--rate", "30", ttft_ms=50, gap_ms=10, n=50),
    Case({"delay_us": 1_000}, ("--users", "32", "--no-stream")),
    _streams("--users", "1", ttft_ms=10, gap_ms=2, n=50),
    _streams("--rate", "100", ttft_ms=20, gap_ms=10, n=20),
    _streams("--users", "400", ttft_ms=200, gap_ms=20, n=50),
)


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`, milliseconds."""

    low: float
    high: float

    def touches(self, other: "Interval") -> bool:
        """Whether the two have a value in common, but for the clocks."""
        return self.low <= other.high + CLOCKS_MS and other.low <= self.high + CLOCKS_MS

    def __str__(self) -> str:
        return f"{self.low:.4f} to {self.high:.4f} ms"


@dataclass(frozen=True, slots=True)
class Result:
    """One run: its verdict, how many figures were compared, and those that are off."""

    verdict: str
    figures: int
    off: tuple[str, ...]


def run(case: Case, truth: Truth, folder: Path, *, seconds: float) -> Result:
    """Run `gateway-harness load` once, and compare what it printed with the server's record."""
    truth.configure(**case.schedule)
    command = [sys.executable, "-m", "harness", "load", "native", "--json", "--out", "out"]
    command += ["--target", truth.origin, "--rid-header", "x-rid", "--warmup", "1s"]
    command += ["--duration", f"{seconds:g}s", *case.options]
    done = subprocess.run(
        command,
        cwd=folder,
        env=peer.environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=_MOST_S,
    )
    if not done.stdout.strip():
        raise RuntimeError(f"{case}: exit code {done.returncode}: {done.stderr[-2000:]}")
    verdict = str(json.loads(done.stdout)["verdict"])
    return _compared(verdict, folder / "out", truth.read(folder))


@contextmanager
def busy(seconds: float, *, per_processor: int = LOOPS_PER_PROCESSOR) -> Iterator[None]:
    """Loops that do nothing, and end by themselves after so long or without us."""
    loop = f"""import os, time
end = time.monotonic() + {seconds}
while time.monotonic() < end and os.getppid() == {os.getpid()}: pass"""
    many = per_processor * (os.cpu_count() or 1)
    loops = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(many)]
    try:
        yield
    finally:
        for each in loops:
            each.terminate()
            each.wait()


def _compared(verdict: str, out: Path, record: Record) -> Result:
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    entry = summary["routes"].get("native", {})
    compared, off = 0, []
    true = truths(out, record)
    for metric, percents in PERCENTILES.items():
        for percent in percents:
            printed = _printed(entry.get(f"{metric}_ms", {}), percent)
            real = _percentile(true[metric], percent)
            if printed is None or real is None:
                continue
            compared += 1
            if not printed.touches(real):
                off.append(f"{metric} p{percent}: printed {printed}, the truth is {real}")
    return Result(verdict, compared, tuple(off))


def _printed(measured: dict[str, Any], percent: int) -> Interval | None:
    name = f"p{percent}"
    value = measured.get(name)
    if value is None:
        return None
    low, high = measured.get(f"{name}_low"), measured.get(f"{name}_high")
    return Interval(value if low is None else low, value if high is None else high)


def truths(out: Path, record: Record) -> dict[str, tuple[Any, Any]]:
    """By metric, the least and the most that each value can truly have been.

    Over the requests that the run counted. The server's clock is read before and after each write,
    and the request's arrival is the kernel's, so that this holds where the server had to wait.
    """
    samples = ours.read_samples(out)
    counted = samples.filter((pc.field("phase") == "steady") & (pc.field("outcome") == "ok"))
    places = record.places(ours.column(counted, "seq"))
    rows = {name: values[places] for name, values in record.rows.items()}
    spans = [record.chunks(place) for place in places.tolist()]
    shortest = [record.began[span][1:] - record.ended[span][:-1] for span in spans]
    longest = [record.ended[span][1:] - record.began[span][:-1] for span in spans]
    return {
        "ttft": (rows["first_from"] - rows["arrived"], rows["first"] - rows["arrived"]),
        "e2e": (rows["end_from"] - rows["arrived"], rows["end"] - rows["arrived"]),
        "inter_chunk": (np.concatenate([[], *shortest]), np.concatenate([[], *longest])),
    }


def _percentile(values: tuple[Any, Any], percent: int) -> Interval | None:
    low, high = values
    if not len(low):
        return None
    return Interval(
        float(np.percentile(low, percent)) / MS, float(np.percentile(high, percent)) / MS
    )


def main() -> int:
    """Run them all and say which passed with a figure off."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.contention", description=__doc__)
    parser.add_argument("--runs", type=int, default=20, metavar="N")
    parser.add_argument("--seconds", type=float, default=5.0, metavar="S", help="of each load")
    options = parser.parse_args()
    machine.settle()
    results = []
    with (
        tempfile.TemporaryDirectory() as name,
        truth_server(Path(name), seconds=LONGEST_S) as truth,
        busy(LONGEST_S),
    ):
        for number, case in enumerate(islice(cycle(CASES), options.runs)):
            folder = Path(name) / str(number)
            folder.mkdir()
            results.append(run(case, truth, folder, seconds=options.seconds))
            _show(case, results[-1])
    return _conclude(results)


def _show(case: Case, result: Result) -> None:
    lines = [f"{result.verdict:8} {result.figures} figures, {len(result.off)} off: {case}"]
    sys.stdout.write("\n".join([*lines, *(f"    {sentence}" for sentence in result.off)]) + "\n")
    sys.stdout.flush()


def _conclude(results: Sequence[Result]) -> int:
    passed = [result for result in results if result.verdict == "pass"]
    wrong = [result for result in passed if result.off]
    sys.stdout.write(
        f"{len(results)} runs, {len(passed)} passed, {len(wrong)} of them with a figure further "
        "from the truth than its bounds\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
