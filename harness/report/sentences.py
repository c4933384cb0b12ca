"""What a report says in words; the page, the Markdown and the terminal share it."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.contract.clause import Result
from harness.foreign import Place, harmless
from harness.measure.objective import RATIO, parse_objective
from harness.measure.odd import Odd
from harness.report import figures
from harness.report.capacity.result import Capacity
from harness.report.comparison import Comparison, Effect, PairedDifference, PairVerdict
from harness.report.frame import of_first_output
from harness.report.pacing import Pacing, Spacing
from harness.report.report import BY_KEY, Routes, RouteSummary
from harness.routes.route import Route

if TYPE_CHECKING:
    from harness.report.load_generator import ClientPauses, LoadGenerator
    from harness.report.report import Report
    from harness.report.thresholds import Checked


def compared(comparison: Comparison) -> list[tuple[str, str]]:
    """For each two routes the verdict and a sentence, in the metric that routes are judged by."""
    main = [(pair, pair.effect) for pair in comparison.main if pair.effect]
    return [(pair.verdict, _pair(pair, effect, comparison.margin)) for pair, effect in main]


def result(comparison: Comparison) -> str:
    """What was found between every two routes, in the metric that they are judged by: one line."""
    failing = [each.sentence for each in comparison.failures if each.differ]
    main = [(pair, pair.effect) for pair in comparison.main if pair.effect]
    found = [_found(pair, effect, comparison.margin) for pair, effect in main]
    return "; ".join([*failing, *found])


def used(capacity: Capacity) -> str:
    """What a search took."""
    took = capacity.used()
    tokens = "" if took.tokens is None else f", {figures.count(took.tokens)} tokens"
    return (
        f"{took.trials} trials, {figures.count(took.requests)} requests{tokens} in "
        f"{figures.long_duration(took.seconds)}"
    )


def lead(report: "Report") -> str:
    """The result of a run in one sentence: why it did not pass, else what it found."""
    if report.reasons:
        return f"{report.reasons[0]}."
    if report.capacity is not None:
        found = report.capacity.sentence
        return f"{found[0].upper()}{found[1:]}."
    compared = result(report.comparison)
    if compared:
        return f"{compared[0].upper()}{compared[1:]}."
    if report.summary.requests:
        return f"{headline(report)}."
    kept = report.contract and len(report.contract.with_result(Result.PASS))
    return f"All {kept} clauses that could be judged were kept." if kept else ""


def target(described: Any) -> str:
    """The target of a run in a few words: its name and where it is."""
    if not isinstance(described, Mapping):
        return str(described)
    name, where = described.get("name"), described.get("base")
    return " at ".join(dict.fromkeys(str(each) for each in (name, where) if each)) or "unknown"


def one_line(text: str, *, most: int = 160) -> str:
    """A foreign text on one line that nothing obeys, cut."""
    return harmless(text, Place.TERMINAL, most=most)


def client(described: "LoadGenerator") -> str:
    """What the measuring side says of itself."""
    if described.loop_lag_ms is None:
        return "The client left no record of itself: how exact it was is not known."
    late = f"its loop was {figures.duration(described.loop_lag_ms.p99)} late at p99"
    stamps = {True: "by the kernel", False: "by the client", None: "by nobody"}
    processes = f"{described.workers} processes" if described.workers > 1 else "One process"
    busy = f"{figures.share(described.cpu_share)} of a core at most"
    received = f"receive times were taken {stamps[described.kernel_times]}"
    return f"{processes} sent the requests, {busy}; {late}; {received}. {_floor(described)}"


def _floor(described: "LoadGenerator") -> str:
    """What the client showed against a known schedule."""
    if not described.noise_floor:
        return (
            "The client's own error is not known: it was not calibrated before the load "
            "(--no-calibrate, or a version that cannot)."
        )
    names = {"ttft_ms": "TTFT", "inter_chunk_ms": "inter-chunk", "e2e_ms": "E2E"}
    errors = ", ".join(f"{n} {client_error(described, key)}" for key, n in names.items())
    return f"Against a known schedule its own error at p99 was: {errors}."


def paused(found: "ClientPauses") -> str:
    """When one process of the client did not run."""
    lengths = found.lengths_ms
    times = "" if len(lengths) == 1 else f" {len(lengths)} times,"
    longest = "" if len(lengths) == 1 else f" in all, {figures.duration(max(lengths))} at the most"
    stood = f"the client did not run{times} for {figures.duration(sum(lengths))}{longest}"
    share = figures.share(found.share)
    return f"{stood} (worker {found.worker}): {share} of the requests were under way then"


ODD: Mapping[str, str] = {
    Odd.ONE_PIECE: "came in one piece: their TTFT is the whole answer's time",
    Odd.NOT_STREAMED: "were not streamed though a stream was asked for",
    Odd.NO_OUTPUT: "have no output at all: they have no TTFT",
    Odd.NO_FINISH_REASON: "have no finish reason",
    Odd.UNASKED_CODING: "were compressed though that was not asked for",
    Odd.NO_DONE: "are streams that ended without [DONE]",
}


def odd(name: str, route: RouteSummary) -> Iterator[tuple[str, str]]:
    """What was odd about the answers of a route: each kind with its sentence."""
    for kind, count in route.odd.counts.items():
        if count:
            answers = figures.count(route.counts.ok)
            yield kind, f"{figures.count(count)} of {answers} answers on {name} {ODD[kind]}"
    if route.odd.untold:
        many = figures.count(route.odd.untold)
        unclear = "the client could not tell whether they came in one piece"
        yield "", f"of {many} streams on {name} {unclear}"


def pacing(found: Pacing | None) -> str | None:
    """How well an open loop was sent; None for a closed one."""
    if found is None:
        return None
    lag = found.start_lag_ms
    lags = ((lag.p50, "at p50"), (lag.p99, "at p99"), (lag.max, "at the most"))
    late = ", ".join(f"{figures.duration(each)} {word}" for each, word in lags)
    rates = f"{figures.digits(found.achieved_rate)} of {figures.digits(found.asked_rate)}"
    gaps = f"; Kolmogorov's distance of the times between them {figures.digits(found.distance)}"
    even = found.spaced in (Spacing.EVENLY, Spacing.STAGES, Spacing.QUOTA)
    gaps = "" if even else gaps  # where a microsecond of jitter makes it 1/2
    rates += f" requests/s{SPACED[found.spaced]}"
    return f"{rates} had left when the last was due; start lag {late}{gaps}."


SPACED: Mapping[Spacing, str] = {
    Spacing.EVENLY: "",
    Spacing.STAGES: " in the mean of all stages",
    Spacing.QUOTA: ", as the quota let them,",
    Spacing.TRACE: ", as the trace has them,",
    Spacing.CHANCE: ", as the chances fell,",
}
"""Why a load's requests had the times between them that they were asked to have."""
SHOWN = ("ttft_ms", "inter_chunk_ms", "tpot_ms", "e2e_ms")
FROM_SCHEDULE = ("ttft_ms_scheduled", "e2e_ms_scheduled")


