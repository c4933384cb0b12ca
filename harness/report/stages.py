"""Each stage of a load that changed while it ran, route by route: `stages` of `summary.json`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from harness.report import figures, totals
from harness.report.summary import Good, goodput, key, measure, ordered_routes

METRICS = ("ttft", "e2e")
SHOWN = ("p50", "p95", "p99")


def by_stage(rows: pd.DataFrame, plan: Mapping[str, Any], good: Good) -> list[dict[str, Any]]:
    """What was asked in each stage of a plan, and what became of it; nothing without stages.

    A request belongs to the stage in which it was due, or was sent where nothing was due. Rates
    are over the length of the stage.
    """
    stages = plan.get("stages") or ()
    by = "rate" if plan.get("rate") else "users"
    return [
        {
            "stage": number,
            "seconds": stage["seconds"],
            "asked": {"by": by, "begin": stage["begin"], "end": stage["end"]},
            **_counts(rows[rows["stage"] == number], stage["seconds"], good),
            "routes": _routes(rows[rows["stage"] == number], stage["seconds"], good, by),
        }
        for number, stage in enumerate(stages, 1)
    ]


def _routes(rows: pd.DataFrame, seconds: float, good: Good, by: str) -> dict[str, Any]:
    metrics = [f"{name}_scheduled" for name in METRICS] if by == "rate" else []
    found = {
        str(route): {
            **_counts(group, seconds, good),
            **{key(name): measure(group, name) for name in (*METRICS, *metrics)},
        }
        for route, group in rows.groupby("route", sort=False)
    }
    return {route: found[route] for route in ordered_routes(found)}


def _counts(rows: pd.DataFrame, seconds: float, good: Good) -> dict[str, Any]:
    sent, errors = int((~rows["own"]).sum()), int(rows["failed"].sum())
    return {
        "requests": len(rows),
        "sent": sent,
        "errors": errors,
        "error_rate": errors / sent if sent else None,
        "dropped": int((rows["outcome"] == "dropped").sum()),
        "achieved_rate": sent / seconds,
        **goodput(rows, seconds, good),
    }


def shown(stages: Sequence[Mapping[str, Any]]) -> list[str]:
    """The metrics of a table of stages: from schedule where there was one."""
    due = any(
        f"{name}_ms_scheduled" in r
        for s in stages
        for r in s["routes"].values()
        for name in METRICS
    )
    return [f"{name}_ms{'_scheduled' if due else ''}" for name in METRICS]


def head(stages: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the columns of `lines`."""
    latencies = [f"{figures.metric(name)} {each}" for name in shown(stages) for each in SHOWN]
    return ["stage", "route", "sent", "failed", "goodput", *latencies]


def lines(
    stages: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[list[str], list[tuple[str, str]]]]:
    """One row per stage and route: its words, and each percentile with its interval."""
    names = shown(stages)
    for stage in stages:
        if not stage["routes"]:
            yield [asked(stage), "none sent", *["0"] * 3], []
        for route, entry in stage["routes"].items():
            words = [
                asked(stage),
                route,
                f"{figures.digits(entry['achieved_rate'])}/s",
                totals.failed(entry),
                totals.told(entry, "goodput"),
            ]
            yield words, [figures.told(entry[name], each) for name in names for each in SHOWN]


def asked(stage: Mapping[str, Any]) -> str:
    """What a stage was to be: `2: 60 s at 5 to 20/s`."""
    level, unit = stage["asked"], "/s" if stage["asked"]["by"] == "rate" else " users"
    ends = dict.fromkeys(f"{level[end]:g}" for end in ("begin", "end"))
    return f"{stage['stage']}: {stage['seconds']:g} s at {' to '.join(ends)}{unit}"
