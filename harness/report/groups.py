"""The requests of a load by the part of it that they belong to: stages, turns, streams or not.

Each part has its own numbers, route by route, as `stages`, `turns` and `modes` of `summary.json`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.measure.outcome import Outcome
from harness.report import contents, figures, frame
from harness.report.arrays import NULL
from harness.report.documents import document, fields_of
from harness.report.frame import Frame
from harness.report.latencies import measure
from harness.report.plan import LoadBy, OfferedLoad, Plan, planned
from harness.report.report import Goodput, Latency, key, ordered_routes
from harness.report.tables import Cell, Column, ColumnKind, Medium, Row, Table, columns
from harness.report.tally import Good, goodput

METRICS = ("ttft", "e2e")
SHOWN = (50, 95, 99)
NUMBERS = (Column("n"), Column("failed"))
STAGE_NUMBERS = (Column("sent"), Column("failed"), Column("goodput", least=Medium.MARKDOWN))


@dataclass(frozen=True, slots=True)
class PartCounts:
    """What became of the requests of a part, or of one route in it."""

    requests: int
    sent: int
    errors: int
    error_rate: float | None
    dropped: int


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests that were sent, and good answers, per second over the length of a stage."""

    achieved_rate: float
    goodput: Goodput

    def document(self) -> dict[str, Any]:
        """The fields of a stage that are rates."""
        return {"achieved_rate": self.achieved_rate, **self.goodput.document()}


@dataclass(frozen=True, slots=True)
class PartRoute:
    """One route in a part of a load; only a stage has rates."""

    counts: PartCounts
    latencies: Mapping[str, Latency]
    rates: Rates | None = None

    def document(self) -> dict[str, Any]:
        """One entry of the `routes` of a part."""
        rates = {} if self.rates is None else self.rates.document()
        return {**fields_of(self.counts), **document(self.latencies), **rates}


@dataclass(frozen=True, slots=True)
class PartResult:
    """A part of a load: what became of its requests, and of those on each route."""

    counts: PartCounts
    routes: Mapping[str, PartRoute]
    rates: Rates | None = None

    def document(self) -> dict[str, Any]:
        """What every kind of part says."""
        rates = {} if self.rates is None else self.rates.document()
        return {**fields_of(self.counts), **rates, "routes": document(self.routes)}


@dataclass(frozen=True, slots=True)
class StageResult:
    """A stage of a plan, from 1: what was asked in it, and what became of it."""

    stage: int
    seconds: float
    asked: OfferedLoad
    part: PartResult

    @property
    def told(self) -> str:
        """What it was to be: `2: 60 s at 5 to 20/s`."""
        return f"{self.stage}: {self.seconds:g} s at {self.asked.told}"

    def document(self) -> dict[str, Any]:
        """One entry of `stages`."""
        head = {"stage": self.stage, "seconds": self.seconds, "asked": document(self.asked)}
        return {**head, **self.part.document()}


@dataclass(frozen=True, slots=True)
class TurnResult:
    """A question of the conversations, by its number from 1."""

    turn: int
    part: PartResult

    @property
    def told(self) -> str:
        """Its name."""
        return f"turn {self.turn}"

    def document(self) -> dict[str, Any]:
        """One entry of `turns`."""
        return {"turn": self.turn, **self.part.document()}


@dataclass(frozen=True, slots=True)
class Mode:
    """The requests that asked for a stream, or those that did not."""

    stream: bool
    part: PartResult

    @property
    def told(self) -> str:
        """Its name."""
        return "streamed" if self.stream else "whole"

    def document(self) -> dict[str, Any]:
        """One entry of `modes`."""
        return {"stream": self.stream, **self.part.document()}


@dataclass(frozen=True, slots=True)
class LoadParts:
    """The parts of a load, each kind only where it has any."""

    stages: tuple[StageResult, ...] = ()
    turns: tuple[TurnResult, ...] = ()
    modes: tuple[Mode, ...] = ()

    def document(self) -> dict[str, Any]:
        """Each kind that there is."""
        kinds = {"stages": self.stages, "turns": self.turns, "modes": self.modes}
        return {name: document(found) for name, found in kinds.items() if found}


def parts(rows: Frame, plan: Plan, good: Good) -> LoadParts:
    """The stages, the turns and the modes of a load."""
    return LoadParts(
        stages=tuple(by_stage(rows, plan, good)),
        turns=tuple(by_turn(rows)),
        modes=tuple(by_mode(rows)),
    )


