"""What a report says in words; the page, the Markdown and the terminal share it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.report import figures
from harness.report.comparison import Comparison, Effect, Pair

if TYPE_CHECKING:
    from harness.report.build import Report


def evidence(report: "Report") -> list[str]:
    """What the verdict rests on, one short phrase each."""
    return [phrase for source in (_contract, _load, _objectives) for phrase in source(report)]


def compared(comparison: Comparison) -> list[tuple[str, str]]:
    """For each two routes the verdict and a sentence, in the metric that routes are judged by."""
    pairs = [(pair, pair.effect) for pair in comparison.main]
    return [
        (pair.verdict, _pair(pair, effect, comparison.margin)) for pair, effect in pairs if effect
    ]


def _contract(report: "Report") -> Iterator[str]:
    contract = report.contract
    if contract is None or not contract.clauses:
        return
    kept = len(contract.with_result("pass"))
    judged = kept + len(contract.with_result("fail")) + len(contract.with_result("not_exercised"))
    yield f"{kept} of {judged} clauses kept on {', '.join(contract.routes)}"


def _load(report: "Report") -> Iterator[str]:
    routes = report.summary["routes"].values()
    requests = sum(route["requests"] for route in routes)
    if requests:
        failed = sum(route["errors"] for route in routes)
        share = figures.share(failed / requests)
        yield f"{figures.count(requests)} requests under load, {share} failed"


def _objectives(report: "Report") -> Iterator[str]:
    if report.checked:
        met = sum(each.result == "pass" for each in report.checked)
        yield f"{met} of {len(report.checked)} objectives met"


def _pair(pair: Pair, effect: Effect, margin: float) -> str:
    name, absolute = figures.metric(pair.metric), figures.duration(abs(effect.difference_ms))
    between = f"{figures.ratio(effect.low)} to {figures.ratio(effect.high)}"
    change = f"{figures.ratio(effect.ratio)}, 95 % interval {between}"
    if pair.verdict in ("slower", "faster"):
        return f"{pair.b} is {pair.verdict} than {pair.a} by {absolute} of {name} ({change})"
    if pair.verdict == "equivalent":
        return f"{pair.b} has the {name} of {pair.a} within {margin:.0%} ({change})"
    return f"{pair.b} against {pair.a}: {name} {change}; {pair.reason}"
