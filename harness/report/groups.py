"""The requests of a load by the part of it that they belong to: stages, turns, streams or not.

Each part has its own numbers, route by route, as `stages`, `turns` and `modes` of `summary.json`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.report import figures, frame, totals
from harness.report.arrays import NULL
from harness.report.frame import Frame
from harness.report.summary import Good, goodput, key, measure, ordered_routes

METRICS = ("ttft", "e2e")
SHOWN = ("p50", "p95", "p99")


@dataclass(frozen=True, slots=True)
class Figure:
    """A percentile in a table: of which metric, and what was measured of that."""

    name: str
    percentile: str
    measured: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Parts of a load as a table: the names of the columns, and per part and route its words and
    its percentiles."""

    title: str
    lead: str
    head: tuple[str, ...]
    lines: tuple[tuple[tuple[str, ...], tuple[Figure, ...]], ...]


def parts(rows: Frame, plan: Mapping[str, Any], good: Good) -> dict[str, Any]:
    """The stages, the turns and the modes of a load, each only where it has any."""
    found: dict[str, Any] = {}
    if plan.get("stages"):
        found["stages"] = by_stage(rows, plan, good)
    if rows.known("turn").any():
        found["turns"] = by_turn(rows)
    streamed = rows.flags("stream")
    if streamed.any() and (rows.told("stream") & ~streamed).any():
        found["modes"] = by_mode(rows)
    return found


def by_stage(rows: Frame, plan: Mapping[str, Any], good: Good) -> list[dict[str, Any]]:
    """What was asked in each stage of a plan, and what became of it.

    A request belongs to the stage in which it was due, or was sent where nothing was due. Rates
    are over the length of the stage.
    """
    found = []
    for number, stage in enumerate(plan["stages"], 1):
        part, seconds = rows.where(rows.ints("stage") == number), stage["seconds"]
        asked = asked_of(stage, plan)
        routes = _routes(part, due=asked["by"] == "rate")
        for route, entry in routes.items():
            entry |= _rates(frame.of_route(part, route), seconds, good)
        head = {"stage": number, "seconds": seconds, "asked": asked}
        found.append({**head, **_counts(part), **_rates(part, seconds, good), "routes": routes})
    return found


def asked_of(stage: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked in a stage of a plan: a level from begin to end, by rate or by users."""
    by = "rate" if plan.get("rate") else "users"
    return {"by": by, "begin": stage["begin"], "end": stage["end"]}


def by_turn(rows: Frame) -> list[dict[str, Any]]:
    """What became of each question of the conversations: its history is longer than the last."""
    found = []
    turns = rows.ints("turn")
    for turn in np.unique(turns[turns != NULL]).tolist():
        part = rows.where(turns == turn)
        found.append({"turn": turn, **_counts(part), "routes": _routes(part, due=False)})
    return found


def by_mode(rows: Frame) -> list[dict[str, Any]]:
    """What became of the requests that asked for a stream, and of those that did not."""
    found, due = [], bool(rows.known("scheduled_ns").any())
    told, streamed = rows.told("stream"), rows.flags("stream")
    for stream in (True, False):
        part = rows.where(told & (streamed == stream))
        found.append({"stream": stream, **_counts(part), "routes": _routes(part, due=due)})
    return found


def tables(summary: Mapping[str, Any]) -> Iterator[Table]:
    """The stages, the turns and the modes of a summary, where it has any."""
    stages, turns, modes = (summary.get(name) for name in ("stages", "turns", "modes"))
    if stages:
        lead = (
            "Each stage by itself, over its own length. A request belongs to the one in which it "
        )
        lead += "was due, or was sent in a closed loop."
        yield _table("Stages", lead, stages, _stage, ("sent", "failed", "goodput"))
    if turns:
        lead = "Each question of the conversations by itself: its history is longer than the last."
        yield _table("Turns", lead, turns, lambda part: f"turn {part['turn']}", ("n", "failed"))
    if modes:
        lead = "Requests that asked for a stream, and those that asked for a whole answer."
        yield _table("Modes", lead, modes, _mode, ("n", "failed"))


def _mode(part: Mapping[str, Any]) -> str:
    return "streamed" if part["stream"] else "whole"


def _table(
    title: str,
    lead: str,
    found: Sequence[Mapping[str, Any]],
    name: Callable[[Mapping[str, Any]], str],
    columns: tuple[str, ...],
) -> Table:
    due = any("ttft_ms_scheduled" in entry for part in found for entry in part["routes"].values())
    metrics = [f"{metric}_ms{'_scheduled' if due else ''}" for metric in METRICS]
    shown = [
        (figures.metric(f"{name}_ms"), metric, each)
        for name, metric in zip(METRICS, metrics, strict=True)
        for each in SHOWN
    ]
    lines: list[tuple[tuple[str, ...], tuple[Figure, ...]]] = []
    for part in found:
        for route, entry in part["routes"].items():
            words = (name(part), route, *(_word(entry, column) for column in columns))
            percentiles = (Figure(told, each, entry[metric]) for told, metric, each in shown)
            lines.append((words, tuple(percentiles)))
        if not part["routes"]:
            lines.append(((name(part), "none sent"), ()))
    head = (title.lower().removesuffix("s"), "route", *columns)
    lead += f" Latencies count from {'schedule' if due else 'send'}."
    return Table(title, lead, (*head, *(f"{told} {each}" for told, _, each in shown)), tuple(lines))


def _word(entry: Mapping[str, Any], column: str) -> str:
    if column == "failed":
        return totals.failed(entry)
    if column == "n":
        return figures.count(entry["requests"])
    if column == "sent":
        return f"{figures.digits(entry['achieved_rate'])}/s"
    return totals.told(entry, column)


def _stage(stage: Mapping[str, Any]) -> str:
    """What a stage was to be: `2: 60 s at 5 to 20/s`."""
    return f"{stage['stage']}: {stage['seconds']:g} s at {level(stage['asked'])}"


def level(asked: Mapping[str, Any]) -> str:
    """What was asked in a stage: `5 to 20/s`, or `20 users`."""
    unit = "/s" if asked["by"] == "rate" else " users"
    ends = dict.fromkeys(f"{asked[end]:g}" for end in ("begin", "end"))
    return f"{' to '.join(ends)}{unit}"


def _routes(rows: Frame, *, due: bool) -> dict[str, Any]:
    metrics = (*METRICS, *(f"{name}_scheduled" for name in METRICS if due))
    found = {
        route: {**_counts(part), **{key(name): measure(part, name) for name in metrics}}
        for route, part in rows.by("route").items()
    }
    return {route: found[route] for route in ordered_routes(found)}


def _counts(rows: Frame) -> dict[str, Any]:
    sent, errors = int((~rows.own).sum()), int(rows.failed.sum())
    return {
        "requests": len(rows),
        "sent": sent,
        "errors": errors,
        "error_rate": errors / sent if sent else None,
        "dropped": int(rows.texts("outcome").among("dropped").sum()),
    }


def _rates(rows: Frame, seconds: float, good: Good) -> dict[str, Any]:
    sent = int((~rows.own).sum())
    return {"achieved_rate": sent / seconds, **goodput(rows, seconds, good)}
