"""Per route and scenario: counts, rates, errors and percentiles; the content of `summary.json`."""

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from harness.foreign import Place, harmless
from harness.measure.metrics import METRICS, SCHEDULED
from harness.measure.odd import IN_TIME_NS, ONE_PIECE_NS, Odd
from harness.measure.outcome import Outcome
from harness.measure.validity import blurred
from harness.report import frame, interval
from harness.report.arrays import NULL, Mask
from harness.report.columns import counted
from harness.report.frame import Frame, Values
from harness.report.ordered import Ranked
from harness.report.pooled import Pooled
from harness.report.quantile import CONFIDENCE, PERCENTILES, Estimate, estimate, value_at

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
SPAN = ("scheduled_ns", "sent_ns", "done_ns", "closed_ns", "last_output_ns")
"""The moments between the first and the last of which a load lies."""
COUNTED = (
    *("requests", "errors", "error_rate", "dropped", "rate", "throughput"),
    *("goodput", "goodput_share"),
    *("output_tokens_per_second", "cache_hit_share", "violation_rate"),
)
PLAIN = ("mean", "min", "max")

Good = Callable[[Frame, str], Mask]
"""Which requests count as goodput, by the columns of each metric that end so: "" for its value."""


def summarise(rows: Frame, good: Good, *, least_s: float = 0.0) -> dict[str, Any]:
    """The measured part of `summary.json`; rates are over `least_s` seconds or more.

    `routes` holds the load itself: all scenarios but the interleaved comparison, which runs alone
    at low load and would dilute it. `scenarios.<name>.routes` holds each scenario by itself.
    """
    steady = frame.steady(rows)
    load = load_scenarios(steady)
    scenarios = {
        name: _routes(found, good, least_s) for name, found in sorted(steady.by("scenario").items())
    }
    pooled = scenarios[load[0]] if len(load) == 1 else None
    if pooled is None:
        pooled = _routes(steady.where(steady.texts("scenario").among(*load)), good, least_s)
    return {
        "requests": len(steady),
        "warmup_requests": len(rows) - len(steady),
        "routes_of": load,
        "routes": pooled,
        "scenarios": {name: {"routes": routes} for name, routes in scenarios.items()},
    }


def load_scenarios(rows: Frame) -> list[str]:
    """The scenarios that are the load itself; the comparison too where there is nothing else."""
    names = sorted(rows.texts("scenario").present)
    return [name for name in names if name != COMPARE] or names


def window_s(rows: Frame) -> float:
    """From the first request to the last sign of an answer, over all routes, in seconds."""
    ends = [_ends(rows, name) for name in SPAN]
    known = [end for end in ends if end is not None]
    if not known:
        return 0.0
    return float(max(last for _, last in known) - min(first for first, _ in known)) / 1e9


def _ends(rows: Frame, name: str) -> tuple[int, int] | None:
    """The first and the last of a column of moments."""
    times = rows.ints(name)
    if not len(times) or (last := int(times.max())) == NULL:
        return None
    return int(times.min(where=times != NULL, initial=last)), last


def ordered_routes(routes: Iterable[str]) -> list[str]:
    """The routes in the order of every table: native, compat, model, then any other by name."""
    return sorted(routes, key=lambda route: (ROUTES.index(route) if route in ROUTES else 9, route))


def measure(rows: Frame, metric: str) -> dict[str, Any]:
    """The statistics of one metric in milliseconds; `reasons` says why one is null."""
    found = frame.values(rows, metric)
    estimates = {"mean": plain(found, "mean")}
    ordered = found.ordered()
    estimates |= {name: plain(found, name, ordered=ordered) for name in ("min", "max")}
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
    found: Values | Pooled,
    percent: float,
    *,
    ordered: tuple[Ranked, Ranked, Ranked] | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """One percentile, for as many independent values as there are worth."""
    if not len(found):
        return Estimate(None, reason=NOTHING)
    data, *bounds = ordered or found.ordered()
    effective = found.worth(value_at(data, percent))
    return _seen(
        estimate(
            data,
            percent,
            effective=effective,
            bounds=(bounds[0], bounds[1]),
            confidence=confidence,
        )
    )


