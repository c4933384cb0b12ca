"""Our TTFT beside that of benchmark tools for LLMs, on the same 100 streams: `make bench-peers`.

The tools are installed into an environment of their own. None of them can send a number by which a
request is found in the server's record, so each of their TTFTs is held against the median of the
record, whose spread is printed; ours are held against it request by request.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tests.bench import machine, ours, peer, streams, table, tokenizer
from tests.bench.session import Session
from tests.bench.streams import MS
from tests.bench.truth import truth_server

STREAMS = 100
SCHEDULE = {"ttft_us": 50_000, "gap_us": 10_000, "n": 100}
BAR = 1 / 20
LONGEST_S = 7200
_MOST_S = 300
_LOG_LINES = 3
_NO_HUB = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_DISABLE_TELEMETRY": "1"}
"""The tokenizer is a folder: a tool that asks the hub all the same is told at once."""


@dataclass(frozen=True, slots=True)
class Tool:
    """How one tool is started, and where its TTFTs are, in milliseconds and in order."""

    arguments: Callable[[str, int], Sequence[str]]
    read: Callable[[Path], list[float]]


def _aiperf(origin: str, seconds: int) -> Sequence[str]:
    return (
        *("profile", "-m", ours.MODEL, "--url", origin, "--endpoint-type", "chat", "--streaming"),
        *("--concurrency", str(STREAMS), "--benchmark-duration", str(seconds)),
        *("--benchmark-grace-period", "5", "--tokenizer", "tokenizer", "--ui", "none"),
        *("--prompt-input-tokens-mean", "64", "--prompt-output-tokens-mean", "100"),
        *("--no-server-metrics", "--no-gpu-telemetry", "--use-server-token-count"),
        *("--output-artifact-dir", "out"),
    )


def _read_aiperf(folder: Path) -> list[float]:
    lines = (folder / "out" / "profile_export.jsonl").read_text("utf-8").splitlines()
    rows = sorted(map(json.loads, lines), key=lambda row: row["metadata"]["request_start_ns"])
    return [row["metrics"]["time_to_first_token"]["value"] for row in rows]


def _guidellm(origin: str, seconds: int) -> Sequence[str]:
    return (
        *("run", "--backend", f"kind=openai_http,target={origin},model={ours.MODEL}"),
        *("--profile", f"kind=concurrent,streams={STREAMS}"),
        *("--constraint", f"kind=max_duration,seconds={seconds}"),
        *("--tokenizer", "kind=huggingface_auto,model=tokenizer"),
        *("--data", "kind=synthetic_text,prompt_tokens=64,output_tokens=100"),
        *("--output", "kind=json,path=out.json", "--disable-console"),
    )


def _read_guidellm(folder: Path) -> list[float]:
    document = json.loads((folder / "out.json").read_text("utf-8"))
    rows: list[dict[str, Any]] = document["benchmarks"][0]["requests"]["successful"]
    rows.sort(key=lambda row: float(row["request_start_time"]))
    return [row["time_to_first_token_ms"] for row in rows]


def _genai_bench(origin: str, seconds: int) -> Sequence[str]:
    return (
        *("benchmark", "--api-backend", "openai", "--api-base", origin, "--api-key", "none"),
        *("--task", "text-to-text", "--api-model-name", ours.MODEL),
        *("--model-tokenizer", "tokenizer", "--num-concurrency", str(STREAMS)),
        *("--traffic-scenario", "D(64,100)", "--max-time-per-run", "1"),
        *("--max-requests-per-run", str(STREAMS * seconds), "--metrics-time-unit", "ms"),
        *("--experiment-base-dir", ".", "--experiment-folder-name", "out"),
    )


def _read_genai_bench(folder: Path) -> list[float]:
    (path,) = (folder / "out").glob("*_num_concurrency_*.json")
    rows = json.loads(path.read_text("utf-8"))["individual_request_metrics"]
    return [row["ttft"] for row in rows if row["ttft"] is not None]


TOOLS: Mapping[str, Tool] = {
    "aiperf": Tool(_aiperf, _read_aiperf),
    "guidellm": Tool(_guidellm, _read_guidellm),
    "genai-bench": Tool(_genai_bench, _read_genai_bench),
}


def main() -> int:
    """Measure ours and every tool that runs here."""
    options = _parser().parse_args()
    if reason := machine.refusal(anyway=options.anyway):
        sys.stdout.write(f"nothing was measured: {reason}\n")
        return machine.BUSY_EXIT
    server_cpu, client_cpu = machine.processors()
    machine.settle(client_cpu)
    with (
        tempfile.TemporaryDirectory() as name,
        truth_server(Path(name), seconds=LONGEST_S, cpu=server_cpu) as truth,
    ):
        session = Session(truth, Path(name), options.rounds, options.seconds, server_cpu)
        row = measured(session, options.venv)
    table.show_head()
    table.show(row)
    return table.exit_code([row])


def measured(session: Session, venv: Path) -> table.Row:
    """The row of the bar."""
    mine: list[float] = []
    theirs: dict[str, list[float]] = {}
    notes: dict[str, None] = {}
    for _ in range(session.rounds):
        load = ours.run(session, SCHEDULE, users=STREAMS)
        mine.append(streams.errors(load.streams(), load.record).ttft_p99)
        notes |= dict.fromkeys(load.faults)
        for name, tool in TOOLS.items():
            try:
                error_ms, spread_ms = _tool_error_ms(session, venv / "bin" / name, tool)
            except (OSError, RuntimeError, ValueError, KeyError, subprocess.SubprocessError) as why:
                notes[f"{name} gave no figure: {type(why).__name__}: {why}"] = None
            else:
                theirs.setdefault(name, []).append(error_ms)
                notes[f"{name}: {error_ms:.3g} ms; the record's own spread {spread_ms:.3f}"] = None
    told = (f"ours, by round: {table.spread(mine)}", *notes)
    return _row(mine, theirs, told, faulty=bool(load.faults))


def _tool_error_ms(session: Session, program: Path, tool: Tool) -> tuple[float, float]:
    """The p99 of a tool's TTFT errors, and how far the true TTFTs are spread from p50 to p99.

    Its first requests, one per stream, open connections and are left out.
    """
    if not program.exists():
        raise FileNotFoundError(f"not installed in {program.parents[1]}")
    session.truth.configure(**SCHEDULE)
    folder = session.new_folder()
    tokenizer.write(folder / "tokenizer")
    arguments = tool.arguments(session.truth.origin, round(session.seconds))
    command = machine.bounded([str(program.absolute()), *arguments], _MOST_S)
    done = subprocess.run(
        command,
        cwd=folder,
        env={**peer.environment(), **_NO_HUB, "PYTHONPATH": ""},
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        last = "; ".join((done.stdout + done.stderr).strip().splitlines()[-_LOG_LINES:])
        raise RuntimeError(f"exit code {done.returncode}: {last}")
    rows = session.truth.read(folder).rows
    streamed = rows["streamed"] == 1
    true = (rows["first"][streamed] - rows["received"][streamed]) / MS
    middle = float(np.median(true))
    found = np.array(tool.read(folder)[STREAMS:])
    if not found.size:
        raise ValueError("too few requests")
    return float(np.percentile(abs(found - middle), 99)), float(np.percentile(true, 99)) - middle


def _row(
    mine: list[float], theirs: dict[str, list[float]], notes: tuple[str, ...], *, faulty: bool
) -> table.Row:
    what = f"{STREAMS} streams: TTFT error p99"
    if not theirs:
        return table.Row(what, f"{median(mine):.3g} ms", notes=notes)
    best = min(median(values) for values in theirs.values())
    ratio = median(mine) / best
    return table.Row(
        what,
        f"{median(mine):.3g} ms",
        ", ".join(f"{name} {median(values):.3g}" for name, values in theirs.items()),
        f"1/{1 / ratio:.0f} of the best",
        f"<= 1/{1 / BAR:.0f} of the best",
        ratio <= BAR and not faulty,
        notes,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-peers", description=__doc__)
    parser.add_argument("--venv", type=Path, default=Path("build/peers-venv"), metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--seconds", type=float, default=6.0, metavar="S", help="of each load")
    parser.add_argument("--anyway", action="store_true", help="also on a busy machine")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
