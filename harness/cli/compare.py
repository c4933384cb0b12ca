"""`gateway-harness compare`: the routes of a target against each other, or two runs.

Exit code: 0 for a conclusive result, 3 for an inconclusive one, 1 only against an objective.
"""

import re
from pathlib import Path
from typing import Any

import click

from harness.cli import phases
from harness.cli.baseline import conclude_runs, of_baseline
from harness.cli.interleave import compare_routes, conclude_plan, shares_of
from harness.cli.load_options import (
    calibration_options,
    max_output_tokens,
    parse_arms,
    prompt_tokens,
    tokenizer,
)
from harness.cli.options import Common, common
from harness.errors import UsageError

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
@click.option(
    "--routes",
    callback=parse_arms,
    metavar="LIST",
    help="Such as direct,native: `direct` is Baseten without the gateway.",
)
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
@click.option(
    "--cold", is_flag=True, help="Open a connection for every request, and count what that takes."
)
@click.option(
    "--plan",
    "planned",
    type=parse_margin,
    metavar="DIFFERENCE",
    help="Only send a pilot, and say what it takes to tell such a difference, as 5%.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="Hold RUN[,...] against this run, or against all runs of this folder.",
)
@click.option("--stream/--no-stream", default=True, show_default=True)
@prompt_tokens("64")
@max_output_tokens("16")
@tokenizer
@click.option(
    "--threshold",
    multiple=True,
    metavar="OBJECTIVE",
    help='Such as "p50(ttft{route=compat}) < 300ms", "ratio(p50(ttft){compat/native}) < 1.1" or, '
    'with a baseline, "ratio(p95(ttft)) < 1.1"; repeatable.',
)
@calibration_options
@common()
def command(*, common: Common, runs: tuple[str, ...], **values: Any) -> None:
    """Compare the latency of the routes, interleaved and paired; or RUN_B with RUN_A.

    Runs differ anyhow: three of each side and more, A1,A2,A3 B1,B2,B3, tell that from a change.
    """
    baseline, planned = values.pop("baseline"), values.pop("planned")
    sides = _sides(runs, baseline)
    if sides is not None:
        conclude_runs(common, *sides, margin=values["margin"], thresholds=values["threshold"])
    if planned is not None:
        conclude_plan(common, values, planned)
    from harness.report.sentences import result

    report = compare_routes(common, values, shares_of(values["pairs"]))
    found = report.comparison
    phases.conclude(common, report, summary=result(found) or f"{found.blocks} blocks")


def _sides(runs: tuple[str, ...], baseline: Path | None) -> tuple[list[Path], list[Path]] | None:
    """The runs of both sides, the earlier ones first; None where routes are to be compared."""
    if baseline is not None:
        if len(runs) != 1:
            raise UsageError(
                f"--baseline: expected one RUN[,...] to hold against it, got {len(runs)}"
            )
        return of_baseline(baseline), _paths(runs[0])
    if len(runs) not in (0, 2):
        raise UsageError(
            f"expected no run, two runs, or one and --baseline, got {len(runs)} "
            f"run{'' if len(runs) == 1 else 's'}"
        )
    return (_paths(runs[0]), _paths(runs[1])) if runs else None


def _paths(text: str) -> list[Path]:
    return [Path(part) for part in text.split(",") if part]