def plain(
    found: Values | Pooled,
    name: str,
    *,
    ordered: tuple[Ranked, Ranked, Ranked] | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """The mean, with its interval; or the smallest or the largest value, a fact of these."""
    if not len(found):
        return Estimate(None, reason=NOTHING)
    if name == "mean":
        return _seen(_mean(found, confidence))
    place = 0 if name == "min" else -1
    value, at_least, at_most = (float(each[place]) for each in ordered or found.ordered())
    return _seen(Estimate(value, at_least=at_least, at_most=at_most, count=len(found)))


def _mean(found: Values | Pooled, confidence: float) -> Estimate:
    """The mean, from the interval of the least to that of the most; one column at a time."""
    value = at_most = float(np.mean(found.data))
    column = found.low
    at_least = float(np.mean(column))
    low, high = interval.mean(column, found.of, confidence=confidence)
    if not found.exact:
        column = found.high
        at_most = float(np.mean(column))
        high = interval.mean(column, found.of, confidence=confidence)[1]
    return Estimate(value, low, high, at_least=at_least, at_most=at_most, count=len(found))


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


def flat(summary: Mapping[str, Any]) -> str:
    """The same as one row per scenario, route and metric: `summary.csv`."""
    statistics = (*PLAIN, *(f"p{percent}" for percent in PERCENTILES))
    names = [f"{name}{end}" for name in statistics for end in ENDS]
    head = ["scenario", "route", "metric", *COUNTED, "n", *names]
    text = io.StringIO()
    table = csv.DictWriter(text, head, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for scenario, routes in summary["scenarios"].items():
        for route, entry in routes["routes"].items():
            for name, measured in entry.items():
                if "_ms" in name:
                    of = {
                        "scenario": harmless(scenario, Place.CSV),
                        "route": harmless(route, Place.CSV),
                        "metric": name,
                    }
                    table.writerow({**entry, **measured, **of})
    return text.getvalue()


def _routes(rows: Frame, good: Good, least_s: float) -> dict[str, Any]:
    seconds, routes = max(window_s(rows), least_s), rows.by("route")
    answered = {route: of.where(of.ok) for route, of in routes.items()}
    metrics: dict[str, dict[str, Any]] = {}
    for name in METRICS:
        metrics[name] = {
            route: metrics[twin][route] if (twin := _twin(of, name)) else measure(of, name)
            for route, of in answered.items()
        }
    return {
        route: {
            **_route(routes[route], seconds, good),
            **{key(name): found[route] for name, found in metrics.items()},
        }
        for route in ordered_routes(routes)
    }


def _twin(rows: Frame, metric: str) -> str | None:
    """The metric that is the same from send, where no start enters and all requests were due."""
    of = METRICS[metric]
    if not of.scheduled or of.start or not rows.known("scheduled_ns").all():
        return None
    return metric.removesuffix(SCHEDULED)


def _route(rows: Frame, seconds: float, good: Good) -> dict[str, Any]:
    sent = int((~rows.own).sum())
    return {
        **_counts(rows, sent, seconds),
        **_contract(rows, sent),
        **_odd(rows.where(rows.ok)),
        **goodput(rows, seconds, good),
        "cache_hit_share": _cache_hits(rows),
        **_tokens(rows, seconds),
    }


def _counts(rows: Frame, sent: int, seconds: float) -> dict[str, Any]:
    """What became of the requests: what the target did apart from what the client did."""
    ok, failed = int(rows.ok.sum()), rows.where(rows.failed)
    return {
        "requests": len(rows),
        "sent": sent,
        "ok": ok,
        "errors": len(failed),
        "dropped": int(rows.texts("outcome").among(Outcome.DROPPED).sum()),
        "own": rows.where(rows.own).texts("outcome").counts,
        "error_rate": _share(len(failed), sent),
        "error_classes": failed.texts("outcome").counts,
        "error_statuses": _statuses(failed),
        "error_examples": _examples(rows.where(~rows.ok)),
        "seconds": seconds,
        "rate": _per(sent, seconds),
        "throughput": _per(ok, seconds),
    }


def _contract(rows: Frame, sent: int) -> dict[str, Any]:
    """Broken clauses; rates are of what was checked, where the samples say so, else of all sent."""
    known, weights = bool(rows.told("checked").any()), frame.weights(rows)
    marks, broken = frame.violations(rows), rows.broken
    of = frame.whole(weights) if known else sent
    counts = marks.texts.counts
    stood_for = {name: weights[marks.owner[marks.texts.among(name)]] for name in counts}
    return {
        "violations": counts,
        "violation_count": int(broken.sum()),
        "checked": int(rows.flags("checked").sum()) if known else None,
        "violation_rates": {
            name: _share(frame.whole(weight), of) for name, weight in stood_for.items()
        },
        "violation_rate": _share(frame.whole(weights[broken > 0]), of),
    }


def _odd(answers: Frame) -> dict[str, Any]:
    """How many good answers were odd in each way; null where the samples do not say."""
    known = bool(answers.marks("odd").known.any())
    counts = {kind.value: int(frame.named(answers, kind).sum()) for kind in Odd}
    told = {kind: count if known or count else None for kind, count in counts.items()}
    shares = {kind: _share(count, len(answers)) for kind, count in told.items()}
    untold = _untold(answers)
    most = {kind: _share(count, len(answers)) for kind, count in told.items()}
    if untold:
        most[Odd.ONE_PIECE] = _share((counts[Odd.ONE_PIECE] or 0) + untold, len(answers))
    return {"odd": told, "odd_shares": shares, "odd_at_most": most, "one_piece_untold": untold}


def _untold(answers: Frame) -> int:
    """Of how many streams the client read too late to tell whether they came in one piece."""
    late = np.zeros(len(answers), dtype=np.int64)
    for name in ("first_output_blur_ns", "last_output_blur_ns"):
        late += np.maximum(answers.ints(name), 0)
    unsure = answers.where(late > IN_TIME_NS)
    late = late[late > IN_TIME_NS]
    first, last = unsure.ints("first_output_ns"), unsure.ints("last_output_ns")
    narrow = (first != NULL) & (last != NULL) & (last - first - late <= ONE_PIECE_NS)
    many = unsure.flags("stream") & (unsure.ints("output_chunks") > 1)
    many[unsure.marks("odd").owner] = False
    return int((many & narrow).sum())


def goodput(rows: Frame, seconds: float, good: Good) -> dict[str, Any]:
    """Goodput with the bounds that an uncertain latency leaves to it.

    Of answers that were not checked as many are taken to break a clause as of those that were.
    """
    counts = [_unbroken(rows.where(good(rows, end))) for end in ("", frame.LOW, frame.HIGH)]
    return {
        "goodput": _per(counts[0], seconds),
        "goodput_at_least": _per(min(counts), seconds),
        "goodput_at_most": _per(max(counts), seconds),
        "goodput_share": _share(counts[0], len(rows)),
    }


def _unbroken(rows: Frame) -> float:
    """How many of these requests broke no clause."""
    broken = rows.broken > 0
    if not broken.any():
        return float(len(rows))
    weights = frame.weights(rows)
    if not weights.any():
        return float(len(rows))
    return len(rows) * (1 - frame.whole(weights[broken]) / frame.whole(weights))


def _tokens(rows: Frame, seconds: float) -> dict[str, Any]:
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


def cache_hits(rows: Frame) -> Mask:
    """Of the answers that carried a cache status, which came from the cache."""
    texts = rows.texts("cache_status")
    hits = texts.among(*(name for name in texts.names if name.upper() == "HIT"))
    return hits[texts.among(*texts.names)]


def _cache_hits(rows: Frame) -> float | None:
    hits = cache_hits(rows)
    return _share(int(hits.sum()), len(hits))


def _statuses(failed: Frame) -> dict[str, dict[str, int]]:
    """Per error class, how often each HTTP status came, commonest first."""
    answered = failed.where(failed.known("status"))
    return {
        outcome: {str(status): count for status, count in counted(group.ints("status"))}
        for outcome, group in sorted(answered.by("outcome").items())
    }


def _examples(failed: Frame) -> dict[str, list[str]]:
    """Per error class, the commonest messages."""
    texts = failed.texts("message")
    told = failed.where(texts.among(*texts.names))
    return {
        outcome: [message[:300] for message in group.texts("message").counts][:EXAMPLES]
        for outcome, group in sorted(told.by("outcome").items())
    }


def _total(rows: Frame, column: str) -> int | None:
    """The sum over the requests that have a value; None when none has."""
    values = rows.ints(column)
    known = values != NULL
    return int(values.sum(where=known)) if known.any() else None


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _per(count: float, seconds: float) -> float | None:
    return count / seconds if seconds > 0 else None
