"""What a report says in words; the page, the Markdown and the terminal share it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.report import figures
from harness.report.comparison import Comparison, Effect, Pair

if TYPE_CHECKING:
    from harness.report.build import Report


def evidence(report: "Report") -> list[str]:
    """What the verdict rests on, one short phrase each."""
    return [phrase for source in (_contract, _load, _objectives) for phrase in source(report)]


def compared(comparison: Comparison) -> list[tuple[str, str]]:
    """For each two routes the verdict and a sentence, in the metric that routes are judged by."""
    main = [(pair, effect) for pair, effect in comparison.measured if pair in comparison.main]
    return [(pair.verdict, _pair(pair, effect, comparison.margin)) for pair, effect in main]


def target(described: Any) -> str:
    """The target of a run in a few words: its name and where it is."""
    if not isinstance(described, Mapping):
        return str(described)
    name, where = described.get("name"), described.get("base")
    return " at ".join(dict.fromkeys(str(each) for each in (name, where) if each)) or "unknown"


def one_line(text: str, *, most: int = 160) -> str:
    """A foreign text on one line, without control characters, cut."""
    line = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(line.split())
    return line if len(line) <= most else line[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def client(described: Mapping[str, Any]) -> str:
    """What the measuring side says of itself."""
    if not described["workers"]:
        return "The client left no record of itself: how late its loop was is not known."
    lag = described["loop_lag_ms"]
    late = f"its loop was {figures.duration(lag['p99'])} late at p99"
    stamps = {True: "by the kernel", False: "by the client", None: "by nobody"}
    processes = f"{described['workers']} processes" if described["workers"] > 1 else "One process"
    busy = f"{figures.share(described['cpu_share'])} of a core at most"
    received = f"receive times were taken {stamps[described['kernel_times']]}"
    return f"{processes} sent the load, {busy}; {late}; {received}."


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
    a, b = (f"{pair.route} in {run}" if pair.route else run for run in (pair.a, pair.b))
    if pair.verdict in ("slower", "faster"):
        return f"{b} is {pair.verdict} than {a} by {absolute} of {name} ({change})"
    if pair.verdict == "equivalent":
        return f"{b} has the {name} of {a} within {margin:.0%} ({change})"
    return f"{b} against {a}: {name} {change}; {pair.reason}"
