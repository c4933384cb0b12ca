"""The tables of a run: what stands in them, once for the page, the Markdown and the terminal."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from harness.contract.clause import Result
from harness.report import figures, sentences
from harness.report.comparison import PairedDifference
from harness.report.conformance import Conformance, Rate
from harness.report.load_generator import LoadGenerator
from harness.report.quantile import PERCENTILES
from harness.report.report import Routes, RouteSummary, ordered_routes
from harness.report.tables import (
    Cell,
    Column,
    ColumnKind,
    Count,
    Mark,
    Medium,
    NameList,
    Ranged,
    Row,
    Table,
    columns,
)
from harness.report.thresholds import Checked

if TYPE_CHECKING:
    from harness.report.presets import Figure, Preset
    from harness.report.runs import Runs


class Failing(Protocol):
    """Whatever counts how many of its requests failed."""

    @property
    def errors(self) -> int:
        """Their number."""

    @property
    def error_rate(self) -> float | None:
        """Their share of all that were sent."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a route: where it is, how it is written, and what stands where there is none."""

    of: Callable[[RouteSummary], float | None]
    show: Callable[[float], str]
    missing: str


TOO_SHORT = "too short"
"""What has no length has no rate."""


def per_second(value: float | None) -> str:
    """A rate in words."""
    return TOO_SHORT if value is None else f"{figures.digits(value)}/s"


NUMBERS: Mapping[str, Number] = {
    "goodput": Number(lambda route: route.goodput.per_second, per_second, TOO_SHORT),
    "throughput": Number(lambda route: route.counts.throughput, per_second, TOO_SHORT),
    "rate": Number(lambda route: route.counts.rate, per_second, TOO_SHORT),
    "output_tokens_per_second": Number(
        lambda route: route.tokens.output_tokens_per_second, figures.digits, "no usage"
    ),
    "tokens_per_chunk": Number(
        lambda route: route.tokens.tokens_per_chunk, figures.digits, "no usage"
    ),
    "goodput_share": Number(lambda route: route.goodput.share, figures.share, "none due"),
    "error_rate": Number(lambda route: route.counts.error_rate, figures.share, "none sent"),
    "coalesced_share": Number(
        lambda route: route.tokens.coalesced_share, figures.share, "no output"
    ),
    "burst_share": Number(lambda route: route.tokens.burst_share, figures.share, "not recorded"),
    "cache_hit_share": Number(lambda route: route.cache_hit_share, figures.share, "not stated"),
    "violation_rate": Number(
        lambda route: route.contract.violation_rate, figures.share, "not checked"
    ),
}
"""The numbers of a route by their names in `summary.json`."""


def told(route: RouteSummary, name: str) -> str:
    """One of them in words."""
    number = NUMBERS[name]
    value = number.of(route)
    return number.missing if value is None else number.show(value)


def failed(of: Failing) -> str:
    """How many requests failed, and their share."""
    share = "none sent" if of.error_rate is None else figures.share(of.error_rate)
    return f"{figures.count(of.errors)} ({share})"


LOAD: Mapping[Column, Callable[[RouteSummary], str]] = {
    Column("requests"): lambda route: figures.count(route.counts.requests),
    Column("failed"): lambda route: failed(route.counts),
    Column("by client", least=Medium.MARKDOWN): lambda route: figures.count(
        sum(route.counts.own.values())
    ),
    Column("goodput"): lambda route: f"{told(route, 'goodput')} ({told(route, 'goodput_share')})",
    Column("answers"): lambda route: told(route, "throughput"),
    Column("sent", least=Medium.PAGE): lambda route: told(route, "rate"),
    Column("tokens/s"): lambda route: told(route, "output_tokens_per_second"),
    Column("tokens per chunk", least=Medium.PAGE): lambda route: told(route, "tokens_per_chunk"),
    Column("coalesced", least=Medium.PAGE): lambda route: told(route, "coalesced_share"),
    Column("bursts", least=Medium.MARKDOWN): lambda route: told(route, "burst_share"),
    Column("cache hits"): lambda route: told(route, "cache_hit_share"),
    Column("violations", least=Medium.PAGE): lambda route: told(route, "violation_rate"),
}
"""What is told of a route in numbers."""
CLIENT_ERROR = "client error p99"


