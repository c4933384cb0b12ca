"""Per route and scenario: counts, rates, errors and percentiles; the content of `summary.json`."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from harness.measure.metrics import METRICS, SCHEDULED
from harness.report import frame
from harness.report.quantile import PERCENTILES, Estimate, Floats, Indices, Mask, estimate, worth

COMPARE = "compare"
EXAMPLES = 3
ROUTES = ("native", "compat", "model")
COUNTED = (
    *("requests", "errors", "error_rate", "dropped", "rate", "goodput", "goodput_share"),
    *("output_tokens_per_second", "cache_hit_share", "violation_rate"),
)
PLAIN: Mapping[str, Callable[[Floats], np.float64]] = {
    "mean": np.mean,
    "min": np.min,
    "max": np.max,
}

Good = Callable[[pd.DataFrame], Mask]


def summarise(rows: pd.DataFrame, good: Good) -> dict[str, Any]:
    """The measured part of `summary.json`; `good` says which requests count as goodput.

    `routes` holds the load itself: all scenarios but the interleaved comparison, which runs alone
    at low load and would dilute it. `scenarios.<name>.routes` holds each scenario by itself.
    """
    counted = frame.steady(rows)
    load = load_scenarios(counted)
    scenarios = {
        name: _routes(counted[counted["scenario"] == name], good)
        for name in sorted(counted["scenario"].unique())
    }
    pooled = scenarios[load[0]] if len(load) == 1 else None
    if pooled is None:
        pooled = _routes(counted[counted["scenario"].isin(load)], good)
    return {
        "requests": len(counted),
        "warmup_requests": len(rows) - len(counted),
        "routes_of": load,
        "routes": pooled,
        "scenarios": {name: {"routes": routes} for name, routes in scenarios.items()},
    }


def load_scenarios(rows: pd.DataFrame) -> list[str]:
    """The scenarios that are the load itself; the comparison too where there is nothing else."""
    names = sorted(rows["scenario"].unique())
    return [name for name in names if name != COMPARE] or names


def window_s(rows: pd.DataFrame) -> float:
    """From the first request to the last sign of an answer, over all routes, in seconds."""
    times = rows[["scheduled_ns", "sent_ns", "done_ns", "closed_ns", "last_output_ns"]]
    first, last = times.min().min(), times.max().max()
    return 0.0 if pd.isna(first) else float(last - first) / 1e9


def ordered_routes(routes: Iterable[str]) -> list[str]:
    """The routes in the order of every table: native, compat, model, then any other by name."""
    return sorted(routes, key=lambda route: (ROUTES.index(route) if route in ROUTES else 9, route))


def measure(rows: pd.DataFrame, metric: str) -> dict[str, Any]:
    """The statistics of one metric in milliseconds; `reasons` says why a percentile is null."""
    data, owner = frame.values(rows, metric)
    found: dict[str, Any] = {"n": len(data)}
    for name, statistic in PLAIN.items():
        found[name] = float(statistic(data)) if len(data) else None
    ordered, reasons = np.sort(data), {}
    for percent in PERCENTILES:
        result = percentile(data, owner, percent, ordered=ordered)
        name = f"p{percent}"
        found |= {name: result.value, f"{name}_low": result.low, f"{name}_high": result.high}
        if result.reason:
            reasons[name] = result.reason
    return {**found, "reasons": reasons}


def percentile(
    data: Floats, owner: Indices | None, percent: float, *, ordered: Floats | None = None
) -> Estimate:
    """One percentile; where values are grouped by `owner`, for as many as they are worth."""
    effective = None if owner is None else worth(data, owner, percent)
    return estimate(np.sort(data) if ordered is None else ordered, percent, effective=effective)


def key(metric: str) -> str:
    """The name of a metric in `summary.json`: `ttft_scheduled` is `ttft_ms_scheduled` there."""
    plain = metric.removesuffix(SCHEDULED)
    return f"{plain}_ms{metric.removeprefix(plain)}"


def flat(summary: Mapping[str, Any]) -> pd.DataFrame:
    """The same as one row per scenario, route and metric: `summary.csv`."""
    rows = [
        {
            "scenario": scenario,
            "route": route,
            "metric": name,
            **_counted(entry),
            **_plain(measured),
        }
        for scenario, routes in summary["scenarios"].items()
        for route, entry in routes["routes"].items()
        for name, measured in entry.items()
        if "_ms" in name
    ]
    names = [f"p{percent}{end}" for percent in PERCENTILES for end in ("", "_low", "_high")]
    head = ["scenario", "route", "metric", *COUNTED, "n", *PLAIN, *names]
    return pd.DataFrame(rows, columns=head)


def _counted(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in COUNTED}


def _plain(measured: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in measured.items() if name != "reasons"}


def _routes(rows: pd.DataFrame, good: Good) -> dict[str, Any]:
    seconds = window_s(rows)
    groups = rows.groupby("route", sort=False)
    found = {str(route): _route(group, seconds, good) for route, group in groups}
    return {route: found[route] for route in ordered_routes(found)}


def _route(rows: pd.DataFrame, seconds: float, good: Good) -> dict[str, Any]:
    measured = {key(name): measure(rows, name) for name in METRICS}
    return {**_counts(rows, seconds, int(good(rows).sum())), **measured}


def _counts(rows: pd.DataFrame, seconds: float, good: int) -> dict[str, Any]:
    n, failed = len(rows), rows[~rows["ok"]]
    violated = int((rows["violations"].list.len().fillna(0) > 0).sum())
    return {
        "requests": n,
        "ok": n - len(failed),
        "errors": len(failed),
        "dropped": int((rows["outcome"] == "dropped").sum()),
        "error_rate": _share(len(failed), n),
        "error_classes": failed["outcome"].value_counts().to_dict(),
        "error_examples": _examples(failed),
        "violations": rows["violations"].explode().dropna().value_counts().to_dict(),
        "violation_rate": _share(violated, n),
        "seconds": seconds,
        "rate": _per(n, seconds),
        "goodput": _per(good, seconds),
        "goodput_share": _share(good, n),
        "cache_hit_share": _cache_hits(rows),
        **_tokens(rows, seconds),
    }


def _tokens(rows: pd.DataFrame, seconds: float) -> dict[str, Any]:
    """Token totals from `usage`, and how many of the output events shared a receive time."""
    prompt, completion = (_total(rows, f"{kind}_tokens") for kind in ("prompt", "completion"))
    chunks, coalesced = _total(rows, "output_chunks"), _total(rows, "coalesced")
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "output_tokens_per_second": None if completion is None else _per(completion, seconds),
        "output_chunks": chunks,
        "tokens_per_chunk": _share(completion, chunks),
        "coalesced_share": _share(coalesced, chunks),
    }


def _cache_hits(rows: pd.DataFrame) -> float | None:
    """Of the answers that carried a cache status, the share that came from the cache."""
    stated = rows["cache_status"].dropna()
    return _share(int((stated.str.upper() == "HIT").sum()), len(stated))


def _examples(failed: pd.DataFrame) -> dict[str, list[str]]:
    """Per error class, the commonest messages."""
    told = failed.dropna(subset=["message"])
    counts = told.groupby("outcome")["message"].value_counts()
    found: dict[str, list[str]] = {}
    for outcome, message in counts.index:
        found.setdefault(str(outcome), []).append(str(message)[:300])
    return {outcome: messages[:EXAMPLES] for outcome, messages in found.items()}


def _total(rows: pd.DataFrame, column: str) -> int | None:
    """The sum over the requests that have a value; None when none has."""
    known = rows[column].dropna()
    return int(known.sum()) if len(known) else None


def _share(part: int | None, whole: int | None) -> float | None:
    return None if part is None or not whole else part / whole


def _per(count: int, seconds: float) -> float | None:
    return count / seconds if seconds > 0 else None
