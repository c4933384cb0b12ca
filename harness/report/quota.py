"""Quotas told from saturation, and what a load did to keep below one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.measure.outcome import Outcome
from harness.report import figures
from harness.report.frame import Frame
from harness.report.plan import Plan
from harness.report.report import Counts, Routes
from harness.report.workers import WorkerCounts

SET = "a limit that was set, no saturation"
FULL = "saturation, no quota"


@dataclass(frozen=True, slots=True)
class HeldBack:
    """By how much requests were held back, milliseconds."""

    p50: float | None
    max: float | None


@dataclass(frozen=True, slots=True)
class Quota:
    """What a load did to respect a limit, over all routes.

    It was `declared`, as `100/60`, or `learned` from refusals. `paced_to` requests per second left
    at most, the sum over the workers; None where none knows a limit. `held` requests left later
    than they were due, `never_sent` not at all before the load ended; `due` were all.
    """

    declared: str | None
    learned: bool
    paced_to: float | None
    held: int
    held_ms: HeldBack
    never_sent: int
    due: int


def quota(rows: Frame, plan: Plan, workers: Sequence[WorkerCounts]) -> Quota | None:
    """What was done to respect a limit; None where the load was not asked to."""
    if not plan.respect_rate_limit:
        return None
    held = rows.ints("held_ns")[rows.known("held_ns")] / 1e6
    paces = [each.paced_to for each in workers]
    never_sent = sum(each.never_sent for each in workers)
    known = [pace for pace in paces if pace is not None]
    return Quota(
        declared=plan.rate_limit,
        learned=any(each.limit_learned for each in workers),
        paced_to=sum(known) if known and len(known) == len(paces) else None,
        held=len(held),
        held_ms=HeldBack(_percentile(held, 50), _percentile(held, 100)),
        never_sent=never_sent,
        due=len(rows) + never_sent,
    )


def _percentile(values: Any, percent: float) -> float | None:
    return float(np.percentile(values, percent)) if len(values) else None


def paced(found: Quota | None) -> str | None:
    """What a load did to respect a quota; None where it was not asked to."""
    if found is None:
        return None
    if not found.held and not found.never_sent:
        return "--respect-rate-limit held nothing back"
    told = f"paced {_to(found)}by --respect-rate-limit, {_source(found)}: "
    told += f"{figures.count(found.held)} of {figures.count(found.due)} requests were held back"
    if found.held:
        told += f", {figures.duration(found.held_ms.max)} at the most"
    if found.never_sent:
        told += f", and {figures.count(found.never_sent)} more never left before the load ended"
    return f"{told}; the times of the schedule are those after it"


def _to(found: Quota) -> str:
    return "" if found.paced_to is None else f"to {figures.digits(found.paced_to)}/s "


def _source(found: Quota) -> str:
    declared = found.declared and f"below the declared {found.declared} s"
    learned = "as refusals (429) taught" if found.learned else ""
    return ", then ".join(filter(None, (declared, learned))) or "by nothing that was told"


def limits_rate(found: Quota | None) -> str | None:
    """Why a rate below its objective is none of the target's; None where nothing was held back."""
    if found is None or not (found.held or found.never_sent):
        return None
    to = _to(found).strip() or "below the limit"
    return f"the load was paced {to} by --respect-rate-limit: what is carried above was not tried"


def cause(counts: Counts) -> str | None:
    """Whether the failures of a route are most of them a quota or a want of capacity."""
    for kind, status, meaning in (
        (Outcome.RATE_LIMITED, 429, SET),
        (Outcome.OVERLOADED, 529, FULL),
    ):
        count = counts.error_classes.get(kind, 0)
        if count and 2 * count > counts.errors:
            many = f"{figures.count(count)} of {figures.count(counts.errors)} failures"
            return f"{many} are refusals with {status}: {meaning}"
    return None


def refusals(routes: Routes, *, respected: bool) -> Iterator[str]:
    """How many requests a quota refused on each route, and what to do about it."""
    for name, route in routes.items():
        limited = route.counts.error_classes.get(Outcome.RATE_LIMITED, 0)
        if limited:
            of = f"{figures.count(limited)} of {figures.count(route.counts.sent)} requests"
            advice = "" if respected else "; --respect-rate-limit paces a load to it"
            yield f"{of} on {name} were refused by a quota (429): {SET}{advice}"
