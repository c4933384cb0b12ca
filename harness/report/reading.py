"""A run for further work: its samples as a pandas frame, its summary beside it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from harness.errors import UsageError
from harness.measure.metrics import METRICS
from harness.report import frame, manifest, samples
from harness.report.columns import UNNAMED
from harness.report.report import key

UNUSED = ("log_id", "cf_ray", "finish_reason")


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
    return Run(place, _frame(samples.read(place, clocks=found.clocks)), _summary(place))


def _frame(found: samples.Samples) -> pd.DataFrame:
    """The rows in the order of sending, with Arrow types, and each metric beside its columns."""
    rows = frame.frame(found)
    kept = found.table.drop_columns(list(UNUSED)).take(rows.columns.filed)
    known = kept.to_pandas(types_mapper=pd.ArrowDtype).fillna(dict(UNNAMED))
    flags: dict[str, Any] = {
        "ok": _series(rows.ok),
        "own": rows.own,
        "failed": _series(rows.failed),
    }
    flags["broken"] = rows.broken
    last = ("tpot", "tpot_scheduled")
    names = (*(metric for metric in METRICS if metric not in last), *last)
    metrics = {name: each for metric in names for name, each in _metric(rows, metric)}
    begun = pd.Series(rows.ints("begun_ns"))
    begun_ns = begun.astype("int64[pyarrow]").where(rows.known("begun_ns"))
    return known.assign(**flags, begun_ns=begun_ns, **metrics)


def _metric(rows: frame.Frame, metric: str) -> Iterator[tuple[str, Any]]:
    """A metric that a request has at most one of, with its bounds."""
    if METRICS[metric].many:
        return
    found = frame.latency(rows, metric)
    yield key(metric), _series(found.data)
    yield f"{key(metric)}{frame.LOW}", found.low
    yield f"{key(metric)}{frame.HIGH}", found.high


def _series(values: Any) -> "pd.Series[Any]":
    """Numbers as a column of an Arrow type; NaN is null there."""
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(values, from_pandas=True)))


def _summary(folder: Path) -> dict[str, Any]:
    path = folder / "summary.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UsageError(f"{path}: not JSON ({error}); rebuild it: report {folder}") from error
    return found