def shown(routes: Routes) -> tuple[str, ...]:
    """The metrics of the short tables; those from schedule lead where there was one."""
    due = any(route.latencies[name].n for route in routes.values() for name in FROM_SCHEDULE)
    return (*FROM_SCHEDULE, *SHOWN) if due else SHOWN


def survivors(routes: Routes) -> str | None:
    """Whose latencies the tables show, where any request failed; None where none did."""
    failed = sum(route.counts.errors for route in routes.values())
    sent = sum(route.counts.sent for route in routes.values())
    if not failed:
        return None
    return (
        f"Latencies are of the requests that succeeded; the {figures.count(failed)} of "
        f"{figures.count(sent)} that failed count in objectives as longer than any answer."
    )


def headline(report: "Report") -> str:
    """Requests, rates and how far each objective is from its limit, in one line."""
    routes = report.summary.routes.values()
    sent = figures.digits(math.fsum(route.counts.rate or 0.0 for route in routes))
    good = figures.digits(math.fsum(route.goodput.per_second or 0.0 for route in routes))
    requests = figures.count(report.summary.requests)
    told = [f"{requests} requests", f"{sent}/s sent, goodput {good}/s"]
    return "; ".join([", ".join(told), *_headroom(report)])


def _headroom(report: "Report") -> Iterator[str]:
    """Each objective on a latency with the route that is nearest to its limit or beyond it."""
    typed = (each.objective for each in report.checked if not each.by_default)
    for text in dict.fromkeys(typed):
        objective = parse_objective(text, also=(RATIO,))
        values = [each.value for each in report.checked if each.objective == text]
        known = [value for value in values if value is not None]
        if objective.unit == "ms" and known:
            worst = max(known) if objective.operator.startswith("<") else min(known)
            limit = figures.short_duration(objective.limit)
            yield f"{objective.statistic}({objective.metric}) {figures.duration(worst)} of {limit}"


