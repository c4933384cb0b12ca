"""`gateway-harness compare`: the routes of a target against each other, or two runs.

Exit code: 0 for a conclusive result, 3 for an inconclusive one, 1 only against an objective.
"""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import Common, common
from harness.cli.verdict import conclude
from harness.cli.workload import CALIBRATION_FIELDS, calibration_options, parse_routes
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.load.outcome import LoadOutcome
    from harness.load.plan import LoadPlan
    from harness.report.build import Report

LONGEST_S = 1800.0
LOOKS = 3
LEAST_PER_LOOK = 20
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)\s*%")


def parse_margin(text: str) -> float:
    """A margin such as `5%`, as a fraction of one."""
    found = _PERCENT.fullmatch(text.strip())
    if found and 0 < float(found[1]) <= 100:
        return float(found[1]) / 100
    raise click.BadParameter(f"{text!r}: expected a margin above 0% and up to 100%, such as 5%")


@click.command
@click.argument("runs", nargs=-1, metavar="[RUN_A[,...] RUN_B[,...]]")
@click.option(
    "--pairs",
    type=click.IntRange(20, 100_000),
    default=300,
    show_default=True,
    metavar="N",
    help="Blocks of one request per route at most; it ends before, when every pair has an answer.",
)
@click.option("--routes", callback=parse_routes, metavar="LIST", help="Such as native,compat.")
@click.option(
    "--margin",
    type=parse_margin,
    default="5%",
    show_default=True,
    help="Up to which difference routes count as the same.",
)
@click.option(
    "--users",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    metavar="N",
    help="Blocks under way at once; more is faster, and less like one request at a time.",
)
@click.option("--stream/--no-stream", default=True, show_default=True)
@click.option("--prompt-tokens", type=click.IntRange(1), default=64, show_default=True)
@click.option("--max-output-tokens", type=click.IntRange(1), default=16, show_default=True)
@click.option(
    "--threshold",
    multiple=True,
    metavar="OBJECTIVE",
    help='An objective on a route, such as "p50(ttft{route=compat}) < 300ms"; repeatable.',
)
@calibration_options
@common()
def command(*, common: Common, runs: tuple[str, ...], **values: Any) -> None:
    """Compare the latency of the routes, interleaved and paired; or RUN_B with RUN_A.

    Runs differ anyhow: three of each side and more, A1,A2,A3 B1,B2,B3, tell that from a change.
    """
    if len(runs) not in (0, 2):
        raise UsageError(f"expected no run or two runs, got {len(runs)}")
    if runs:
        _conclude_runs(common, *map(_paths, runs), margin=values["margin"])
    from harness.report.sentences import result

    report = compare_routes(common, values)
    if not (common.quiet or common.json):
        from harness.cli.screen import show_report

        show_report(report)
    conclude(
        report.verdict,
        reasons=report.reasons,
        summary=result(report.comparison) or f"{report.comparison.blocks} blocks",
        out=report.folder,
        as_json=common.json,
    )


def compare_routes(common: Common, values: dict[str, Any]) -> "Report":
    """Send the routes interleaved until every two have an answer, and report what each costs.

    It looks up to `LOOKS` times, with intervals that hold at every look.
    """
    from harness.bundled import folder as bundled
    from harness.cli.stand_in import running
    from harness.load.caps import left
    from harness.load.launch import Locust
    from harness.load.progress import read_reports
    from harness.load.session import facts_of, run_load
    from harness.report import manifest
    from harness.report.build import assemble, build_report
    from harness.report.summary import COMPARE

    plan = _plan(common, values)
    folder = common.make_folder()
    plan = plan.in_folder(folder)
    shares = shares_of(values["pairs"])
    common.say(f"compare: up to {values['pairs']} blocks of {', '.join(plan.routes)}")
    manifest.start(
        folder,
        command="compare",
        target=common.target.describe(),
        settings=common.settings.provenance,
        plan={
            **plan.describe(),
            "pairs": values["pairs"],
            "margin": values["margin"],
            "looks": len(shares),
        },
        seed=common.seed,
    )
    locust = Locust(bundled("locustfiles") / "compare.py")
    shown = not (common.quiet or common.json)
    outcomes: list[LoadOutcome] = []
    with manifest.refusable(folder), running(common.target, seed=common.seed) as target:
        for look, blocks in enumerate(shares, 1):
            part = replace(plan, name=f"{COMPARE}-{look}", blocks=blocks)
            outcomes.append(run_load(part, target, locust, show=shown, title="compare"))
            plan = replace(plan, caps=left(plan.caps, read_reports(folder, part.name)))
            stopped = outcomes[-1].cut_short or outcomes[-1].exhausted
            if stopped or assemble(folder).comparison.conclusive:
                break
    manifest.note(folder, **facts_of(*outcomes))
    report = build_report(folder)
    manifest.finish(
        folder, verdict=report.verdict, exit_code=report.exit_code, reasons=report.reasons
    )
    return report


def shares_of(pairs: int) -> list[int]:
    """How many blocks are sent before each look."""
    looks = min(LOOKS, max(1, pairs // LEAST_PER_LOOK))
    ends = [pairs * look // looks for look in range(looks + 1)]
    return [end - begin for begin, end in pairwise(ends)]


def _plan(common: Common, values: dict[str, Any]) -> "LoadPlan":
    from harness.load.caps import estimate
    from harness.load.plan import Caps
    from harness.load.session import plan_load

    plan = plan_load(
        common.target,
        routes=values["routes"],
        caps=Caps(common.max_requests, common.max_total_tokens, common.max_cost),
        thresholds=values["threshold"],
        users=values["users"],
        blocks=values["pairs"],
        warmup_s=0.0,
        duration_s=LONGEST_S,
        seed=common.seed,
        **{name: values[name] for name in ("stream", "prompt_tokens", "max_output_tokens")},
        **{name: values[name] for name in CALIBRATION_FIELDS},
    )
    if len(plan.routes) < 2:
        raise UsageError(f"expected two routes or more to compare, got {', '.join(plan.routes)}")
    if not common.target.loopback:
        common.say(f"estimate: {estimate(plan)}")
    return plan


def _paths(text: str) -> list[Path]:
    return [Path(part) for part in text.split(",") if part]


def _conclude_runs(common: Common, first: list[Path], second: list[Path], *, margin: float) -> None:
    from harness.report.build import write_runs
    from harness.report.runs import CAVEAT, compare_runs

    runs = compare_runs(first, second, margin=margin, seed=common.seed)
    folder = common.make_folder()
    write_runs(runs, folder)
    if not (common.quiet or common.json):
        from harness.cli.screen import show_runs

        show_runs(runs)
    conclusive = runs.comparison.conclusive
    conclude(
        "pass" if conclusive else "unknown",
        reasons=[CAVEAT] if conclusive else [runs.comparison.still_open, CAVEAT],
        summary=f"{runs.b.name} against {runs.a.name}",
        out=folder,
        as_json=common.json,
    )
