"""`report RUN --as TOOL` beside that tool's own metric code, on one run: `make bench-peers`.

Each answer of the run is written down as the events and times that were recorded of it, and read
again by the tool's code in an environment of its own. Both numbers are printed; they agree where
they differ by no more than rounding.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from harness import read_run
from harness.cli import execute
from harness.measure.columns import COLUMNS
from harness.report.frame import frame
from harness.report.presets import PRESETS, figures_of
from harness.report.samples import conform

PEERS = Path(__file__).with_name("peers")
SCRIPTS = {"vllm": "vllm_metrics.py", "aiperf": "aiperf_metrics.py"}
ROUNDING_MS = 0.002
"""Recorded gaps are floats of milliseconds, and clocks are read to the microsecond."""
_S = 1e9
_MOST_S = 300
LOAD = ("native", "--rate", "40", "--duration", "3s", "--warmup", "0", "--no-calibrate", "--quiet")


def main() -> int:
    """Compare every tool that is installed; 1 where any figure differs."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.run
        if folder is None:
            folder = Path(name) / "run"
            execute(["load", *LOAD, "--out", str(folder)])
        rows = read_run(folder).samples
        if options.run is None:
            rows = apart(rows)
        records = Path(name) / "records.json"
        records.write_text(json.dumps(list(recorded(rows))), "utf-8")
        ours = {tool: by_preset(rows, tool) for tool in SCRIPTS}
        agreed = [_compare(tool, ours[tool], options.venv, records) for tool in SCRIPTS]
    return 0 if all(agreed) else 1


def apart(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the role before the first output and the usage after the last.

    The stand-in sends these together, other servers need not, and tools differ in what they take.
    """
    role = rows[["first_output_ns", "sent_ns"]].mean(axis=1).round().astype("int64")
    usage, done = (rows["last_output_ns"] + late for late in (5_000_000, 9_000_000))
    return rows.assign(first_role_ns=role, usage_ns=usage, done_ns=done)


def recorded(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The streams that succeeded, each as server-sent events at their times after sending."""
    answered: Any = rows[rows["ok"]].to_dict("records")
    for row in answered:
        yield {"prompt_tokens": row["prompt_tokens"], "chunks": list(_chunks(row))}


def _chunks(row: Mapping[str, Any]) -> Iterator[tuple[float, str]]:
    since = float(row["sent_ns"])
    first = (float(row["first_output_ns"]) - since) / _S
    outputs = first + np.concatenate([[0.0], np.cumsum(row["gap_ms"]) / 1e3])
    if row["first_role_ns"] < row["first_output_ns"]:
        opening = {"delta": {"role": "assistant", "content": ""}}
        yield (row["first_role_ns"] - since) / _S, _event([opening])
    for at_s in outputs:
        yield float(at_s), _event([{"delta": {"content": "word "}}])
    usage = {name: row[name] for name in ("prompt_tokens", "completion_tokens")}
    usage["total_tokens"] = sum(usage.values())
    yield (row["usage_ns"] - since) / _S, _event([], usage=usage)
    yield (row["done_ns"] - since) / _S, "data: [DONE]\n\n"


def _event(choices: list[Any], **fields: Any) -> str:
    numbered = [{"index": 0, **choice} for choice in choices]
    head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return f"data: {json.dumps({**head, 'choices': numbered, **fields})}\n\n"


def by_preset(rows: pd.DataFrame, tool: str) -> dict[str, dict[str, float | None]]:
    """What `report RUN --as TOOL` shows, unrounded."""
    kept = [name for name in COLUMNS if name in rows]
    table = pa.Table.from_pandas(rows.assign(route="all")[kept], preserve_index=False)
    return {
        each.metric: {"mean": each.mean, **{str(p): v for p, v in each.percentiles.items()}}
        for each in figures_of(frame(conform(table)), PRESETS[tool])
    }


def _compare(
    tool: str, ours: dict[str, dict[str, float | None]], venv: Path, records: Path
) -> bool:
    """Print both; whether they agree, or the tool could not be run."""
    command = [str(venv / "bin" / "python"), str(PEERS / SCRIPTS[tool]), str(records)]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_MOST_S)
        theirs = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        said = getattr(error, "stderr", "") or str(error)
        sys.stdout.write(f"{tool}: its code could not be run: {said.strip()[-300:]}\n")
        return True
    agreed = True
    for metric, statistics in theirs.items():
        for name, value in statistics.items():
            mine = ours[metric][name]
            same = mine is not None and abs(mine - value) <= ROUNDING_MS
            agreed &= same
            told = "agree" if same else "DIFFER"
            of = f"{metric} {name if name == 'mean' else f'p{name}'}"
            sys.stdout.write(f"{tool:7} {of:22} ours {mine!s:>20} theirs {value!s:>20}  {told}\n")
    return agreed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.presets", description=__doc__)
    parser.add_argument("--venv", type=Path, default=Path("build/peers-venv"), metavar="FOLDER")
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="default: a load of its own")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
