"""A target with slots and a queue, simulated: the rows that a search would have of each level."""

import heapq
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from harness.measure.objective import Objective, parse_objectives
from harness.report import frame
from harness.report.arrays import Floats, Mask
from harness.report.capacity.level import LOOKS, LevelTrial, judge
from harness.report.capacity.result import Capacity, conclude
from harness.report.capacity.search import SearchRange, next_step
from harness.report.documents import write_json
from harness.report.samples import conform, schema
from tests.report.folders import RUN_ID, START_NS, write_run, write_worker

BLURS = ("send_blur_ns", "first_byte_blur_ns", "done_blur_ns", "blur_ns")
WARMUP_S, CLIMB_S, LEVEL_S = 1.0, 3.0, 5.0


@dataclass(frozen=True, slots=True)
class Target:
    """`slots` requests at once, each for `service_s`; `limit` per second are let in at all."""

    slots: int = 8
    service_s: float = 0.1
    limit: int | None = None


def waits(begun_s: Floats, target: Target) -> Floats:
    """How long each request waits, first come first served (Lindley's recursion for c servers)."""
    free = [0.0] * target.slots
    found = np.empty(len(begun_s))
    for place, at in enumerate(begun_s):
        begin = max(at, free[0])
        heapq.heapreplace(free, begin + target.service_s)
        found[place] = begin - at
    return found


def arrivals(rate: float, seconds: float, rng: np.random.Generator | None) -> Floats:
    """Times of requests: constant, or Poisson with a generator."""
    if rng is None:
        return np.arange(0, seconds, 1 / rate)
    gaps = rng.exponential(1 / rate, round(rate * seconds * 2) + 50)
    times: Floats = np.cumsum(gaps)
    return times[times < seconds]


def rows(
    name: str,
    begun_s: Floats,
    target: Target,
    *,
    until_s: float | None = None,
    dropped: int = 0,
) -> pa.Table:
    """The samples of a level; `until_s`: only those that had ended by then, as at a look.

    The client `dropped` so many of the last ones.
    """
    refused = _over(begun_s, target.limit)
    took = np.where(refused, 0.001, 0.0)
    took[~refused] = waits(begun_s[~refused], target) + target.service_s
    kept = begun_s + took <= (np.inf if until_s is None else until_s)
    sent = START_NS + (begun_s[kept] * 1e9).astype(np.int64)
    ended = sent + (took[kept] * 1e9).astype(np.int64)
    count, out = len(sent), refused[kept]
    table = pa.table(
        {
            "run_id": [RUN_ID] * count,
            "worker": [f"{name}-0"] * count,
            "seq": list(range(count)),
            "event_id": [f"{name}-{n}" for n in range(count)],
            "scenario": ["mixed"] * count,
            "phase": ["warmup" if at < WARMUP_S else "steady" for at in begun_s[kept]],
            "route": ["native"] * count,
            "stream": [False] * count,
            "status": [429 if each else 200 for each in out],
            "outcome": [
                "dropped" if n >= count - dropped else "rate_limited" if each else "ok"
                for n, each in enumerate(out)
            ],
            **dict.fromkeys(("scheduled_ns", "sent_ns"), pa.array(sent)),
            **dict.fromkeys(("headers_ns", "first_byte_ns", "done_ns"), pa.array(ended)),
            **dict.fromkeys(BLURS, pa.array(np.zeros(count, dtype=np.int64))),
            "gap_ms": [[]] * count,
            "violations": [[]] * count,
            "odd": [[]] * count,
            "checked": [False] * count,
        }
    )
    return conform(table)


def searched(
    target: Target,
    *slos: str,
    seed: int | None = None,
    least: float = 1.0,
    most: float = 1000.0,
    goal: float | None = None,
    kept: dict[str, pa.Table] | None = None,
) -> Capacity:
    """A whole search, as the command would do it; Poisson arrivals with a seed.

    `kept` gets the samples of each level.
    """
    within = SearchRange(least, most, target=goal)
    wanted = parse_objectives(slos)
    levels: list[LevelTrial] = []
    while step := next_step([each.trial for each in levels], within):
        number = len(levels)
        rng = None if seed is None else np.random.default_rng([seed, number])
        slow = 3 * max((level.typical_s for level in levels[:1]), default=0.0)
        each = max(LEVEL_S, 400 / step.asked / LOOKS) if step.settle else CLIMB_S
        each = min(max(each, slow), 20.0)
        begun = arrivals(step.asked, WARMUP_S + each * LOOKS, rng)
        name = f"level-{number + 1:02d}"
        level, seen = _level(
            name, step.asked, begun, target, wanted, each_s=each, settle=step.settle
        )
        levels.append(level)
        if kept is not None:
            kept[name] = seen
    return conclude(levels, within, wanted)


def _level(
    name: str,
    asked: float,
    begun: Floats,
    target: Target,
    wanted: Sequence[Objective],
    *,
    each_s: float,
    settle: bool,
) -> tuple[LevelTrial, pa.Table]:
    """One trial, looked at as the command would, and its samples."""

    def judged(seen: pa.Table) -> LevelTrial:
        return judge(
            frame.frame(seen),
            wanted,
            name=name,
            asked=asked,
            settled=settle,
            open_loop=True,
            noise_floor=None,
        )

    sent = begun
    for look in range(1, LOOKS):
        end = WARMUP_S + each_s * look
        sent = begun[begun < end]
        found = judged(rows(name, sent, target, until_s=end))
        settle = settle or found.doubtful or not found.requests
        if found.result in ("pass", "fail") or not settle:
            break
    else:
        sent = begun
    seen = rows(name, sent, target)
    return judged(seen), seen


def write_search(folder: Path, found: Capacity, kept: Mapping[str, pa.Table]) -> Path:
    """The run that such a search leaves."""
    tried = [{"asked": each.asked, "settle": each.settled} for each in found.levels]
    write_run(folder, [], command="capacity", thresholds=found.wanted, worker=False, tried=tried)
    document = json.loads((folder / "run.json").read_text("utf-8"))
    document["plan"] |= {"rate": 1.0, "search": search_of(found.within)}
    write_json(folder / "run.json", document)
    (folder / "samples" / "load-0.arrows").unlink()
    for name, table in kept.items():
        with pa.ipc.new_stream(str(folder / "samples" / f"{name}-0.arrows"), schema()) as writer:
            writer.write_table(table)
        write_worker(folder, worker=f"{name}-0", records=len(table))
    return folder


def search_of(within: SearchRange) -> dict[str, Any]:
    """A range as a manifest has it."""
    return {
        "by": "users" if within.whole else "rate",
        "min_rate": within.least,
        "max_rate": within.most,
        "precision": within.precision,
        "target_rate": within.target,
    }


def _over(begun_s: Floats, limit: int | None) -> Mask:
    """Which requests come after so many in their second."""
    if limit is None:
        return np.zeros(len(begun_s), dtype=bool)
    second = np.floor(begun_s)
    first = np.searchsorted(second, second, side="left")
    return np.arange(len(begun_s)) - first >= limit
