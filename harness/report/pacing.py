"""Whether an open loop sent its requests when they were due: the schedule against the deeds."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from harness.measure.validity import REMEDY
from harness.report import figures
from harness.report.arrays import Floats, Ints
from harness.report.frame import Frame, elapsed
from harness.report.plan import Plan
from harness.report.report import Lags

RATE_TOLERANCE = 0.01
LAG_TOLERANCE = 0.05
LEAST_LAG_MS = 2.0
ROUNDING_NS = 2
BLOCK = 1_000_000
NO_PLAN = Plan()
STALLED_MS = 50.0
"""A start lag at p99 above this and above the mean time between requests is another load."""
"""How late requests may start at p99: a share of the mean time between them or so much, whichever
is more.

A request that starts within a bound of its time has gaps to its neighbours that are right within
twice that bound, so that this bounds what reaches the target. Kolmogorov's distance alone cannot
judge: for a constant schedule one microsecond of jitter makes it 1/2.
"""


class Spacing(StrEnum):
    """Why the times between requests were asked to be as they are."""

    EVENLY = "evenly"
    STAGES = "stages"
    QUOTA = "quota"
    TRACE = "trace"
    CHANCE = "chance"


@dataclass(frozen=True, slots=True)
class Pacing:
    """How well an open loop kept its schedule, over all routes; rates are per second.

    The achieved rate counts the requests that had left when the last one was due, over the same
    time as the asked one. `distance` is Kolmogorov's, between the times from one request to the
    next as they were asked and as they were. `rate_off` says why the load was not the one that was
    asked for, `late` why latencies from send are not those of that load.
    """

    requests: int
    sent: int
    asked_rate: float | None
    achieved_rate: float | None
    start_lag_ms: Lags
    start_lag_allowed_ms: float
    constant: bool
    spaced: Spacing
    distance: float | None
    rate_off: str | None = None
    late: str | None = None


def pacing(rows: Frame, plan: Plan = NO_PLAN) -> Pacing | None:
    """The pacing of a load; None without a schedule.

    `plan` says why the times between requests differ.
    """
    planned = rows.where(rows.known("scheduled_ns"))
    if len(planned) < 2:
        return None
    left = planned.where(planned.known("sent_ns") & ~planned.own)
    lags = _lags(elapsed(left, "scheduled_ns", "sent_ns"))
    due = np.sort(planned.ints("scheduled_ns"))
    count, last, seconds = len(due), int(due[-1]), float(due[-1] - due[0]) / 1e9
    asked = _between(due)
    constant = bool(np.ptp(asked) <= ROUNDING_NS)
    del due  # a column of a large run is large
    allowed_ms = max(LEAST_LAG_MS, LAG_TOLERANCE * seconds * 1e3 / (count - 1))
    sent = np.sort(left.ints("sent_ns"))
    in_time = int(np.searchsorted(sent, last + allowed_ms * 1e6, side="right"))
    behind, achieved = len(sent) - in_time, _between(sent)
    del sent
    found = Pacing(
        requests=count,
        sent=behind + in_time,
        asked_rate=(count - 1) / seconds if seconds else None,
        achieved_rate=max(in_time - 1, 0) / seconds if seconds else None,
        start_lag_ms=lags,
        start_lag_allowed_ms=allowed_ms,
        constant=constant,
        spaced=_spaced(planned, plan, constant=constant),
        distance=distance(asked, achieved),
    )
    return replace(found, rate_off=_rate_off(found, behind), late=_late(found))


def _spaced(planned: Frame, plan: Plan, *, constant: bool) -> Spacing:
    """Why the times between requests were asked to be as they are."""
    if planned.known("held_ns").any():
        return Spacing.QUOTA
    if constant:
        return Spacing.EVENLY
    if plan.trace:
        return Spacing.TRACE
    even = plan.stages and plan.arrivals == "constant"
    return Spacing.STAGES if even else Spacing.CHANCE


def _between(times: Ints) -> Any:
    """The time from each to the next, in four bytes where they fit."""
    found = np.diff(times)
    fits = not len(found) or found.max() <= np.iinfo(np.uint32).max
    return found.astype(np.uint32) if fits else found


def distance(asked: Any, achieved: Any) -> float | None:
    """Kolmogorov's distance: the most by which two empirical distributions differ anywhere."""
    if not len(asked) or not len(achieved):
        return None
    a, b = np.sort(asked), np.sort(achieved)
    blocks = (x[start : start + BLOCK] for x in (a, b) for start in range(0, len(x), BLOCK))
    return max(_apart(a, b, block) for block in blocks)


def _apart(a: Any, b: Any, places: Any) -> float:
    below = (np.searchsorted(x, places, side="right") / len(x) for x in (a, b))
    return float(np.abs(next(below) - next(below)).max())


def _lags(lags: Floats) -> Lags:
    if not len(lags):
        return Lags()
    return Lags(*np.percentile(lags, [50, 99, 100]).tolist())


def _rate_off(found: Pacing, behind: int) -> str | None:
    """Why the load was not the one that was asked for.

    `behind` had not left when the last was due; what never left is told by its own name.
    """
    if not found.asked_rate:
        return None
    p99 = found.start_lag_ms.p99 or 0.0
    if behind <= RATE_TOLERANCE * found.requests:
        if p99 <= max(STALLED_MS, 1e3 / found.asked_rate):
            return None
        late = f"requests started {figures.duration(p99)} late at p99"
        return f"the client did not keep the times of the schedule: {late}: {REMEDY}"
    achieved, asked = map(figures.digits, (found.achieved_rate, found.asked_rate))
    rates = f"{achieved} of {asked} requests/s"
    return f"the client did not keep the rate: it sent {rates} in time: {REMEDY}"


def _late(found: Pacing) -> str | None:
    """Why latencies from send are not those of the load that was asked for."""
    p99, allowed_ms = found.start_lag_ms.p99, found.start_lag_allowed_ms
    if p99 is None or p99 <= allowed_ms:
        return None
    late = f"{figures.duration(p99)} late at p99, {figures.duration(allowed_ms)} are allowed"
    return f"requests started {late}: {REMEDY}, or judge from schedule, as in p95(ttft_scheduled)"