def load(routes: Routes) -> Table:
    """What each route did in numbers."""
    head = (Column("route", ColumnKind.NAME), *LOAD)
    rows = ((name, *(of(route) for of in LOAD.values())) for name, route in routes.items())
    return Table("Load", head, tuple(rows))


def latencies(routes: Routes, client: LoadGenerator, metrics: Iterable[str]) -> Table:
    """The statistics of each metric on each route that has any value of it."""
    head = (
        *(*columns(ColumnKind.NAME, "metric", "route"), Column("n")),
        Column("mean", least=Medium.PAGE),
        *columns(ColumnKind.NUMBER, *(f"p{percent}" for percent in PERCENTILES)),
        Column(CLIENT_ERROR, least=Medium.MARKDOWN),
    )
    rows = (row for metric in metrics for row in _latency(routes, client, metric))
    return Table("Latency", head, tuple(rows))


def _latency(routes: Routes, client: LoadGenerator, metric: str) -> Iterator[Row]:
    error = sentences.client_error(client, metric)
    for name, route in routes.items():
        found = route.latencies[metric]
        if found.n:
            count = Count(found.n, sentences.spoiled(route, metric))
            times = (found.mean, *found.percentiles.values())
            yield figures.metric(metric), name, count, *times, error


def clauses_by_route(contract: Conformance) -> Table:
    """How many clauses had which result on each route."""
    return _clauses("contract", contract, {name: contract.counts(name) for name in contract.routes})


def clauses_by_level(contract: Conformance) -> Table:
    """How many clauses of each level had which result, over all routes."""
    return _clauses("level", contract, contract.by_level)


def _clauses(by: str, contract: Conformance, counts: Mapping[str, Mapping[str, int]]) -> Table:
    names = [result.replace("_", " ") for result in contract.results]
    head = (Column(by, ColumnKind.NAME), *columns(ColumnKind.NUMBER, *names))
    rows = ((name, *(str(of[each]) for each in contract.results)) for name, of in counts.items())
    return Table("Contract", head, tuple(rows))


def broken(contract: Conformance) -> Table:
    """Each clause that is broken on a route, and what showed it."""
    head = (
        *(Column("clause", ColumnKind.CODE), *columns(ColumnKind.NAME, "level", "route")),
        Column("evidence", ColumnKind.TEXT),
    )
    found = contract.with_result(Result.FAIL)
    rows = ((each.id, each.level, each.route, each.evidence) for each in found)
    return Table("Failures", head, tuple(rows))


def rates(contract: Conformance) -> Table:
    """The share of each kind of error among repeated requests, with its interval, by route."""
    routes = ordered_routes({rate.route for rate in contract.rates})
    found = {(rate.group, rate.kind, rate.route): rate for rate in contract.rates}
    kinds = dict.fromkeys((rate.group, rate.kind) for rate in contract.rates)
    head = (
        *columns(ColumnKind.NAME, "requests with", "error"),
        *columns(ColumnKind.NUMBER, *routes),
    )
    rows = ((*kind, *(_rate(found.get((*kind, route))) for route in routes)) for kind in kinds)
    return Table("Rates", head, tuple(rows))


def _rate(rate: Rate | None) -> Cell:
    if rate is None:
        return "not asked"
    between = f"{rate.count} of {rate.of}; {rate.low * 100:.1f} to {rate.high * 100:.1f} %"
    return Ranged(f"{rate.count / rate.of * 100:.1f} %", between)


def violations(routes: Routes) -> Table:
    """Each broken clause with its route, count and rate, and what it is the rate of."""
    head = (
        *(Column("clause", ColumnKind.CODE), Column("route", ColumnKind.NAME)),
        *(Column("answers"), Column("rate"), Column("of", ColumnKind.NAME)),
    )
    return Table("Violations", head, tuple(_violations(routes)))


def _violations(routes: Routes) -> Iterator[Row]:
    for name, route in routes.items():
        found = route.contract
        of = f"{figures.count(found.checked)} checked" if found.checked else "all answers"
        for clause, count in found.violations.items():
            rate = figures.share(found.violation_rates[clause])
            yield clause, name, figures.count(count), rate, of


