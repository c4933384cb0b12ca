"""What one trial of a level shows: whether the target carried it, by intervals, and how."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from harness.measure.metrics import METRICS, SCHEDULED
from harness.measure.objective import Objective, parse_objectives
from harness.measure.outcome import Outcome
from harness.measure.validity import blurred
from harness.report import figures, frame
from harness.report.arrays import NULL
from harness.report.capacity.backlog import Backlog, backlog, piled_up
from harness.report.capacity.search import LevelResult, SearchTrial
from harness.report.comparison import AT_EACH_LOOK
from harness.report.documents import document
from harness.report.frame import Frame, of_route
from harness.report.latencies import percentile
from harness.report.manifest import Command
from harness.report.pacing import pacing
from harness.report.quantile import Estimate, value_at
from harness.report.series import ends
from harness.report.tally import summarise
from harness.report.thresholds import Checked, CheckResult, Doubts, check, good
from harness.report.workers import CalibrationResult, sent_for

LOOKS = 3
"""So often at most a level is looked at before its time is up."""
CONFIDENCE = 1 - AT_EACH_LOOK[LOOKS]
"""Of the intervals at each look, so that 95 % are left over all of them."""
CURVE = (50, 95, 99)
GREW = "the requests under way grew"
LEAST_REQUESTS = 20


class GaveWay(StrEnum):
    """What ends a search, where it is no objective."""

    BACKLOG = "backlog"
    QUOTA = "quota"
    CLIENT = "client"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class LevelTrial:
    """One trial of a level; rates are per second, times milliseconds of the route that is slowest.

    `gave_way` names what failed: an objective, or one of `GaveWay`. `served` are the answers per
    second while requests were sent, `observed` is the percentile that decides, of these very
    requests, however uncertain.
    """

    name: str
    asked: float
    settled: bool
    result: LevelResult
    reason: str | None
    gave_way: str | None
    requests: int
    errors: int
    seconds: float
    rate: float
    served: float
    goodput: float
    tokens: int | None
    backlog: Backlog | None
    metric: str = "e2e"
    percent: float = 95.0
    times: Mapping[int, Estimate] = field(default_factory=dict)
    observed: float | None = None
    piled_up: bool = False
    checked: tuple[Checked, ...] = ()

    @property
    def doubtful(self) -> bool:
        """Whether something was measured beyond its limit, or waits, that is not certain yet."""
        if self.result is LevelResult.OPEN and self.piled_up:
            return True
        typed = (each for each in self.checked if not each.by_default)
        unsure = [each for each in typed if each.result is CheckResult.UNKNOWN]
        limits = {each.text: each for each in parse_objectives(one.objective for one in unsure)}
        return any(
            value is not None and not limits[each.objective].met(value)
            for each in unsure
            for value in (each.value, self._observed_of(limits[each.objective]))
        )

    def _observed_of(self, objective: Objective) -> float | None:
        """What was observed, for the objective that it decides."""
        of = objective.metric.removesuffix(SCHEDULED), (objective.quantile or 0.95) * 100
        mine = self.metric.removesuffix(SCHEDULED), self.percent
        return self.observed if of == mine else None

    @property
    def unsure(self) -> str | None:
        """The first objective that has no answer."""
        unsure = (each.objective for each in self.checked if each.result is CheckResult.UNKNOWN)
        return next(unsure, GaveWay.BACKLOG if self.result is LevelResult.OPEN else None)

    @property
    def typical_s(self) -> float:
        """About how long an answer takes."""
        middle = self.times.get(50)
        known = self.observed if middle is None or middle.value is None else middle.value
        return known / 1e3 if known is not None and np.isfinite(known) else 0.0

    @property
    def trial(self) -> SearchTrial:
        """As the search sees it."""
        return SearchTrial(self.asked, self.result, self.settled, over=self.doubtful)

    def document(self) -> dict[str, Any]:
        """One entry of `levels` in `capacity.json`."""
        own = {
            name: getattr(self, name)
            for name in self.__slots__
            if name not in ("backlog", "metric", "percent", "times", "checked", "piled_up")
        }
        times = {
            f"p{percent}{end}": getattr(each, field)
            for percent, each in self.times.items()
            for end, field in (("", "value"), ("_low", "low"), ("_high", "high"))
        }
        times = {name: _finite(value) for name, value in times.items()}
        own["observed"] = _finite(self.observed)
        grown = self.backlog and self.backlog.growth
        judged = document(self.checked)
        return {**own, "backlog_growth": grown, "times_ms": times, "objectives": judged}


def _finite(value: float | None) -> float | None:
    """None for a time without end, which JSON does not have."""
    return value if value is not None and np.isfinite(value) else None


def metric_of(wanted: Sequence[Objective], *, open_loop: bool) -> tuple[str, float]:
    """The latency that the curve shows, and the percentile: those of the first objective on one."""
    for each in wanted:
        if each.metric in METRICS and not METRICS[each.metric].many:
            return each.metric, (each.quantile or 0.95) * 100
    return ("e2e_scheduled" if open_loop else "e2e"), 95.0


def from_schedule(wanted: Sequence[Objective]) -> list[Objective]:
    """The objectives of an open loop: latencies count from when a request was due."""
    return [
        replace(each, metric=f"{each.metric}{SCHEDULED}")
        if f"{each.metric}{SCHEDULED}" in METRICS
        else each
        for each in wanted
    ]


def judge(
    rows: Frame,
    wanted: Sequence[Objective],
    *,
    name: str,
    asked: float,
    settled: bool,
    open_loop: bool,
    noise_floor: CalibrationResult | None,
) -> LevelTrial:
    """The level by its rows; those of its warm-up do not count.

    Intervals hold at each of `LOOKS` looks. In an open loop latencies count from schedule.
    """
    counted = frame.steady(rows)
    wanted = from_schedule(wanted) if open_loop else list(wanted)
    routes = summarise(rows, good(wanted)).routes
    doubts = Doubts.of(routes, pacing=pacing(counted), noise_floor=noise_floor)
    found = check(
        wanted,
        counted,
        routes,
        command=Command.CAPACITY,
        doubts=doubts,
        confidence=CONFIDENCE,
    )
    checked = tuple(_beyond(each, wanted, counted) for each in found)
    grown = _backlog(rows) if open_loop else None
    metric, percent = metric_of(wanted, open_loop=open_loop)
    times = _times(counted, metric, percent)
    result, reason, gave_way = _verdict(counted, checked, doubts, grown, times, open_loop=open_loop)
    tokens = [route.tokens.total for route in routes.values()]
    used = [each for each in tokens if each is not None]
    seconds, begun, ended = _span(counted)
    served = int(((ended <= begun.max()) & counted.ok).sum()) if len(counted) else 0
    return LevelTrial(
        name=name,
        asked=asked,
        settled=settled,
        result=result,
        reason=reason,
        gave_way=gave_way,
        requests=len(counted),
        errors=sum(route.counts.errors for route in routes.values()),
        seconds=seconds,
        rate=len(counted) / seconds if seconds else 0.0,
        served=served / seconds if seconds else 0.0,
        goodput=sum(route.goodput.per_second or 0.0 for route in routes.values()),
        tokens=sum(used) if used and len(used) == len(tokens) else None,
        backlog=grown,
        piled_up=open_loop and piled_up(*_span(rows)[1:]),
        metric=metric,
        percent=percent,
        times=times,
        observed=_observed(counted, metric, percent),
        checked=checked,
    )


def _verdict(
    rows: Frame,
    checked: Sequence[Checked],
    doubts: Doubts,
    grown: Backlog | None,
    times: Mapping[int, Estimate],
    *,
    open_loop: bool,
) -> tuple[LevelResult, str | None, str | None]:
    """Result, reason and what gave way; a quota and a backlog come before what they cause."""
    missed = [each for each in checked if each.result is CheckResult.MISSED]
    refused = _refused(rows)
    if missed and refused:
        return LevelResult.NOT_CARRIED, refused, GaveWay.QUOTA
    if grown is not None and grown.grows and doubts.load is None:
        told = f"{GREW} by {figures.digits(grown.growth)}/s"
        return LevelResult.NOT_CARRIED, told, GaveWay.BACKLOG
    if missed:
        return LevelResult.NOT_CARRIED, _told(missed), missed[0].objective
    if doubts.load is not None:
        return LevelResult.CLIENT, doubts.load, None
    unseen = next((text for text in map(_unseen, times.values()) if text), None)
    if unseen and any(each.result is CheckResult.UNKNOWN for each in checked):
        return LevelResult.CLIENT, unseen, None
    unsure = [each for each in checked if each.result is CheckResult.UNKNOWN]
    if unsure:
        return LevelResult.OPEN, _told(unsure), None
    if len(rows) < LEAST_REQUESTS:
        few = f"{len(rows)} requests: {LEAST_REQUESTS} are needed"
        return LevelResult.OPEN, few, None
    if not checked and grown is None and open_loop:
        short = "too short to tell whether the requests under way grow"
        return LevelResult.OPEN, short, None
    return LevelResult.CARRIED, None, None


def _beyond(checked: Checked, wanted: Sequence[Objective], rows: Frame) -> Checked:
    """A miss where each single request of a level took longer than is allowed.

    Latencies that grow with every request are alike among neighbours, so that no interval of a
    steady state is left of them; but this level is none.
    """
    objective = next((each for each in wanted if each.text == checked.objective), None)
    if checked.result is not CheckResult.UNKNOWN or objective is None or objective.quantile is None:
        return checked
    ours = of_route(rows, checked.route)
    least = frame.values(ours, objective.metric, failures=True).low
    if len(least) < LEAST_REQUESTS or objective.met(float(least.min())):
        return checked
    told = f"each of {figures.count(len(least))} requests took longer"
    return replace(checked, result=CheckResult.MISSED, measured=told)


def _told(found: Sequence[Checked]) -> str:
    return "; ".join(f"{each.objective} on {each.route}: {each.measured}" for each in found)


def _unseen(estimate: Estimate) -> str | None:
    """That the client could not see a time well enough."""
    value, least, most = estimate.value, estimate.at_least, estimate.at_most
    if value is not None or least is None or most is None or not np.isfinite(most):
        return None
    return blurred((least + most) / 2, least, most)


def _refused(rows: Frame) -> str | None:
    """That most failures were refusals by a quota, which is no sign of saturation."""
    failed = rows.where(rows.failed)
    limited = int(failed.texts("outcome").among(Outcome.RATE_LIMITED).sum())
    if 2 * limited <= len(failed):
        return None
    return f"{figures.count(limited)} of {figures.count(len(rows))} refused by a quota (429)"


def _backlog(rows: Frame) -> Backlog | None:
    _, begun, ended = _span(rows)
    return backlog(begun, ended, until_s=float(begun.max())) if len(begun) else None


def _span(rows: Frame) -> tuple[float, Any, Any]:
    """For how long requests were begun, and when each began and ended, in seconds."""
    begun = rows.ints("begun_ns").astype(np.float64)
    if not len(begun):
        return 0.0, begun, begun
    ended = ends(rows)
    ended_at = np.where(ended == NULL, np.inf, ended)
    zero, count = float(begun.min()), len(begun)
    length = (float(begun.max()) - zero) / 1e9
    return length * count / max(count - 1, 1), (begun - zero) / 1e9, (ended_at - zero) / 1e9


def _times(rows: Frame, metric: str, percent: float) -> dict[int, Estimate]:
    """The percentiles of the slowest route."""
    found: dict[int, Estimate] = {}
    values = [frame.values(ours, metric, failures=True) for ours in rows.by("route").values()]
    for each in sorted({*CURVE, round(percent)}):
        estimates = [
            percentile(of_route, each, confidence=CONFIDENCE)
            for of_route in values
            if len(of_route)
        ]
        if estimates:
            found[each] = max(estimates, key=lambda one: one.value or one.at_most or 0.0)
    return found


def _observed(rows: Frame, metric: str, percent: float) -> float | None:
    """The percentile of the slowest route as it was."""
    found = [
        value_at(np.sort(values), percent)
        for ours in rows.by("route").values()
        if len(values := frame.values(ours, metric, failures=True).data)
    ]
    return max(found, default=None)


def rows_of(rows: Frame, name: str) -> Frame:
    """The rows of one trial."""
    workers = rows.texts("worker")
    ours = (each for each in workers.names if sent_for(name, each))
    return rows.where(workers.among(*ours))


def named(trials: int) -> Iterator[str]:
    """The names of trials, which are those of their loads."""
    return (f"level-{number:02d}" for number in range(1, trials + 1))
