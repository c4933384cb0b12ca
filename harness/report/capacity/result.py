"""What a whole search found: the rate that is carried, what gave way, and how latency grows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness.measure.objective import Objective
from harness.report import figures
from harness.report.capacity.level import (
    LEAST_REQUESTS,
    GaveWay,
    LevelTrial,
    from_schedule,
    judge,
    metric_of,
    named,
    rows_of,
)
from harness.report.capacity.search import Bracket, LevelResult, SearchRange, bracket
from harness.report.documents import document, read
from harness.report.frame import Frame
from harness.report.plan import LoadBy, Search
from harness.report.quantile import Estimate
from harness.report.report import key
from harness.report.workers import CalibrationResult

SCHEMA_VERSION = 1
DIGITS = (1.0, 2.0, 5.0)
FAR = 100.0
"""A time that is so much beyond its limit, or has no end, tells no more than that."""


@dataclass(frozen=True, slots=True)
class Carried:
    """The highest level that is carried: `low` certainly is, `high` certainly is not.

    `value` is the best guess between them. `high` is None where nothing above was shown to fail.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Known:
    """What is read of the `capacity.json` of an earlier run."""

    carried_rate: Carried
    limited_by: str


@dataclass(frozen=True, slots=True)
class LatencyBound:
    """The highest level whose latency certainly stays within a bound, in milliseconds."""

    bound_ms: float
    carried: float


