"""Two runs against each other: the same routes at different times.

Such runs are not paired. Their intervals hold what changed within each run, never what changed
between them, and the report says so; a difference between routes needs one interleaved run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.report import frame, manifest, samples
from harness.report.arrays import Floats
from harness.report.comparison import METRICS, Comparison, Effect, Pair, judge
from harness.report.manifest import Manifest
from harness.report.paired import RESAMPLES, cliffs_delta, resampled_medians, thinned
from harness.report.summary import load_scenarios, ordered_routes

CAVEAT = (
    "the two runs were made at different times: a change of the service or of the network between "
    "them looks the same as a change of what is compared"
)
RUN_SHARE = 20
"""Neighbours are resampled together in twentieths of a run at least, to keep its slow drift."""
ALIKE = (
    *("name", "routes", "users", "rate", "arrivals", "gamma_shape", "stages", "trace", "speed"),
    *("stream", "prompt_tokens", "max_output_tokens", "prompts", "blocks", "skip_cache"),
)
"""Settings of a load in which two runs must agree, or what differs is not the service."""
OF_NO_MATTER = ("run_id", "folder", "schema_version", "seed", "thresholds", "abort", "caps")


@dataclass(frozen=True, slots=True)
class Run:
    """One of the two: its folder's name, its manifest, and the requests of its load."""

    name: str
    manifest: Manifest
    rows: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Runs:
    """Two runs and what was found; `differences` are the settings in which they differ."""

    a: Run
    b: Run
    comparison: Comparison
    differences: Mapping[str, tuple[Any, Any]]

    def document(self) -> dict[str, Any]:
        """The content of `comparison.json`."""
        runs = {name: _described(run) for name, run in (("a", self.a), ("b", self.b))}
        differences = {name: list(values) for name, values in self.differences.items()}
        return {**self.comparison.document(), "runs": runs, "setup_differences": differences}


def compare_runs(first: Path, second: Path, *, margin: float, seed: int = 0) -> Runs:
    """Compare the second run with the first, route by route; UsageError when one cannot be read."""
    names = (first.name, second.name) if first.name != second.name else ("A", "B")
    a, b = (_read(path, name) for path, name in zip((first, second), names, strict=True))
    differences = _differences(a.manifest, b.manifest)
    unlike = _unlike(a, b, differences)
    if unlike:
        reason = f"the two runs are not alike: {'; '.join(unlike)}"
        return Runs(a, b, Comparison(margin=margin, reason=reason), differences)
    rng = np.random.default_rng(seed)
    routes = ordered_routes(a.rows["route"].unique())
    pairs = [_pair(a, b, route, metric, rng) for metric in METRICS for route in routes]
    return Runs(a, b, Comparison(tuple(judge(pairs, margin)), margin), differences)


def _unlike(a: Run, b: Run, differences: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """In what two runs differ that makes their latencies no like for like."""
    told = {name: values for name, values in differences.items() if name in ALIKE}
    facts = {
        "target": (_kind(a.manifest), _kind(b.manifest)),
        "definitions": tuple(run.manifest.facts.get("metrics") for run in (a, b)),
        "routes": tuple(", ".join(ordered_routes(run.rows["route"].unique())) for run in (a, b)),
    }
    told |= {name: values for name, values in facts.items() if values[0] != values[1]}
    return [
        "other definitions of the metrics" if name == "definitions" else f"{name} {old} and {new}"
        for name, (old, new) in told.items()
    ]


def _kind(manifest: Manifest) -> Any:
    """What kind of target a run had: `local`, `live`, or its name."""
    return manifest.target.get("name") if isinstance(manifest.target, Mapping) else manifest.target


def _read(folder: Path, name: str) -> Run:
    found = manifest.read(folder)
    rows = frame.steady(frame.frame(samples.read(folder, clocks=found.clocks).table))
    rows = rows[rows["run_id"].fillna(found.run_id) == found.run_id]
    rows = rows[rows["scenario"].isin(load_scenarios(rows))]
    if rows.empty:
        raise UsageError(f"{folder} holds no sample outside the warm-up")
    return Run(name, found, rows.sort_values("sent_ns"))


def _pair(a: Run, b: Run, route: str, metric: str, rng: np.random.Generator) -> Pair:
    before, after = (
        thinned(frame.values(run.rows[run.rows["route"] == route], metric).data) for run in (a, b)
    )
    n = min(len(before), len(after))
    pair = Pair(a.name, b.name, f"{metric}_ms", n, route)
    if n < 2:
        return replace(pair, reason=f"{n} samples in the smaller run")
    old, new = float(np.median(before)), float(np.median(after))
    effect = _effect(before, after, rng)
    return replace(pair, a_median_ms=old, b_median_ms=new, effect=effect)


def _effect(before: Floats, after: Floats, rng: np.random.Generator) -> Effect | None:
    old, new = (_resampled(data, rng) for data in (before, after))
    if min(old.min(), new.min()) <= 0:
        return None
    below = int((new <= old).sum())
    tail = min(below, RESAMPLES - below)
    medians = float(np.median(before)), float(np.median(after))
    return Effect(
        ratio=medians[1] / medians[0],
        difference_ms=medians[1] - medians[0],
        cliffs_delta=cliffs_delta(before, after),
        p=min(1.0, 2 * (tail + 1) / (RESAMPLES + 1)),
        **_spread(np.log(new / old), new - old),
    )


def _spread(log_ratios: Floats, differences: Floats) -> dict[str, float]:
    """The interval fields of an effect, from bootstrapped medians."""
    low, inner_low, inner_high, high = np.exp(np.percentile(log_ratios, [2.5, 5, 95, 97.5]))
    below, above = np.percentile(differences, [2.5, 97.5]).tolist()
    ratios = {"low": low, "high": high, "equal_low": inner_low, "equal_high": inner_high}
    ends = {"difference_low_ms": below, "difference_high_ms": above}
    return {name: float(value) for name, value in {**ratios, **ends}.items()}


def _resampled(data: Floats, rng: np.random.Generator) -> Floats:
    length = max(round(len(data) ** (1 / 3)), len(data) // RUN_SHARE, 1)
    return resampled_medians(data, rng, length=length)


def _differences(a: Manifest, b: Manifest) -> dict[str, tuple[Any, Any]]:
    """Where two runs were not set up alike."""
    before = {**a.plan, "target": a.target, "settings": a.settings, "machine": a.machine}
    after = {**b.plan, "target": b.target, "settings": b.settings, "machine": b.machine}
    return {name: values for name, values in _changed(before, after) if name not in OF_NO_MATTER}


def _changed(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for name in dict.fromkeys([*before, *after]):
        values = before.get(name), after.get(name)
        if values[0] != values[1]:
            yield name, values


def _described(run: Run) -> dict[str, Any]:
    routes = run.rows[~run.rows["own"]].groupby("route")["ok"]
    return {
        "name": run.name,
        "run_id": run.manifest.run_id,
        "started": run.manifest.clock.get("started"),
        "target": run.manifest.target,
        "interrupted": run.manifest.interrupted,
        "routes": {
            str(route): {"requests": len(group), "error_rate": 1 - float(group.mean())}
            for route, group in routes
        },
    }
