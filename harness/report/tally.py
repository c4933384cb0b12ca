"""Per route and scenario: counts, rates, errors and latencies of a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from harness.measure.metrics import METRICS, SCHEDULED
from harness.measure.odd import IN_TIME_NS, ONE_PIECE_NS, Odd
from harness.measure.outcome import Outcome
from harness.report import frame
from harness.report.arrays import NULL, Mask
from harness.report.columns import counted
from harness.report.frame import Frame
from harness.report.latencies import measure
from harness.report.report import (
    COMPARE,
    Counts,
    Goodput,
    Latency,
    Oddities,
    Routes,
    RouteSummary,
    Tokens,
    Violations,
    key,
    ordered_routes,
)

EXAMPLES = 3
SPAN = ("scheduled_ns", "sent_ns", "done_ns", "closed_ns", "last_output_ns")
"""The moments between the first and the last of which a load lies."""

Good = Callable[[Frame, str], Mask]
"""Which requests count as goodput, by the columns of each metric that end so: "" for its value."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The routes of a run, warm-up excluded.

    `routes` holds the load itself: all scenarios but the interleaved comparison, which runs alone
    at low load and would dilute it; `routes_of` names them. `scenarios` holds each by itself.
    """

    requests: int
    warmup_requests: int
    routes_of: tuple[str, ...]
    routes: Routes
    scenarios: Mapping[str, Routes]


def summarise(rows: Frame, good: Good, *, least_s: float = 0.0) -> Tally:
    """The routes of these requests; rates are over `least_s` seconds or more."""
    steady = frame.steady(rows)
    load = load_scenarios(steady)
    scenarios = {
        name: _routes(found, good, least_s) for name, found in sorted(steady.by("scenario").items())
    }
    pooled = scenarios[load[0]] if len(load) == 1 else None
    if pooled is None:
        pooled = _routes(steady.where(steady.texts("scenario").among(*load)), good, least_s)
    return Tally(
        requests=len(steady),
        warmup_requests=len(rows) - len(steady),
        routes_of=tuple(load),
        routes=pooled,
        scenarios=scenarios,
    )


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


def _routes(rows: Frame, good: Good, least_s: float) -> Routes:
    seconds, routes = max(window_s(rows), least_s), rows.by("route")
    answered = {route: of.where(of.ok) for route, of in routes.items()}
    metrics: dict[str, dict[str, Latency]] = {}
    for name in METRICS:
        metrics[name] = {
            route: metrics[twin][route] if (twin := _twin(of, name)) else measure(of, name)
            for route, of in answered.items()
        }
    return {
        route: _route(
            routes[route],
            seconds,
            good,
            latencies={key(name): found[route] for name, found in metrics.items()},
        )
        for route in ordered_routes(routes)
    }


def _twin(rows: Frame, metric: str) -> str | None:
    """The metric that is the same from send, where no start enters and all requests were due."""
    of = METRICS[metric]
    if not of.scheduled or of.start or not rows.known("scheduled_ns").all():
        return None
    return metric.removesuffix(SCHEDULED)


def _route(
    rows: Frame, seconds: float, good: Good, *, latencies: Mapping[str, Latency]
) -> RouteSummary:
    sent = int((~rows.own).sum())
    return RouteSummary(
        counts=_counts(rows, sent, seconds),
        contract=_contract(rows, sent),
        odd=_odd(rows.where(rows.ok)),
        goodput=goodput(rows, seconds, good),
        cache_hit_share=_cache_hits(rows),
        tokens=_tokens(rows, seconds),
        latencies=latencies,
    )


def _counts(rows: Frame, sent: int, seconds: float) -> Counts:
    ok, failed = int(rows.ok.sum()), rows.where(rows.failed)
    return Counts(
        requests=len(rows),
        sent=sent,
        ok=ok,
        errors=len(failed),
        dropped=int(rows.texts("outcome").among(Outcome.DROPPED).sum()),
        own=rows.where(rows.own).texts("outcome").counts,
        error_rate=_share(len(failed), sent),
        error_classes=failed.texts("outcome").counts,
        error_statuses=_statuses(failed),
        error_examples=_examples(rows.where(~rows.ok)),
        seconds=seconds,
        rate=_per(sent, seconds),
        throughput=_per(ok, seconds),
    )


def _contract(rows: Frame, sent: int) -> Violations:
    known, weights = bool(rows.told("checked").any()), frame.weights(rows)
    marks, broken = frame.violations(rows), rows.broken
    of = frame.whole(weights) if known else sent
    counts = marks.texts.counts
    stood_for = {name: weights[marks.owner[marks.texts.among(name)]] for name in counts}
    return Violations(
        violations=counts,
        violation_count=int(broken.sum()),
        checked=int(rows.flags("checked").sum()) if known else None,
        violation_rates={
            name: _share(frame.whole(weight), of) for name, weight in stood_for.items()
        },
        violation_rate=_share(frame.whole(weights[broken > 0]), of),
    )


def _odd(answers: Frame) -> Oddities:
    known = bool(answers.marks("odd").known.any())
    counts = {kind.value: int(frame.named(answers, kind).sum()) for kind in Odd}
    told = {kind: count if known or count else None for kind, count in counts.items()}
    untold = _untold(answers)
    most = {kind: _share(count, len(answers)) for kind, count in told.items()}
    if untold:
        most[Odd.ONE_PIECE] = _share(counts[Odd.ONE_PIECE] + untold, len(answers))
    shares = {kind: _share(count, len(answers)) for kind, count in told.items()}
    return Oddities(told, shares, most, untold)


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


def goodput(rows: Frame, seconds: float, good: Good) -> Goodput:
    """Goodput with the bounds that an uncertain latency leaves to it.

    Of answers that were not checked as many are taken to break a clause as of those that were.
    """
    counts = [_unbroken(rows.where(good(rows, end))) for end in ("", frame.LOW, frame.HIGH)]
    return Goodput(
        per_second=_per(counts[0], seconds),
        at_least=_per(min(counts), seconds),
        at_most=_per(max(counts), seconds),
        share=_share(counts[0], len(rows)),
    )


def _unbroken(rows: Frame) -> float:
    """How many of these requests broke no clause."""
    broken = rows.broken > 0
    if not broken.any():
        return float(len(rows))
    weights = frame.weights(rows)
    if not weights.any():
        return float(len(rows))
    return len(rows) * (1 - frame.whole(weights[broken]) / frame.whole(weights))


def _tokens(rows: Frame, seconds: float) -> Tokens:
    prompt, completion = (_total(rows, f"{kind}_tokens") for kind in ("prompt", "completion"))
    chunks, coalesced = _total(rows, "output_chunks"), _total(rows, "coalesced")
    return Tokens(
        prompt_tokens=prompt,
        completion_tokens=completion,
        output_tokens_per_second=None if completion is None else _per(completion, seconds),
        output_chunks=chunks,
        tokens_per_chunk=_share(completion, chunks),
        coalesced_share=_share(coalesced, chunks),
        burst_share=_share(_total(rows, "burst_chunks"), chunks),
    )


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
