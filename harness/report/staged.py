"""Objectives of a load by stages: what holds over the whole load has to hold in each stage too.

A rate is an exception: each stage asks for one of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.measure.objective import RATES, Objective
from harness.report.frame import Frame
from harness.report.groups import planned
from harness.report.pacing import pacing
from harness.report.plan import Plan
from harness.report.tally import summarise
from harness.report.thresholds import DEFAULT, Checked, Doubts, check, good
from harness.report.workers import CalibrationResult


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

    What the client did to one stage leaves the others judged. Of the default objective on errors
    only a certain miss is told.
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
            if each.result == "fail" or not each.objective.endswith(DEFAULT):
                yield replace(each, stage=number, level=asked.told)
