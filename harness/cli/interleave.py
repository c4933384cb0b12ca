"""Routes of a target sent interleaved, block by block, until a comparison has its answer.

With `--plan` only a short pilot is sent, for what it takes to tell a difference of a given size.
"""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NoReturn

from harness.cli import phases
from harness.cli.load_options import CALIBRATION_FIELDS
from harness.cli.options import Common
from harness.cli.verdict import conclude
from harness.cli.workload import length_fields
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.load.outcome import LoadOutcome
    from harness.load.plan import LoadPlan
    from harness.report.report import Report

LONGEST_S = 1800.0
LOOKS = 3
LEAST_PER_LOOK = 20
PILOT_BLOCKS = 40
"""So many pairs say how much they vary to a tenth."""


def compare_routes(common: Common, values: dict[str, Any], shares: list[int]) -> "Report":
    """Send the routes interleaved until every two have an answer, and report what each costs.

    It looks after each of `shares` blocks, with intervals that hold at every look.
    """
    from harness.bundled import folder as bundled
    from harness.load.budget import left
    from harness.load.launch import Locust
    from harness.load.progress import read_reports
    from harness.load.session import facts_of, run_load
    from harness.report.build import assemble
    from harness.report.report import COMPARE

    plan = _plan(common, values)
    folder = common.make_folder()
    plan = plan.in_folder(folder)
    common.say(
        f"compare: up to {sum(shares)} blocks of {', '.join(plan.routes)}"
        f"{', a connection for each request' if plan.cold else ''}"
    )
    asked = {"pairs": sum(shares), "margin": values["margin"], "looks": len(shares)}
    phases.start(common, folder, {**plan.describe(), **asked})
    locust = Locust(bundled("locustfiles") / "compare.py")
    shown = common.shows
    outcomes: list[LoadOutcome] = []
    with phases.sending(common, folder) as target:
        for look, blocks in enumerate(shares, 1):
            of = f"(look {look} of at most {len(shares)})"
            part = replace(plan, name=f"{COMPARE}-{look}", blocks=blocks)
            outcomes.append(run_load(part, target, locust, show=shown, title=f"compare {of}"))
            plan = replace(plan, caps=left(plan.caps, read_reports(folder, part.name)))
            stopped = outcomes[-1].cut_short or outcomes[-1].exhausted
            if stopped or assemble(folder).comparison.conclusive:
                break
    return phases.close(folder, facts_of(*outcomes))


def conclude_plan(common: Common, values: dict[str, Any], difference: float) -> NoReturn:
    """Send a pilot, print how many blocks each two routes need, and leave nothing behind."""
    if common.out is not None:
        raise UsageError("--plan leaves no run: it sends a pilot and says what it takes; no --out")
    from harness.report.planning import plan

    with TemporaryDirectory(prefix="gateway-harness-plan-") as folder:
        pilot = replace(common, out=Path(folder) / "pilot")
        report = compare_routes(pilot, values, [PILOT_BLOCKS])
    planned = plan(report.comparison, difference, looks=LOOKS)
    if planned is None:
        reasons = report.reasons or [report.comparison.still_open]
        conclude("unknown", reasons=reasons, summary="the pilot says nothing", as_json=common.json)
    for each in planned.pairs:
        common.say(f"  {each}")
    conclude(
        "pass",
        summary=planned.sentence,
        as_json=common.json,
        pairs=planned.blocks,
        difference=difference,
    )


def shares_of(pairs: int) -> list[int]:
    """How many blocks are sent before each look."""
    looks = min(LOOKS, max(1, pairs // LEAST_PER_LOOK))
    ends = [pairs * look // looks for look in range(looks + 1)]
    return [end - begin for begin, end in pairwise(ends)]


def _plan(common: Common, values: dict[str, Any]) -> "LoadPlan":
    from harness.load.budget import estimate
    from harness.load.session import plan_load

    plan = plan_load(
        common.target,
        routes=values["routes"],
        caps=common.caps,
        thresholds=values["threshold"],
        ratios=True,
        cold=values["cold"],
        users=values["users"],
        blocks=0,
        warmup_s=0.0,
        duration_s=LONGEST_S,
        seed=common.seed,
        stream=values["stream"],
        **length_fields(values),
        **{name: values[name] for name in CALIBRATION_FIELDS},
    )
    if len(plan.routes) < 2:
        raise UsageError(f"expected two routes or more to compare, got {', '.join(plan.routes)}")
    if not common.target.loopback:
        common.say(f"estimate: {estimate(plan)}")
    return plan