@dataclass(frozen=True, slots=True)
class Used:
    """What a search took; `tokens` are None where any trial does not know its own."""

    requests: int
    tokens: int | None
    seconds: float
    trials: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """The result of a search; levels are requests per second, or users.

    `limited_by` is an objective, or one of `GaveWay`; of `NOTHING` it is a floor.
    """

    by: LoadBy
    within: SearchRange
    wanted: tuple[str, ...]
    metric: str
    percent: float
    levels: tuple[LevelTrial, ...]
    carried: Carried
    limited_by: str
    frontier: tuple[LatencyBound, ...]
    knee: float | None
    ended: str | None = None

    @property
    def best(self) -> LevelTrial | None:
        """The last trial of the highest level that was carried, else the last trial at all."""
        for each in reversed(self.levels):
            if each.asked == self.carried.low and each.result is LevelResult.CARRIED:
                return each
        return self.levels[-1] if self.levels else None

    @property
    def verdict(self) -> str:
        """Against the target rate where one was given, else whether the edge was found."""
        low, high, target = self.carried.low, self.carried.high, self.within.target
        if target is not None:
            if low is not None and low >= target:
                return "pass"
            return "fail" if high is not None and high <= target else "unknown"
        if low is None:
            return "fail" if high is not None else "unknown"
        floor = self.carried.high is None and self.limited_by != GaveWay.NOTHING
        return "unknown" if floor or self.ended else "pass"

    @property
    def headroom(self) -> float | None:
        """How much more than the target is carried, as a share of it; negative where less is."""
        if self.within.target is None or self.carried.value is None:
            return None
        return self.carried.value / self.within.target - 1

    @property
    def unit(self) -> str:
        """What levels are counted in."""
        return self.by.unit

    @property
    def sentence(self) -> str:
        """What was found, in one line."""
        carried = self.carried
        if carried.low is None:
            least = figures.digits(self.within.least)
            if carried.high is not None:
                return f"not even {least}{self.unit} are carried: {self._why()}"
            return f"no level was certainly carried: {self.ended or 'too little was sent'}"
        low = f"{figures.digits(carried.low)}{self.unit}"
        if carried.high is None:
            floors: dict[str, str] = {
                GaveWay.CLIENT: f"at least {low}: client-limited, the gateway may carry more",
                GaveWay.NOTHING: f"at least {low}: a floor, nothing above was tried",
            }
            above = f"at least {low}: {self.limited_by} above that is too close to tell"
            return floors.get(self.limited_by, above)
        value, high = figures.digits(carried.value), figures.digits(carried.high)
        if self.limited_by == GaveWay.QUOTA:
            return f"a quota was reached at {value}{self.unit} ({low} to {high}): no capacity"
        return f"{value}{self.unit} are carried ({low} certainly, {high} not): {self._why()}"

    def _why(self) -> str:
        failed = [each for each in self.levels if each.asked == self.carried.high]
        told = next(
            (each.reason for each in reversed(failed) if each.result is LevelResult.NOT_CARRIED),
            None,
        )
        return f"{self.limited_by}: {told}" if self.limited_by == GaveWay.BACKLOG else str(told)

    def document(self) -> dict[str, Any]:
        """The content of `capacity.json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "by": self.by,
            "objectives": list(self.wanted),
            "carried_rate": document(self.carried),
            "limited_by": self.limited_by,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "target_rate": self.within.target,
            "headroom": self.headroom,
            "knee": self.knee,
            "metric": key(self.metric),
            "percentile": self.percent,
            "precision": self.within.precision,
            "min_rate": self.within.least,
            "max_rate": self.within.most,
            "ended": self.ended,
            "levels": document(self.levels),
            "frontier": document(self.frontier),
            "used": document(self.used()),
        }

    def used(self) -> Used:
        """What the search took."""
        tokens = [each.tokens for each in self.levels]
        known = [each for each in tokens if each is not None]
        return Used(
            requests=sum(each.requests for each in self.levels),
            tokens=sum(known) if known and len(known) == len(tokens) else None,
            seconds=math.fsum(each.seconds for each in self.levels),
            trials=len(self.levels),
        )


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """What a manifest says of one trial."""

    asked: float
    settle: bool


def tried(found: Any) -> tuple[TrialRecord, ...]:
    """The `tried` of a manifest, in order."""
    return tuple(read(TrialRecord, each, "run.json: tried") for each in found or ())


def of_run(
    rows: Frame,
    within: SearchRange,
    trials: Sequence[TrialRecord],
    wanted: Sequence[Objective],
    *,
    noise_floor: CalibrationResult | None = None,
    ended: str | None = None,
) -> Capacity:
    """The search that a manifest tells of, judged again by its samples.

    `ended` says why it ended before its edge was known.
    """
    levels = [
        judge(
            rows_of(rows, name),
            wanted,
            name=name,
            asked=float(each.asked),
            settled=each.settle,
            open_loop=not within.whole,
            noise_floor=noise_floor,
        )
        for name, each in zip(named(len(trials)), trials, strict=True)
    ]
    return conclude(levels, within, wanted, ended=ended)


def conclude(
    levels: Sequence[LevelTrial],
    within: SearchRange,
    wanted: Sequence[Objective],
    *,
    ended: str | None = None,
) -> Capacity:
    """All levels together."""
    open_loop = not within.whole
    found = bracket([each.trial for each in levels])
    shown = from_schedule(wanted) if open_loop else list(wanted)
    metric, percent = metric_of(shown, open_loop=open_loop)
    carried, limited_by = _carried(levels, found, shown)
    return Capacity(
        by=LoadBy.RATE if open_loop else LoadBy.USERS,
        within=within,
        wanted=tuple(each.text for each in wanted),
        metric=metric,
        percent=percent,
        levels=tuple(levels),
        carried=carried,
        limited_by=limited_by,
        frontier=tuple(_frontier(levels, round(percent), found.failed)),
        knee=_knee(levels),
        ended=ended,
    )


def range_of(search: Search) -> SearchRange:
    """The range of a plan."""
    target = search.target_rate
    return SearchRange(
        float(search.min_rate),
        float(search.max_rate),
        float(search.precision),
        None if target is None else float(target),
        whole=search.by == LoadBy.USERS,
    )


def _carried(
    levels: Sequence[LevelTrial],
    found: Bracket,
    wanted: Sequence[Objective],
) -> tuple[Carried, str]:
    low, high = found.passed, found.failed
    if high is None:
        limit: str = GaveWay.CLIENT if found.client is not None else GaveWay.NOTHING
        if found.over is not None:
            limit = next(each.unsure for each in levels if each.asked == found.over and each.unsure)
        return Carried(low, low, None), limit
    failed = [
        each for each in levels if each.asked == high and each.result is LevelResult.NOT_CARRIED
    ]
    limit = failed[-1].gave_way or GaveWay.BACKLOG
    if low is None:
        return Carried(None, None, high), limit
    value = _crossing(levels, low, failed[-1], wanted)
    return Carried(value, low, high), limit


def _crossing(
    levels: Sequence[LevelTrial], low: float, failed: LevelTrial, wanted: Sequence[Objective]
) -> float:
    """Where between two levels the load ceases to be carried.

    A target that is overloaded serves as much as it can.
    """
    if failed.gave_way in (GaveWay.BACKLOG, GaveWay.QUOTA):
        served = failed.served if failed.gave_way == GaveWay.BACKLOG else failed.goodput
        return min(max(served, low), failed.asked)
    objective = next((each for each in wanted if each.text == failed.gave_way), None)
    if objective is None or objective.unit != "ms":
        return math.sqrt(low * failed.asked)
    found = _crossing_of(
        [each for each in levels if each.result is not LevelResult.CLIENT], objective.limit
    )
    return math.sqrt(low * failed.asked) if found is None else min(max(found, low), failed.asked)


def _crossing_of(levels: Sequence[LevelTrial], limit: float) -> float | None:
    """Where the observed times cross a limit, over all trials: each alone is uncertain.

    Times can only grow with the load, so that neighbours that do not are averaged, weighted by
    their requests (pool adjacent violators: Ayer and others, Annals of Mathematical Statistics 26,
    1955). They are taken to grow geometrically from one level to the next.
    """
    known = sorted(
        (each.asked, math.log(min(each.observed, FAR * limit) / limit), each.requests)
        for each in levels
        if each.observed is not None and each.observed > 0 and each.requests >= LEAST_REQUESTS
    )
    pools: list[list[float]] = []
    for asked, height, weight in known:
        pools.append([weight, weight * height, weight * asked])
        while len(pools) > 1 and pools[-1][1] / pools[-1][0] <= pools[-2][1] / pools[-2][0]:
            last = pools.pop()
            pools[-1] = [sum(pair) for pair in zip(pools[-1], last, strict=True)]
    places = [(asked / weight, height / weight) for weight, height, asked in pools]
    for (left, below), (right, above) in pairwise(places):
        if below <= 0 < above:
            return left + (right - left) * -below / (above - below)
    return None


def _frontier(
    levels: Sequence[LevelTrial], percent: int, failed: float | None
) -> list[LatencyBound]:
    """The highest level that certainly keeps each of several bounds of the latency."""
    below = [each for each in levels if failed is None or each.asked < failed]
    certain = [
        (each.asked, high)
        for each in below
        if (high := _high(each.times.get(percent))) is not None
        and each.result is not LevelResult.CLIENT
    ]
    if not certain:
        return []
    found: list[LatencyBound] = []
    for bound in _bounds(min(high for _, high in certain), max(high for _, high in certain)):
        carried = max((asked for asked, high in certain if high <= bound), default=None)
        if carried is not None and (not found or found[-1].carried != carried):
            found.append(LatencyBound(bound, carried))
    return found


def _high(estimate: Estimate | None) -> float | None:
    return None if estimate is None or estimate.value is None else estimate.high


def _bounds(least: float, most: float) -> list[float]:
    """1, 2, 5, 10 and so on, from the first above `least` to the first above `most`."""
    place = math.floor(math.log10(least)) if least > 0 else 0
    found: list[float] = []
    while not found or found[-1] < most:
        found += [digit * 10.0**place for digit in DIGITS if digit * 10.0**place >= least]
        place += 1
    return [bound for bound in found if bound <= max(most * 2.5, found[0])]


def _knee(levels: Sequence[LevelTrial]) -> float | None:
    """The level with the most answers per second for its median latency: its power is largest.

    (Kleinrock, Power and Deterministic Rules of Thumb, ICC 1979.) None where that is the highest
    level, above which it may grow.
    """
    powers = {
        each.asked: each.served / middle.value
        for each in levels
        if each.result is not LevelResult.CLIENT
        and (middle := each.times.get(50)) is not None
        and middle.value
        and each.served
    }
    knee = max(powers, key=powers.__getitem__, default=None)
    return None if knee == max(powers, default=None) else knee
