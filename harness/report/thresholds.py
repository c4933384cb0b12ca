"""Objectives against what was measured: pass, fail, or unknown when there is too little to tell."""

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from harness.measure.metrics import METRICS
from harness.measure.objective import COUNTS, RATES, RATIO, Objective, parse_objective
from harness.measure.outcome import Outcome
from harness.measure.validity import could_change, not_sent
from harness.report import figures, quota
from harness.report.arrays import Mask
from harness.report.figures import DASH
from harness.report.frame import Frame, bound, of_first_output, of_route
from harness.report.manifest import LOADING
from harness.report.measured import measure
from harness.report.pacing import Pacing, pacing
from harness.report.plan import Plan, planned
from harness.report.quantile import CONFIDENCE, Estimate
from harness.report.quota import Quota
from harness.report.report import Counts, Routes, RouteSummary
from harness.report.tally import Good, summarise
from harness.report.workers import CalibrationResult

DEFAULT_ERRORS = "error_rate < 1%"
DEFAULT = "(default)"
"""How an objective ends that nobody typed."""
HIGH = 0.9
MARGIN_OF_MORE = 1.5
"""Of what would settle an objective so much more is named: the next sample may lie less well."""
MOST_TIMES = 1000
"""More than so many times the sample is no advice."""
COMPARED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class CheckResult(StrEnum):
    """Whether an objective is met."""

    MET = "pass"
    MISSED = "fail"
    UNKNOWN = "unknown"
    CLOSE = "warn"
    """The default objective, missed by so few that it proves nothing."""

    @property
    def word(self) -> str:
        """The result as a table says it."""
        return self.name.lower()

    @property
    def clause(self) -> str:
        """The result as it follows the objective in a sentence."""
        return "cannot be judged" if self is CheckResult.UNKNOWN else self.word


@dataclass(frozen=True, slots=True)
class Checked:
    """One objective on one route: what was measured and whether it is met.

    `measured` is for people; `low` and `high` are the interval of `value`, all
    three in the objective's unit. Of a load by stages `stage` says of which one the requests were,
    from 1, and `level` what was asked in it; None for all of them.
    """

    objective: str
    route: str
    result: CheckResult
    measured: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    stage: int | None = None
    level: str | None = None

    @property
    def by_default(self) -> bool:
        """Whether nobody typed the objective."""
        return self.objective.endswith(DEFAULT)

    @property
    def told(self) -> str:
        """The objective, with its stage where it is of one."""
        of = "" if self.stage is None else f"stage {self.stage} ({self.level}): "
        return f"{of}{self.objective}"


@dataclass(frozen=True, slots=True)
class Doubts:
    """Why an objective may have no answer, though a number was measured.

    `load`: the load was not the one that was asked for; nothing about it is known. `pace`: requests
    left too late; what counts from send is not known. `quota`: the load was kept below a limit, so
    that a low rate is none of the target's. `noise_floor` is what a calibration found.
    """

    load: str | None = None
    pace: str | None = None
    quota: str | None = None
    noise_floor: CalibrationResult | None = None

    @classmethod
    def of(
        cls,
        routes: Routes,
        *,
        pacing: Pacing | None,
        noise_floor: CalibrationResult | None,
        paced: Quota | None = None,
        in_flight: int | None = None,
    ) -> "Doubts":
        """What the client did to a load: not sent, sent too slowly, sent late.

        `in_flight` was the bound, `paced` what was done to respect a limit.
        """
        own: Counter[str] = Counter()
        said = ""
        for route in routes.values():
            own.update(route.counts.own)
            examples = route.counts.error_examples
            said = said or next(iter(examples.get(Outcome.CLIENT_LIMIT, ())), "")
        missing = not_sent(
            dropped=own[Outcome.DROPPED],
            limited=own[Outcome.CLIENT_LIMIT],
            in_flight=in_flight,
            said=said,
        )
        late = None if pacing is None else pacing.late
        off = None if pacing is None else pacing.rate_off
        return cls(missing or off, late, quota.limits_rate(paced), noise_floor)

    def about(self, objective: Objective) -> str | None:
        """Why this objective cannot be judged, whatever was measured; None when it can."""
        metric = METRICS.get(objective.metric)
        if self.load is None and self.pace is not None and metric is not None:
            return None if metric.scheduled else self.pace
        return self.load

    def error_ms(self, metric: str) -> float:
        """What the client may be wrong by for a latency, at p99; 0 for anything else."""
        if self.noise_floor is None:
            return 0.0
        return self.noise_floor.error_ms(metric) or 0.0


