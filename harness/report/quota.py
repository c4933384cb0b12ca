"""Quotas told from saturation, and what a load did to keep below one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness.measure.outcome import Outcome
from harness.report import figures
from harness.report.frame import Frame

SET = "a limit that was set, no saturation"
FULL = "saturation, no quota"


def quota(
    rows: Frame, plan: Mapping[str, Any], workers: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """The `quota` of `summary.json`; None where the load was not asked to respect one.

    Times are milliseconds. `paced_to` is the sum over the workers, None where none knows a limit.
    """
    if not plan.get("respect_rate_limit"):
        return None
    held = rows.ints("held_ns")[rows.known("held_ns")] / 1e6
    paces = [each.get("paced_to") for each in workers]
    return {
        "declared": plan.get("rate_limit"),
        "learned": any(each.get("limit_learned") for each in workers),
        "paced_to": sum(paces) if paces and None not in paces else None,
        "held": len(held),
        "held_ms": {"p50": _percentile(held, 50), "max": _percentile(held, 100)},
        "never_sent": sum(each.get("never_sent", 0) for each in workers),
        "due": len(rows) + sum(each.get("never_sent", 0) for each in workers),
    }


def _percentile(values: Any, percent: float) -> float | None:
    return float(np.percentile(values, percent)) if len(values) else None


def paced(found: Mapping[str, Any] | None) -> str | None:
    """What a load did to respect a quota; None where it was not asked to."""
    if found is None:
        return None
    if not found["held"] and not found["never_sent"]:
        return "--respect-rate-limit held nothing back"
    told = f"paced {_to(found)}by --respect-rate-limit, {_source(found)}: "
    told += (
        f"{figures.count(found['held'])} of {figures.count(found['due'])} requests were held back"
    )
    if found["held"]:
        told += f", {figures.duration(found['held_ms']['max'])} at the most"
    if found["never_sent"]:
        told += f", and {figures.count(found['never_sent'])} more never left before the load ended"
    return f"{told}; the times of the schedule are those after it"


def _to(found: Mapping[str, Any]) -> str:
    rate = found["paced_to"]
    return "" if rate is None else f"to {figures.digits(rate)}/s "


def _source(found: Mapping[str, Any]) -> str:
    declared = found["declared"] and f"below the declared {found['declared']} s"
    learned = "as refusals (429) taught" if found["learned"] else ""
    return ", then ".join(filter(None, (declared, learned))) or "by nothing that was told"


def limits_rate(found: Mapping[str, Any] | None) -> str | None:
    """Why a rate below its objective is none of the target's; None where nothing was held back."""
    if found is None or not (found["held"] or found["never_sent"]):
        return None
    to = _to(found).strip() or "below the limit"
    return f"the load was paced {to} by --respect-rate-limit: what is carried above was not tried"


def cause(route: Mapping[str, Any]) -> str | None:
    """Whether the failures of a route are most of them a quota or a want of capacity."""
    failed, classes = route["errors"], route["error_classes"]
    for kind, status, meaning in (
        (Outcome.RATE_LIMITED, 429, SET),
        (Outcome.OVERLOADED, 529, FULL),
    ):
        count = classes.get(kind, 0)
        if count and 2 * count > failed:
            many = f"{figures.count(count)} of {figures.count(failed)} failures"
            return f"{many} are refusals with {status}: {meaning}"
    return None


def refusals(routes: Mapping[str, Mapping[str, Any]], *, respected: bool) -> Iterator[str]:
    """How many requests a quota refused on each route, and what to do about it."""
    for name, route in routes.items():
        limited = route["error_classes"].get(Outcome.RATE_LIMITED, 0)
        if limited:
            of = f"{figures.count(limited)} of {figures.count(route['sent'])} requests on {name}"
            advice = "" if respected else "; --respect-rate-limit paces a load to it"
            yield f"{of} were refused by a quota (429): {SET}{advice}"
