"""`gateway-harness report RUN`: everything that is made of a run, made again from its samples.

Several folders of one distributed run become one.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import print_options
from harness.cli.verdict import conclude

if TYPE_CHECKING:
    from harness.report.build import Report


@click.command
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where several RUNs, one of each machine, become one; a new folder.",
)
@click.option(
    "--threshold",
    multiple=True,
    metavar="OBJECTIVE",
    help='Judge by these objectives in place of the run\'s own, such as "p95(ttft) < 800ms".',
)
@print_options
def command(
    *, runs: tuple[Path, ...], out: Path | None, threshold: tuple[str, ...], quiet: bool, json: bool
) -> None:
    """Rebuild html, markdown, csv and json of a run from its samples, an interrupted run's too.

    The folders that the machines of one distributed run left are merged: report A B C --out D. The
    same samples give the same files. Exit code: 0 pass, 1 fail, 3 unknown.
    """
    run = one_run(runs, out)
    report = rebuild(run, threshold)
    if not quiet and not json:
        from harness.cli.screen import show_report

        show_report(report)
    conclude(
        report.verdict,
        reasons=report.reasons,
        summary=f"{report.summary['requests']:,} requests",
        out=run,
        as_json=json,
    )


def one_run(runs: tuple[Path, ...], out: Path | None) -> Path:
    """The folder to report on: the only one, or a new one with all of a distributed run."""
    from harness.report.merge import merge

    if out is None:
        if len(runs) > 1:
            raise click.UsageError(
                "several folders of one run need --out, a folder to merge them in"
            )
        return runs[0]
    merge(runs, out)
    return out


def rebuild(run: Path, thresholds: tuple[str, ...] = ()) -> "Report":
    """Build the report again and write its verdict into the manifest of a run that has ended."""
    from harness.report import manifest
    from harness.report.build import build_report
    from harness.report.thresholds import objectives

    found = manifest.read(run)
    objectives(thresholds)
    if thresholds:
        manifest.note(run, thresholds=list(thresholds))
    report = build_report(run)
    if not found.going_on:
        manifest.finish(
            run, verdict=report.verdict, exit_code=report.exit_code, reasons=report.reasons
        )
    return report
