"""What every page answers first: compatible, how much it carried, the fastest route, how exact."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contract.clause import Result
from harness.report import figures
from harness.report.capacity.result import Capacity
from harness.report.comparison import Comparison, Effect, PairedDifference, PairVerdict
from harness.report.report import COMPARE, ordered_routes
from harness.report.runs import Runs
from harness.report.sentences import client_error
from harness.report.thresholds import CheckResult

if TYPE_CHECKING:
    from harness.report.report import Report

WORST_FIRST = {
    CheckResult.MISSED: "missed",
    CheckResult.UNKNOWN: "open",
    CheckResult.CLOSE: "open",
    CheckResult.MET: "met",
}
LIMIT = "the most it carries is not measured: capacity"


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """One question, its answer in a few words, and what that rests on."""

    question: str
    short: str
    basis: str


def of_run(report: "Report") -> tuple[AnsweredQuestion, ...]:
    """The four answers of one run; what was not measured is answered by what would measure it."""
    return _contract(report), _carried(report), fastest(report.comparison), _trust(report)


def of_runs(runs: Runs) -> tuple[AnsweredQuestion, ...]:
    """The same of runs against runs, which know neither the contract nor the capacity."""
    sides = {len(side.runs) for side in (runs.a, runs.b)}
    many = "one run a side" if sides == {1} else f"at least {min(sides)} runs a side"
    return (
        AnsweredQuestion(
            "Contract", "not compared", "the page of each run says whether it kept it"
        ),
        AnsweredQuestion("Carried", "not measured: capacity", "two loads show no limit"),
        _changed(runs),
        AnsweredQuestion(
            "How far to trust it", many, "what changed between them is part of the difference"
        ),
    )


def fastest(comparison: Comparison) -> AnsweredQuestion:
    """The routes that no other certainly beats, and how far each other one is from the first."""
    question = "Fastest route"
    main = _main(comparison)
    if not main:
        return AnsweredQuestion(
            question, "not compared", comparison.reason or "no pair was answered"
        )
    failing = [each.sentence for each in comparison.failures if each.differ]
    if failing:
        return AnsweredQuestion(question, "open: failures differ", "; ".join(failing))
    slower = {
        pair.b if pair.verdict is PairVerdict.SLOWER else pair.a
        for pair, _ in main
        if pair.verdict in (PairVerdict.SLOWER, PairVerdict.FASTER)
    }
    routes = ordered_routes({route for pair, _ in main for route in (pair.a, pair.b)})
    best = [route for route in routes if route not in slower]
    unsure = [p for p, _ in main if p.verdict is PairVerdict.INCONCLUSIVE and {p.a, p.b} <= {*best}]
    apart = "; ".join(_apart(best[0] if best else routes[0], main))
    if unsure or not best:
        return AnsweredQuestion(question, f"open between {' and '.join(best or routes)}", apart)
    equal = f", equal within {comparison.margin:.0%}" if len(best) > 1 else ""
    return AnsweredQuestion(question, f"{' and '.join(best)}{equal}", apart)


def _contract(report: "Report") -> AnsweredQuestion:
    contract = report.contract
    if contract is None or not contract.clauses:
        return AnsweredQuestion("Contract", "not checked", "verify was no part of this run")
    kept, failed, missing = (
        len(contract.with_result(result))
        for result in (Result.PASS, Result.FAIL, Result.NOT_EXERCISED)
    )
    basis = f"{kept} of {kept + failed + missing} clauses kept on {', '.join(contract.routes)}"
    return AnsweredQuestion("Contract", contract.verdict.replace("_", " "), basis)


def _carried(report: "Report") -> AnsweredQuestion:
    routes = report.summary.routes.values()
    if report.capacity is not None:
        return _searched(report.capacity)
    if not report.summary.requests:
        return AnsweredQuestion(
            "Carried", "not measured: capacity", "no request was sent under load"
        )
    if report.summary.routes_of == (COMPARE,):
        return AnsweredQuestion(
            "Carried", "not measured: capacity", "compare sends one request at a time"
        )
    good = math.fsum(route.goodput.per_second or 0.0 for route in routes)
    sent = math.fsum(route.counts.rate or 0.0 for route in routes)
    short = f"{figures.digits(good)}/s good of {figures.digits(sent)}/s sent"
    return AnsweredQuestion("Carried", short, "; ".join([*_objectives(report), LIMIT]))


def _searched(capacity: Capacity) -> AnsweredQuestion:
    """What a search found; the bounds stand beside it."""
    carried = capacity.carried
    if carried.low is None:
        return AnsweredQuestion("Carried", "nothing certainly", capacity.sentence)
    least = "at least " if carried.high is None else ""
    return AnsweredQuestion(
        "Carried", f"{least}{figures.digits(carried.value)}{capacity.unit}", capacity.sentence
    )


def _objectives(report: "Report") -> Iterator[str]:
    """Each objective with the worst result that it has on any route."""
    by_text: dict[str, set[CheckResult]] = {}
    for each in report.checked:
        by_text.setdefault(each.objective, set()).add(each.result)
    for text, results in by_text.items():
        yield f"{text} {next(WORST_FIRST[each] for each in WORST_FIRST if each in results)}"


def _trust(report: "Report") -> AnsweredQuestion:
    question, client = "How far to trust it", report.summary.client
    if not report.summary.requests:
        return AnsweredQuestion(question, "not calibrated", "no latency was measured under load")
    if not client.noise_floor:
        return AnsweredQuestion(question, "not calibrated", "the client's own error is not known")
    short = f"TTFT {client_error(client, 'ttft_ms')}, E2E {client_error(client, 'e2e_ms')}"
    return AnsweredQuestion(
        question, short, "the client's own error at p99, against a known schedule"
    )


def _changed(runs: Runs) -> AnsweredQuestion:
    """Whether the second side is faster, route by route."""
    main = _main(runs.comparison)
    if not main:
        reason = runs.comparison.reason or "no route was answered in both"
        return AnsweredQuestion("Faster run", "not compared", reason)
    verdicts = {pair.verdict for pair, _ in main}
    words = {
        PairVerdict.FASTER: runs.b.name,
        PairVerdict.SLOWER: runs.a.name,
        PairVerdict.EQUIVALENT: "neither",
    }
    short = words.get(verdicts.pop(), "open") if len(verdicts) == 1 else "open"
    told = ", ".join(f"{pair.verdict} on {pair.route}" for pair, _ in main)
    return AnsweredQuestion("Faster run", short, f"{figures.metric(main[0][0].metric)}: {told}")


def _main(comparison: Comparison) -> list[tuple[PairedDifference, Effect]]:
    return [(pair, effect) for pair, effect in comparison.measured if pair in comparison.main]


def _apart(route: str, main: list[tuple[PairedDifference, Effect]]) -> Iterator[str]:
    """How far each other route is from this one."""
    for pair, effect in main:
        if route == pair.a:
            yield f"{pair.b} {_difference(pair, effect)}"
        elif route == pair.b:
            yield f"{pair.a} {_difference(pair, effect, turned=True)}"


def _difference(pair: PairedDifference, effect: Effect, *, turned: bool = False) -> str:
    """The difference with its interval; `turned` is that of a from b."""
    ends = (effect.difference_ms, effect.difference_low_ms, effect.difference_high_ms)
    value, low, high = (-ends[0], -ends[2], -ends[1]) if turned else ends
    sign = "+" if value > 0 else ""
    return (
        f"{sign}{figures.duration(value)} of {figures.metric(pair.metric)} "
        f"({figures.span(low, high)})"
    )