def client_error(client: "LoadGenerator", metric: str) -> str:
    """How exact the client's own figures of a metric are, by its calibration."""
    error = client.error_ms(BY_KEY[metric])
    return "unknown" if error is None else f"<{figures.duration(error)}"


def withheld(routes: Routes) -> Iterator[str]:
    """Why figures of a metric are not given, for each metric and route that the tables show."""
    for metric in shown(routes):
        for name, route in routes.items():
            alike: dict[str, list[str]] = {}
            for percent, found in route.latencies[metric].percentiles.items():
                if figures.bounds(found):
                    alike.setdefault(str(found.reason), []).append(f"p{percent}")
            for reason, lost in alike.items():
                yield f"{figures.metric(metric)} on {name}, {', '.join(lost)}: {reason}"


def judged(checked: "Iterable[Checked]") -> Iterator[tuple[str, list[str], str, str]]:
    """Each objective with the routes of which the same was measured, the result and what it was."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for each in checked:
        alike.setdefault((each.told, each.result, each.measured), []).append(each.route)
    for (objective, result, measured), routes in alike.items():
        yield objective, routes, result, measured


def own(routes: Routes) -> str | None:
    """What the client did itself, which is in no error rate; None where it did nothing."""
    return _by_route(
        "of the client, not errors of the target",
        {
            name: ", ".join(f"{figures.count(count)} x {kind}" for kind, count in counts.items())
            for name, route in routes.items()
            for counts in [route.counts.own]
            if counts
        },
    )


def bursts(routes: Routes) -> str | None:
    """How much of its output the target packed together; None where nobody saw it."""
    return _by_route(
        "bursts, chunks that the target packed together",
        {
            name: figures.share(route.tokens.burst_share)
            for name, route in routes.items()
            if route.tokens.burst_share is not None
        },
    )


def _by_route(title: str, told: Mapping[str, str]) -> str | None:
    return (
        f"{title}: {'; '.join(f'{name} {text}' for name, text in told.items())}" if told else None
    )


def spoiled(entry: RouteSummary, metric: str) -> int:
    """How many values of a metric lost their meaning: the TTFT of answers in one piece."""
    return entry.odd.counts[Odd.ONE_PIECE] or 0 if of_first_output(BY_KEY[metric]) else 0


def _pair(pair: PairedDifference, effect: Effect, margin: float) -> str:
    name, absolute = figures.metric(pair.metric), figures.duration(abs(effect.difference_ms))
    between = f"{figures.ratio(effect.low)} to {figures.ratio(effect.high)}"
    change = f"{figures.ratio(effect.ratio)}, 95 % interval {between}"
    a, b = (f"{pair.route} in {run}" if pair.route else _upstream(run) for run in (pair.a, pair.b))
    if pair.verdict in (PairVerdict.SLOWER, PairVerdict.FASTER):
        return f"{b} is {pair.verdict} than {a} by {absolute} of {name} ({change})"
    if pair.verdict is PairVerdict.EQUIVALENT:
        return f"{b} has the {name} of {a} within {margin:.0%} ({change})"
    return f"{b} against {a}: {name} {change}; {pair.reason}"


def _found(pair: PairedDifference, effect: Effect, margin: float) -> str:
    """One pair in a few words."""
    name, absolute = figures.metric(pair.metric), figures.duration(abs(effect.difference_ms))
    low, high = figures.ratio(effect.low), figures.ratio(effect.high)
    a, b = _upstream(pair.a), _upstream(pair.b)
    told = {
        PairVerdict.SLOWER: f"{b} costs {absolute} of {name} more than {a} ({low} to {high})",
        PairVerdict.FASTER: f"{b} costs {absolute} of {name} less than {a} ({low} to {high})",
        PairVerdict.EQUIVALENT: f"{b} is equal to {a} in {name} within {margin:.0%}",
    }
    found = told.get(pair.verdict, f"{b} against {a} is open in {name} ({low} to {high})")
    return f"{pair.route}: {found}" if pair.route else found


def _upstream(route: str) -> str:
    """The name of a route, with the word that the model route asks another upstream."""
    return f"{route} (another upstream)" if route == Route.MODEL else route
