"""Per route and scenario: counts, rates, errors and percentiles; the content of `summary.json`."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from harness.measure.metrics import METRICS, SCHEDULED
from harness.measure.odd import IN_TIME_NS, ONE_PIECE_NS, Odd
from harness.measure.outcome import Outcome
from harness.measure.validity import blurred
from harness.report import frame, interval
from harness.report.arrays import Floats, Mask
from harness.report.quantile import CONFIDENCE, PERCENTILES, Estimate, estimate, value_at, worth

ENDS: Mapping[str, str] = {
    "": "value",
    "_low": "low",
    "_high": "high",
    "_at_least": "at_least",
    "_at_most": "at_most",
}
"""What of an estimate is kept, by what the name of its statistic then ends with."""
COMPARE = "compare"
EXAMPLES = 3
NOTHING = "no successful request has this metric"
ROUTES = ("direct", "native", "compat", "model")
OF_ODD = (
    *("odd", "violations", "stream", "output_chunks", "first_output_ns", "last_output_ns"),
    *("first_output_blur_ns", "last_output_blur_ns"),
)
"""The columns that say how odd an answer was."""
COUNTED = (
    *("requests", "errors", "error_rate", "dropped", "rate", "throughput"),
    *("goodput", "goodput_share"),
    *("output_tokens_per_second", "cache_hit_share", "violation_rate"),
)
PLAIN: Mapping[str, Callable[[Floats], np.float64]] = {
    "mean": np.mean,
    "min": np.min,
    "max": np.max,
}

Good = Callable[[pd.DataFrame, str], Mask]
"""Which requests count as goodput, by the columns of each metric that end so: "" for its value."""


def summarise(rows: pd.DataFrame, good: Good) -> dict[str, Any]:
    """The measured part of `summary.json`.

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
    """The statistics of one metric in milliseconds; `reasons` says why one is null."""
    found = frame.values(rows, metric)
    ordered = found.ordered()
    estimates = {name: plain(found, name) for name in PLAIN}
    for percent in PERCENTILES:
        estimates[f"p{percent}"] = percentile(found, percent, ordered=ordered)
    told: dict[str, Any] = {"n": len(found)}
    for name, each in estimates.items():
        told |= {f"{name}{end}": _given(each, field) for end, field in ENDS.items()}
    reasons = {name: each.reason for name, each in estimates.items() if each.reason}
    return {**told, "reasons": reasons}


def _given(each: Estimate, field: str) -> float | None:
    """What is told of an estimate: no interval without a value, and nothing without end."""
    found: float | None = getattr(each, field)
    kept = each.value is not None or field not in ("low", "high")
    return found if kept and found is not None and math.isfinite(found) else None