def errors(routes: Routes) -> Table:
    """Each class of what was no good answer: its count on each route, and all that was said.

    The HTTP status is named beside the class, and what the client did itself is named so.
    """
    head = (
        Column("cause", ColumnKind.CODE),
        *columns(ColumnKind.NUMBER, *routes),
        Column("what it said", ColumnKind.TEXT),
    )
    return Table("Errors", head, tuple(_errors(routes)))


def _errors(routes: Routes) -> Iterator[Row]:
    counts: dict[str, dict[str, int]] = {}
    told: dict[str, dict[str, None]] = {}
    for name, route in routes.items():
        for cause, count, said in _causes(route):
            counts.setdefault(cause, {})[name] = count
            told.setdefault(cause, {}).update(dict.fromkeys(said))
    for cause, on in counts.items():
        numbers = (figures.count(on.get(name, 0)) for name in routes)
        yield cause, *numbers, "; ".join(told[cause]) or "nothing"


def _causes(route: RouteSummary) -> Iterator[tuple[str, int, Iterable[str]]]:
    counts = route.counts
    for by_kind, whose in ((counts.error_classes, ""), (counts.own, " (client)")):
        for kind, count in by_kind.items():
            statuses = ", ".join(counts.error_statuses.get(kind, ()))
            cause = f"{kind}{f' ({statuses})' if statuses else whose}"
            yield cause, count, counts.error_examples.get(kind, ())


def objectives(checked: Iterable[Checked]) -> Table:
    """Each objective with its result, the routes of which the same was measured, and that."""
    head = (
        *(Column("objective", ColumnKind.CODE), Column("result", ColumnKind.NAME)),
        *(Column("on", ColumnKind.NAME), Column("measured", ColumnKind.TEXT)),
    )
    rows = (
        (objective, Mark(result), NameList(tuple(routes)), measured)
        for objective, routes, result, measured in sentences.judged(checked)
    )
    return Table("Objectives", head, tuple(rows))


def setup(runs: "Runs") -> Table:
    """The settings in which two sides of runs differ."""
    head = (Column("setting", ColumnKind.CODE), *columns(ColumnKind.TEXT, runs.a.name, runs.b.name))
    rows = ((name, *map(figures.setting, values)) for name, values in runs.differences.items())
    return Table("Not set up alike", head, tuple(rows))


def preset(by: "Preset", found: "Iterable[Figure]") -> Table:
    """Latencies by the definitions of another tool."""
    names = ("n", "mean", *(f"p{percent}" for percent in PERCENTILES))
    head = (*columns(ColumnKind.NAME, by.name, "route"), *columns(ColumnKind.NUMBER, *names))
    return Table(by.name, head, tuple(map(_preset, found)))


def _preset(of: "Figure") -> Row:
    times = (of.mean, *of.percentiles.values())
    told = ("no value" if each is None else figures.duration(each) for each in times)
    return of.metric, of.route, figures.count(of.n), *told


def compared(pairs: Iterable[PairedDifference]) -> Table:
    """Two routes or two runs against each other, a row for each metric; why there is no figure."""
    head = (
        *columns(ColumnKind.NAME, "compared", "metric", "verdict"),
        Column("pairs", least=Medium.PAGE),
        *columns(ColumnKind.NUMBER, "ratio", "difference"),
        *columns(ColumnKind.NUMBER, "medians", "p (Holm)", least=Medium.PAGE),
    )
    return Table("Comparison", head, tuple(map(_compared, pairs)))


def _compared(pair: PairedDifference) -> Row:
    told = (pair.names, figures.metric(pair.metric), Mark(pair.verdict), figures.count(pair.n))
    if pair.effect is None:
        return *told, pair.reason or "not measured"
    effect, p = pair.effect, pair.p_corrected
    low, high = figures.ratio(effect.low), figures.ratio(effect.high)
    apart = figures.span(effect.difference_low_ms, effect.difference_high_ms)
    return (
        *told,
        Ranged(figures.ratio(effect.ratio), f"{low} to {high}"),
        Ranged(figures.duration(effect.difference_ms), apart),
        f"{figures.duration(pair.b_median_ms)} vs {figures.duration(pair.a_median_ms)}",
        "not tested" if p is None else figures.digits(p),
    )