def by_stage(rows: Frame, plan: Plan, good: Good) -> Iterator[StageResult]:
    """What was asked in each stage of a plan, and what became of it.

    A request belongs to the stage in which it was due, or was sent where nothing was due. Rates
    are over the length of the stage.
    """
    for number, stage, asked in planned(plan):
        part = rows.where(rows.ints("stage") == number)
        routes = {
            route: replace(entry, rates=_rates(frame.of_route(part, route), stage.seconds, good))
            for route, entry in _routes(part, due=asked.by is LoadBy.RATE).items()
        }
        rates = _rates(part, stage.seconds, good)
        yield StageResult(number, stage.seconds, asked, PartResult(_counts(part), routes, rates))


def by_turn(rows: Frame) -> Iterator[TurnResult]:
    """What became of each question of the conversations: its history is longer than the last."""
    turns = rows.ints("turn")
    for turn in np.unique(turns[turns != NULL]).tolist():
        part = rows.where(turns == turn)
        yield TurnResult(turn, PartResult(_counts(part), _routes(part, due=False)))


def by_mode(rows: Frame) -> Iterator[Mode]:
    """What became of the requests that asked for a stream, and of those that did not.

    Nothing where all asked alike.
    """
    told, streamed = rows.told("stream"), rows.flags("stream")
    if not streamed.any() or not (told & ~streamed).any():
        return
    due = bool(rows.known("scheduled_ns").any())
    for stream in (True, False):
        part = rows.where(told & (streamed == stream))
        yield Mode(stream, PartResult(_counts(part), _routes(part, due=due)))


def tables(found: LoadParts) -> Iterator[Table]:
    """The stages, the turns and the modes of a load, where it has any."""
    if found.stages:
        lead = (
            "Each stage by itself, over its own length. A request belongs to the one in which it "
            "was due, or was sent in a closed loop."
        )
        yield _table("Stages", lead, found.stages, STAGE_NUMBERS)
    if found.turns:
        lead = "Each question of the conversations by itself: its history is longer than the last."
        yield _table("Turns", lead, found.turns, NUMBERS)
    if found.modes:
        lead = "Requests that asked for a stream, and those that asked for a whole answer."
        yield _table("Modes", lead, found.modes, NUMBERS)


def _table(
    title: str,
    lead: str,
    found: Sequence[StageResult | TurnResult | Mode],
    numbers: tuple[Column, ...],
) -> Table:
    entries = [entry for each in found for entry in each.part.routes.values()]
    due = any("ttft_ms_scheduled" in entry.latencies for entry in entries)
    metrics = [f"{metric}_ms{'_scheduled' if due else ''}" for metric in METRICS]
    rows: list[Row] = []
    for each in found:
        for route, entry in each.part.routes.items():
            rows.append((each.told, route, *_numbers(entry), *_times(entry, metrics)))
        if not each.part.routes:
            rows.append((each.told, "none sent"))
    head = (
        *columns(ColumnKind.NAME, title.lower().removesuffix("s"), "route"),
        *numbers,
        *(_percentile(name, each) for name in METRICS for each in SHOWN),
    )
    lead += f" Latencies count from {'schedule' if due else 'send'}."
    return Table(title, head, tuple(rows), lead=lead)


def _percentile(metric: str, percent: int) -> Column:
    """The column of a percentile; a terminal has room for the median of TTFT and both p95."""
    least = (
        Medium.TERMINAL if percent == 95 or (metric, percent) == ("ttft", 50) else Medium.MARKDOWN
    )
    return Column(f"{figures.metric(f'{metric}_ms')} p{percent}", least=least)


def _numbers(entry: PartRoute) -> list[Cell]:
    """Rate, failures and goodput of a stage; requests and failures of any other part."""
    failed = contents.failed(entry.counts)
    if entry.rates is None:
        return [figures.count(entry.counts.requests), failed]
    sent = f"{figures.digits(entry.rates.achieved_rate)}/s"
    return [sent, failed, contents.per_second(entry.rates.goodput.per_second)]


def _times(entry: PartRoute, metrics: Sequence[str]) -> list[Cell]:
    return [entry.latencies[name].percentiles[each] for name in metrics for each in SHOWN]


def _routes(rows: Frame, *, due: bool) -> dict[str, PartRoute]:
    metrics = (*METRICS, *(f"{name}_scheduled" for name in METRICS if due))
    found = {
        route: PartRoute(_counts(part), {key(name): measure(part, name) for name in metrics})
        for route, part in rows.by("route").items()
    }
    return {route: found[route] for route in ordered_routes(found)}


def _counts(rows: Frame) -> PartCounts:
    sent, errors = int((~rows.own).sum()), int(rows.failed.sum())
    return PartCounts(
        requests=len(rows),
        sent=sent,
        errors=errors,
        error_rate=errors / sent if sent else None,
        dropped=int(rows.texts("outcome").among(Outcome.DROPPED).sum()),
    )


def _rates(rows: Frame, seconds: float, good: Good) -> Rates:
    return Rates(int((~rows.own).sum()) / seconds, goodput(rows, seconds, good))
