"""Runs against earlier runs: which ones a baseline is made of, and what is concluded."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from harness.cli.options import Common
from harness.cli.verdict import conclude, worst
from harness.errors import UsageError

MANIFEST = "run.json"


def of_baseline(path: Path) -> list[Path]:
    """The runs of a baseline: the run that a path is or that a file lies in, or all of a folder."""
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        raise UsageError(f"--baseline {path}: no such run; expected its folder, or one of runs")
    if (folder / MANIFEST).is_file():
        return [folder]
    runs = sorted(found.parent for found in folder.glob(f"*/{MANIFEST}"))
    if not runs or path.is_file():
        raise UsageError(
            f"--baseline {path}: expected a run (a folder with {MANIFEST}), or several"
        )
    return runs


def conclude_runs(
    common: Common,
    first: Sequence[Path],
    second: Sequence[Path],
    *,
    margin: float,
    thresholds: Sequence[str],
) -> NoReturn:
    """Compare the runs of both sides, write the pages and leave with the verdict.

    With objectives they decide; else any answer is a pass.
    """
    from harness.report.files import write_runs
    from harness.report.runs import CAVEAT, compare_runs

    runs = compare_runs(first, second, margin=margin, seed=common.seed, thresholds=thresholds)
    folder = common.make_folder()
    write_runs(runs, folder)
    if common.shows:
        from harness.cli.screen import show_runs

        show_runs(runs)
    if runs.checked:
        verdict = worst([each.result for each in runs.checked])
        reasons = runs.reasons or ([] if verdict == "pass" else [runs.comparison.still_open])
    else:
        conclusive = runs.comparison.conclusive
        verdict = "pass" if conclusive else "unknown"
        reasons = [] if conclusive else [runs.comparison.still_open]
    conclude(
        verdict,
        reasons=[*reasons, CAVEAT],
        summary=f"{runs.b.name} against {runs.a.name}",
        out=folder,
        as_json=common.json,
    )
