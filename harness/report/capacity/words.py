"""A search as a table and sentences, which the terminal, the Markdown and the page share."""

from collections.abc import Iterator

from harness.report import figures
from harness.report.capacity.level import LevelTrial
from harness.report.capacity.result import Capacity
from harness.report.capacity.search import LevelResult
from harness.report.plan import LoadBy
from harness.report.report import key
from harness.report.tables import Cell, Column, ColumnKind, Medium, Ranged, Row, Table, columns

WORDS = {
    LevelResult.CARRIED: "carried",
    LevelResult.NOT_CARRIED: "not carried",
    LevelResult.OPEN: "open",
    LevelResult.CLIENT: "client gave way",
}


def table(capacity: Capacity) -> Table:
    """Each trial, by its load and then by its time."""
    asked = "asked/s" if capacity.by is LoadBy.RATE else "users"
    times = [f"p{percent}" for percent in _percents(capacity)]
    head = (
        *columns(ColumnKind.NAME, asked, "result"),
        Column("why", ColumnKind.TEXT, Medium.MARKDOWN),
        *columns(ColumnKind.NUMBER, "requests", "served/s"),
        Column("goodput/s", least=Medium.MARKDOWN),
        *columns(ColumnKind.NUMBER, *times),
    )
    levels = sorted(capacity.levels, key=lambda each: each.asked)
    return Table("Capacity", head, tuple(_row(capacity, level) for level in levels))


def _row(capacity: Capacity, level: LevelTrial) -> Row:
    return (
        figures.digits(level.asked),
        WORDS[level.result],
        level.reason or "every objective was met",
        figures.count(level.requests),
        figures.digits(level.served),
        figures.digits(level.goodput),
        *(_time(level, each) for each in _percents(capacity)),
    )


def metric(capacity: Capacity) -> str:
    """The latency of the percentiles in `table`."""
    return f"{figures.metric(key(capacity.metric))} of the slowest route"


def told(capacity: Capacity) -> list[str]:
    """Headroom, knee and frontier, a sentence each, as far as there are any."""
    return [each for each in (_headroom(capacity), _knee(capacity)) if each] + [
        *_frontier(capacity)
    ]


def _frontier(capacity: Capacity) -> Iterator[str]:
    """Which load keeps which bound."""
    name = f"p{capacity.percent:g} {figures.metric(key(capacity.metric))}"
    for each in capacity.frontier:
        bound = figures.short_duration(each.bound_ms)
        yield f"{name} within {bound}: {figures.digits(each.carried)}{capacity.unit}"


def _knee(capacity: Capacity) -> str | None:
    """Where more load begins to cost more time than it brings answers."""
    if capacity.knee is None:
        return None
    level = f"{figures.digits(capacity.knee)}{capacity.unit}"
    return f"knee at {level}: more load costs more time than it brings answers"


def _headroom(capacity: Capacity) -> str | None:
    """How far the target rate is from what is carried."""
    if capacity.headroom is None or capacity.within.target is None:
        return None
    more = "more" if capacity.headroom >= 0 else "less"
    needed = f"{figures.digits(capacity.within.target)}{capacity.unit}"
    return f"{figures.share(abs(capacity.headroom))} {more} than the {needed} that are needed"


def _percents(capacity: Capacity) -> list[int]:
    return sorted({50, round(capacity.percent), 99})


def _time(level: LevelTrial, percent: int) -> Cell:
    found = level.times.get(percent)
    if found is None:
        return "nothing answered"
    if found.value is None:
        return "not known" if found.reason is None or level.requests else "nothing answered"
    if found.low is None or found.high is None:
        return figures.duration(found.value)
    return Ranged(figures.duration(found.value), figures.span(found.low, found.high))