def check(
    wanted: Sequence[Objective],
    rows: Frame,
    routes: Routes,
    *,
    command: str,
    doubts: Doubts,
    confidence: float = CONFIDENCE,
) -> tuple[Checked, ...]:
    """Every objective on every route that it applies to.

    `rows` are the load's requests, `routes` what `summary.json` says of them, `doubts` what the
    client did to them; intervals are at `confidence`.

    A load without an objective on errors gets `error_rate < 1%`, which fails only when so many
    failures are no accident: the lower end of the interval lies above it.
    """
    found = list(_explicit(wanted, rows, routes, doubts, confidence))
    if command in LOADING and not any(each.metric == "error_rate" for each in wanted):
        found += _default(rows, routes, doubts)
    return tuple(found)


def check_stages(
    wanted: Sequence[Objective],
    rows: Frame,
    plan: Plan,
    *,
    command: str,
    noise_floor: CalibrationResult | None,
    in_flight: int | None,
) -> Iterator[Checked]:
    """Every objective in every stage that asked for any request, on every route.

    What holds over the whole load has to hold in each stage too, but for a rate: each stage asks
    for one of its own. What the client did to one stage leaves the others judged. Of the default
    objective on errors only a certain miss is told.
    """
    kept = [each for each in wanted if each.metric not in RATES]
    for number, stage, asked in planned(plan):
        if stage.seconds * (stage.begin + stage.end) / 2 < 1:
            continue
        part = rows.where(rows.ints("stage") == number)
        routes = summarise(part, good(wanted)).routes
        doubts = Doubts.of(
            routes, pacing=pacing(part), noise_floor=noise_floor, in_flight=in_flight
        )
        for each in check(kept, part, routes, command=command, doubts=doubts):
            if each.result is CheckResult.MISSED or not each.by_default:
                yield replace(each, stage=number, level=asked.told)


def good(wanted: Sequence[Objective]) -> Good:
    """What counts as goodput but for broken clauses: succeeded, and met each latency limit itself.

    An objective on a high percentile of a latency, or on its largest value, is read as the limit
    for one request (Zhong et al., DistServe, OSDI 2024); one on the median is no such limit.
    """
    limits = [each for each in wanted if _for_one(each)]

    def decide(rows: Frame, end: str) -> Mask:
        fine = rows.ok
        for limit in limits:
            fine = fine & _within(rows, limit, end)
        return fine

    return decide


def _for_one(objective: Objective) -> bool:
    metric = METRICS.get(objective.metric)
    high = objective.statistic == "max" or (objective.quantile or 0) >= HIGH
    return metric is not None and not metric.many and high


def _within(rows: Frame, limit: Objective, end: str) -> Mask:
    """Whether each request keeps the limit itself, or the limit is not for its route."""
    routes = rows.texts("route")
    meant = [route for route in routes.names if limit.applies_to({"route": route})]
    kept = COMPARED[limit.operator](bound(rows, limit.metric, end), limit.limit)
    if of_first_output(limit.metric):
        kept = kept | ~rows.streaming
    return np.asarray(kept | ~routes.among(*meant), dtype=bool)


def _explicit(
    wanted: Sequence[Objective],
    rows: Frame,
    routes: Routes,
    doubts: Doubts,
    confidence: float,
) -> Iterator[Checked]:
    for objective in wanted:
        applies = [name for name in routes if objective.applies_to({"route": name})]
        for name in applies:
            ours = of_route(rows, name)
            measured = measure(objective, ours, routes[name], good(wanted), confidence=confidence)
            judged = _judged(objective, name, measured, doubts, RequestCost.of(ours, routes[name]))
            yield _by_cause(judged, objective, measured, routes[name].counts)
        if not applies:
            route = dict(objective.labels).get("route", "any route")
            yield Checked(objective.text, route, CheckResult.UNKNOWN, "nothing was measured")


@dataclass(frozen=True, slots=True)
class RequestCost:
    """What one request of a route takes of time and of tokens, for what more of them would take."""

    seconds: float
    tokens: float | None

    @classmethod
    def of(cls, rows: Frame, route: RouteSummary) -> "RequestCost":
        used, requests = route.tokens.total, max(len(rows), 1)
        tokens = None if used is None else used / requests
        return cls(route.counts.seconds / requests, tokens)

    def of_more(self, requests: float) -> str:
        """So many requests, the time at this load, and their tokens."""
        count = math.ceil(requests)
        tokens = "" if self.tokens is None else f", {figures.count(count * self.tokens)} tokens"
        took = figures.long_duration(count * self.seconds)
        return f"{figures.count(count)} more requests ({took} of this load{tokens})"


def _judged(
    objective: Objective, name: str, measured: Estimate, doubts: Doubts, pace: RequestCost
) -> Checked:
    result, told = answer(objective, measured, doubts, pace)
    if result is CheckResult.MISSED and objective.metric in RATES and doubts.quota is not None:
        result, told = CheckResult.UNKNOWN, f"{told}: {doubts.quota}"
    value, low, high = map(_finite, (measured.value, measured.low, measured.high))
    return Checked(objective.text, name, result, told, value, low, high)


