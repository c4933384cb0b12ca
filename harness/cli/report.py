"""`gateway-harness report RUN`: everything that is made of a run, made again from its samples.

Several folders of one distributed run become one.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from harness.cli import phases
from harness.cli.options import print_options
from harness.cli.verdict import conclude

if TYPE_CHECKING:
    from harness.report.report import Report


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
    help='What if these were the objectives, such as "p95(ttft) < 800ms"; nothing is written.',
)
@click.option(
    "--as",
    "preset",
    type=click.Choice(["strict", "vllm", "aiperf", "genai-bench"]),
    help="Only print the latencies by the definitions of another tool; nothing is written.",
)
@print_options
def command(
    *,
    runs: tuple[Path, ...],
    out: Path | None,
    threshold: tuple[str, ...],
    preset: str | None,
    quiet: bool,
    json: bool,
) -> None:
    """Rebuild html, markdown, csv and json of a run from its samples, an interrupted run's too.

    The folders that the machines of one distributed run left are merged: report A B C --out D. The
    same samples give the same files. Exit code: 0 pass, 1 fail, 3 unknown.
    """
    run = one_run(runs, out)
    if preset is not None:
        by_preset(run, preset, as_json=json)
    report = what_if(run, threshold) if threshold else rebuild(run)
    from harness.report.sentences import headline

    if not quiet and not json:
        from harness.cli.screen import show_report

        show_report(report)
    conclude(
        report.verdict,
        reasons=report.reasons,
        summary=f"{'by other objectives: ' if threshold else ''}{headline(report)}",
        out=run,
        as_json=json,
    )


def by_preset(run: Path, name: str, *, as_json: bool) -> NoReturn:
    """Print the latencies of a run as another tool would compute them."""
    from dataclasses import asdict

    from harness.report.build import assemble
    from harness.report.presets import PRESETS, figures_of

    preset = PRESETS[name]
    found = figures_of(assemble(run).load, preset)
    if not as_json:
        from harness.cli.screen import show_preset

        show_preset(preset, found)
    measured = [asdict(each) for each in found]
    summary = f"{name} ({preset.source})"
    conclude("pass", summary=summary, as_json=as_json, preset=name, measured=measured)


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


def what_if(run: Path, thresholds: tuple[str, ...]) -> "Report":
    """The report by other objectives; the run keeps its own verdict."""
    from harness.measure.objective import check_missable, parse_objectives
    from harness.report.build import assemble

    check_missable(parse_objectives(thresholds, ratios=True))
    return assemble(run, thresholds=thresholds)


def rebuild(run: Path) -> "Report":
    """Build the report again and write its verdict into the manifest of a run that has ended."""
    from harness.report import manifest

    found = manifest.read(run)
    report = phases.build(run)
    if not found.going_on:
        phases.finish(run, report)
    return report
