"""A run for further work: its samples as a pandas frame, its summary beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import UsageError
from harness.measure.metrics import METRICS
from harness.report import frame, manifest, samples
from harness.report.summary import key


@dataclass(frozen=True, slots=True)
class Run:
    """What a run left. `samples` has a row per logical request and each metric in milliseconds as
    `ttft_ms`, `e2e_ms_scheduled` and so on; `summary` is `summary.json`, empty where there is none.
    """

    folder: Path
    samples: pd.DataFrame
    summary: Mapping[str, Any]


def read_run(folder: str | Path) -> Run:
    """The run of a folder, also of one that was interrupted; UsageError when it is none.

    run = read_run("reports/20261127T120000Z-load")
    run.samples.groupby("route")["ttft_ms"].quantile(0.95)
    """
    place = Path(folder)
    found = manifest.read(place)
    rows = frame.frame(samples.read(place, clocks=found.clocks).table)
    named = {
        f"{name}{end}": f"{key(name)}{end}"
        for name in METRICS
        for end in ("", frame.LOW, frame.HIGH)
        if f"{name}{end}" in rows
    }
    return Run(place, rows.rename(columns=named), _summary(place))


def _summary(folder: Path) -> dict[str, Any]:
    path = folder / "summary.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UsageError(f"{path}: not JSON ({error}); rebuild it: report {folder}") from error
    return found