def percentile(
    found: frame.Values,
    percent: float,
    *,
    ordered: frame.Values | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """One percentile, for as many independent values as there are worth."""
    if not len(found):
        return Estimate(None, reason=NOTHING)
    ordered = ordered or found.ordered()
    effective = worth(found.data, value_at(ordered.data, percent), found.owner)
    bounds = ordered.low, ordered.high
    return _seen(
        estimate(ordered.data, percent, effective=effective, bounds=bounds, confidence=confidence)
    )


def plain(found: frame.Values, name: str, *, confidence: float = CONFIDENCE) -> Estimate:
    """The mean, with its interval; or the smallest or the largest value, a fact of these."""
    if not len(found):
        return Estimate(None, reason=NOTHING)
    columns = (found.data, found.low, found.high)
    value, at_least, at_most = (float(PLAIN[name](column)) for column in columns)
    low = high = None
    if name == "mean":
        low, high = interval.mean(found.low, found.owner, confidence=confidence)
        if not np.array_equal(found.low, found.high):
            high = interval.mean(found.high, found.owner, confidence=confidence)[1]
    count = len(found)
    return _seen(Estimate(value, low, high, at_least=at_least, at_most=at_most, count=count))


def _seen(estimate: Estimate) -> Estimate:
    """The estimate without value and interval where the client could not see well enough."""
    value, at_least, at_most = estimate.value, estimate.at_least, estimate.at_most
    if value is None or at_least is None or at_most is None or math.isinf(at_most):
        return estimate
    reason = blurred(value, at_least, at_most)
    if reason is None:
        return estimate
    return replace(estimate, value=None, low=None, high=None, reason=reason)


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
    statistics = (*PLAIN, *(f"p{percent}" for percent in PERCENTILES))
    names = [f"{name}{end}" for name in statistics for end in ENDS]
    head = ["scenario", "route", "metric", *COUNTED, "n", *names]
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
    sent = int((~rows["own"]).sum())
    return {
        **_counts(rows, sent, seconds),
        **_contract(rows, sent),
        **_odd(rows),
        **goodput(rows, seconds, good),
        "cache_hit_share": _cache_hits(rows),
        **_tokens(rows, seconds),
        **measured,
    }


def _counts(rows: pd.DataFrame, sent: int, seconds: float) -> dict[str, Any]:
    """What became of the requests: what the target did apart from what the client did."""
    told = rows[["outcome", "message", "status"]]
    failed, own = told[rows["failed"]], told[rows["own"]]
    return {
        "requests": len(rows),
        "sent": sent,
        "ok": int(rows["ok"].sum()),
        "errors": len(failed),
        "dropped": int((rows["outcome"] == Outcome.DROPPED).sum()),
        "own": own["outcome"].value_counts().to_dict(),
        "error_rate": _share(len(failed), sent),
        "error_classes": failed["outcome"].value_counts().to_dict(),
        "error_statuses": _statuses(failed),
        "error_examples": _examples(told[~rows["ok"]]),
        "seconds": seconds,
        "rate": _per(sent, seconds),
        "throughput": _per(int(rows["ok"].sum()), seconds),
    }


def _contract(rows: pd.DataFrame, sent: int) -> dict[str, Any]:
    """Broken clauses; rates are of what was checked, where the samples say so, else of all sent."""
    known = bool(rows["checked"].notna().any())
    of = math.fsum(frame.weights(rows)) if known else sent
    return {
        "violations": {name: int(number) for name, number in _violations(rows, None).items()},
        "violation_count": int(rows["broken"].sum()),
        "checked": int(rows["checked"].fillna(False).sum()) if known else None,
        "violation_rates": {
            name: _share(number, of)
            for name, number in _violations(rows, frame.weights(rows)).items()
        },
        "violation_rate": _share(math.fsum(frame.weights(rows)[rows["broken"] > 0]), of),
    }


def _violations(rows: pd.DataFrame, weights: Floats | None) -> dict[str, float]:
    """How many answers broke each clause, commonest first; with `weights` what they stand for."""
    named = rows["violations"].explode().dropna()
    named = named[~named.isin(list(Odd))]
    counted = pd.Series(1.0 if weights is None else weights, index=rows.index)
    return {
        str(name): math.fsum(counted.loc[named.index[named == name]])
        for name in named.value_counts().index
    }


def _odd(rows: pd.DataFrame) -> dict[str, Any]:
    """How many good answers were odd in each way; null where the samples do not say."""
    answers = rows.loc[rows["ok"], list(OF_ODD)]
    known = bool(answers["odd"].notna().any())
    counts = {kind.value: int(frame.named(answers, kind).sum()) for kind in Odd}
    told = {kind: count if known or count else None for kind, count in counts.items()}
    shares = {kind: _share(count, len(answers)) for kind, count in told.items()}
    untold = _untold(answers)
    most = {kind: _share(count, len(answers)) for kind, count in told.items()}
    if untold:
        most[Odd.ONE_PIECE] = _share((counts[Odd.ONE_PIECE] or 0) + untold, len(answers))
    return {"odd": told, "odd_shares": shares, "odd_at_most": most, "one_piece_untold": untold}


def _untold(answers: pd.DataFrame) -> int:
    """Of how many streams the client read too late to tell whether they came in one piece."""
    said = answers["odd"].list.len().fillna(0) > 0
    many = answers["stream"].fillna(False) & (answers["output_chunks"] > 1) & ~said
    late = answers["first_output_blur_ns"].fillna(0) + answers["last_output_blur_ns"].fillna(0)
    spread = answers["last_output_ns"] - answers["first_output_ns"]
    narrow = spread - late <= ONE_PIECE_NS
    return int((many & (late > IN_TIME_NS) & narrow.fillna(False)).sum())


def goodput(rows: pd.DataFrame, seconds: float, good: Good) -> dict[str, Any]:
    """Goodput with the bounds that an uncertain latency leaves to it.

    Of answers that were not checked as many are taken to break a clause as of those that were.
    """
    judged = rows[["broken", "checked", "check_share"]]
    counts = [_unbroken(judged[good(rows, end)]) for end in ("", frame.LOW, frame.HIGH)]
    return {
        "goodput": _per(counts[0], seconds),
        "goodput_at_least": _per(min(counts), seconds),
        "goodput_at_most": _per(max(counts), seconds),
        "goodput_share": _share(counts[0], len(rows)),
    }


def _unbroken(rows: pd.DataFrame) -> float:
    """How many of these requests broke no clause."""
    weights, broken = frame.weights(rows), np.asarray(rows["broken"] > 0)
    if not broken.any() or not weights.any():
        return float(len(rows))
    return len(rows) * (1 - math.fsum(weights[broken]) / math.fsum(weights))


def _tokens(rows: pd.DataFrame, seconds: float) -> dict[str, Any]:
    """Token totals from `usage`, and how many of the output events came together, and by whom."""
    prompt, completion = (_total(rows, f"{kind}_tokens") for kind in ("prompt", "completion"))
    chunks, coalesced = _total(rows, "output_chunks"), _total(rows, "coalesced")
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "output_tokens_per_second": None if completion is None else _per(completion, seconds),
        "output_chunks": chunks,
        "tokens_per_chunk": _share(completion, chunks),
        "coalesced_share": _share(coalesced, chunks),
        "burst_share": _share(_total(rows, "burst_chunks"), chunks),
    }


def _cache_hits(rows: pd.DataFrame) -> float | None:
    """Of the answers that carried a cache status, the share that came from the cache."""
    stated = rows["cache_status"].dropna()
    return _share(int((stated.str.upper() == "HIT").sum()), len(stated))


def _statuses(failed: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Per error class, how often each HTTP status came, commonest first."""
    known = failed.dropna(subset=["status"])
    return {
        str(outcome): {str(status): int(n) for status, n in group.value_counts().items()}
        for outcome, group in known.groupby("outcome")["status"]
    }


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


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _per(count: float, seconds: float) -> float | None:
    return count / seconds if seconds > 0 else None
