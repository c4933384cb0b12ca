"""What a report says in words; the page, the Markdown and the terminal share it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.report import figures
from harness.report.comparison import Comparison, Pair

if TYPE_CHECKING:
    from harness.report.build import Report


def evidence(report: "Report") -> list[str]:
    """What the verdict rests on, one short phrase each."""
    return [phrase for source in (_contract, _load, _objectives) for phrase in source(report)]


def compared(comparison: Comparison) -> list[str]:
    """One sentence for each two routes, in the metric that routes are judged by."""
    return [_pair(pair, comparison.margin) for pair in comparison.main if pair.effect]


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


def _pair(pair: Pair, margin: float) -> str:
    effect, name = pair.effect, figures.metric(pair.metric)
    if effect is None:
        return f"{pair.b} against {pair.a}: {pair.reason}"
    change = figures.ratio(effect.ratio)
    between = f"{figures.ratio(effect.low)} to {figures.ratio(effect.high)}"
    absolute = figures.duration(abs(effect.difference_ms))
    if pair.verdict in ("slower", "faster"):
        told = f"{pair.b} is {pair.verdict} than {pair.a} by {absolute} of {name}"
        return f"{told} ({change}, {between})"
    if pair.verdict == "equivalent":
        told = f"{pair.b} and {pair.a} have the same {name} within {margin:.0%}"
        return f"{told} ({change}, {between})"
    told = f"{pair.b} against {pair.a} is open: {name} {change} ({between})"
    return f"{told}, {pair.reason}"