def _by_cause(judged: Checked, objective: Objective, measured: Estimate, counts: Counts) -> Checked:
    """A miss for failures says whether these were refusals by a quota, or for want of capacity."""
    of_failures = objective.metric == "error_rate" or measured.value is None
    why = quota.cause(counts) if judged.result is CheckResult.MISSED and of_failures else None
    return judged if why is None else replace(judged, measured=f"{judged.measured}; {why}")


def answer(
    objective: Objective, measured: Estimate, doubts: Doubts, pace: RequestCost | None = None
) -> tuple[CheckResult, str]:
    """Met or missed where the whole interval is on one side of the limit, else unknown; and why.

    The interval is as wide as chance and the client's own error make it. `pace` says what more
    requests would take.
    """
    reason, shown = doubts.about(objective), show(objective, measured)
    if reason is not None:
        return CheckResult.UNKNOWN, reason
    error = doubts.error_ms(objective.metric)
    low = (-math.inf if measured.low is None else measured.low) - error
    high = (math.inf if measured.high is None else measured.high) + error
    if objective.met(low) == objective.met(high) and objective.operator != "==":
        told = shown if measured.value is not None else _one_sided(measured) or shown
        return _side(met=objective.met(low)), told
    if objective.operator == "==" and measured.value is not None:
        return _side(met=objective.met(measured.value)), shown
    if measured.value is None:
        return CheckResult.UNKNOWN, str(measured.reason)
    least = measured.value if measured.at_least is None else measured.at_least
    most = measured.value if measured.at_most is None else measured.at_most
    doubt = could_change(objective.met, least, most, error=error)
    return CheckResult.UNKNOWN, f"{shown}: {doubt or _close(objective, measured, pace)}"


def _side(*, met: bool) -> CheckResult:
    return CheckResult.MET if met else CheckResult.MISSED


def _one_sided(measured: Estimate) -> str | None:
    """What is known of a latency whose value is not: on which side of what it lies."""
    low, high = _finite(measured.low), _finite(measured.high)
    if low is not None:
        return f"at least {figures.duration(low)}"
    return None if high is None else f"at most {figures.duration(high)}"


def _close(objective: Objective, measured: Estimate, pace: RequestCost | None) -> str:
    """What would settle an objective that the interval of what was measured reaches across.

    Intervals narrow with the square root of the number of requests.
    """
    value = measured.value or 0.0
    end = measured.high if objective.met(value) else measured.low
    if end is None or math.isinf(end) or not measured.count:
        return measured.reason or "too few requests to bound it"
    distance = abs(objective.limit - value)
    times = (abs(end - value) / distance) ** 2 * MARGIN_OF_MORE if distance else math.inf
    if times > MOST_TIMES:
        return "too close to the limit to be told from it"
    more = max(measured.count * (times - 1), 1)
    told = f"{figures.count(more)} more requests" if pace is None else pace.of_more(more)
    return f"too close to tell; about {told} would settle it"


def show(objective: Objective, measured: Estimate) -> str:
    """What was measured, in the objective's unit, with its interval where it has one."""
    if measured.value is None:
        return str(measured.reason)
    if objective.metric in COUNTS:
        return figures.count(measured.value)
    if objective.unit == "ms":
        value, between = figures.duration(measured.value), _between(figures.span, measured)
    elif objective.unit == "/s":
        value = f"{figures.digits(measured.value)}/s"
        between = _between(lambda *ends: DASH.join(map(figures.digits, ends)), measured)
    elif objective.metric == RATIO:
        value = figures.ratio(measured.value)
        between = _between(lambda *ends: " to ".join(map(figures.ratio, ends)), measured)
    else:
        value = figures.share(measured.value)
        between = _between(lambda *ends: DASH.join(map(figures.share, ends)), measured)
    return value + between


def _between(show: Callable[[float, float], str], measured: Estimate) -> str:
    low, high = _finite(measured.low), _finite(measured.high)
    return "" if low is None or high is None or low == high else f" ({show(low, high)})"


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else value


def _default(rows: Frame, routes: Routes, doubts: Doubts) -> Iterator[Checked]:
    objective = parse_objective(DEFAULT_ERRORS)
    text = f"{DEFAULT_ERRORS} {DEFAULT}"
    for name, route in routes.items():
        counts, rate = route.counts, route.counts.error_rate
        if doubts.load is not None:
            yield Checked(text, name, CheckResult.UNKNOWN, doubts.load, rate)
        if doubts.load is not None or rate is None or objective.met(rate):
            continue
        found = measure(objective, of_route(rows, name), route, good(()))
        accident = found.low is None or objective.met(found.low)
        result = CheckResult.CLOSE if accident else CheckResult.MISSED
        shown = f"{figures.share(rate)}, {counts.errors:,} of {counts.sent:,} failed"
        shown = "; ".join(filter(None, (shown, quota.cause(counts))))
        yield Checked(text, name, result, shown, rate, found.low, found.high)
