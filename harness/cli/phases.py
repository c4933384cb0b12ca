"""What every command that leaves a run does, in this order.

    folder = common.make_folder()
    start(common, folder, plan)              run.json says that it has begun
    with sending(common, folder) as target:  its work; a mistake before it leaves no run
        ...
    report = close(folder, facts)            what it learned, its report, its verdict in run.json
    conclude(common, report, summary=...)    the tables, the last line, the exit code

One whose verdict is not its report's calls `note`, `build` and `finish`, of which `close` is made.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import click

from harness.cli import verdict
from harness.cli.options import Common

if TYPE_CHECKING:
    from harness.cli.stand_in import SlotLimits
    from harness.report.report import Report
    from harness.settings import Target


class RunVerdict(Protocol):
    """What a run ends with; a report and the verdict on a contract are such."""

    @property
    def verdict(self) -> str:
        """`pass`, `fail` or `unknown`."""

    @property
    def exit_code(self) -> int:
        """That of the verdict, or 2 where the harness itself failed."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is no pass."""


def start(
    common: Common,
    folder: Path,
    plan: Mapping[str, Any],
    *,
    target: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> None:
    """Write the manifest of a run that begins now; `target` and `seed` are else the command's."""
    from harness.report import manifest

    manifest.start(
        folder,
        command=common.command,
        target=common.target.describe() if target is None else target,
        settings=common.settings.provenance,
        plan=plan,
        seed=common.seed if seed is None else seed,
    )


@contextmanager
def refusable(folder: Path) -> Iterator[None]:
    """The work of a run, which a mistake may end before its first request: then there is none."""
    from harness.report import manifest

    with manifest.refusable(folder):
        yield


@contextmanager
def sending(
    common: Common, folder: Path, *, limits: "SlotLimits | None" = None
) -> Iterator["Target"]:
    """The work of a run on its target, which is started where it is the local one."""
    from harness.cli.stand_in import running

    with refusable(folder), running(common.target, seed=common.seed, limits=limits) as target:
        yield target


@contextmanager
def left_in(folder: Path) -> Iterator[None]:
    """Where Ctrl-C ends a command at once, name the command that shows what there is."""
    try:
        yield
    except KeyboardInterrupt:
        verdict.note(f"interrupted: no verdict; what there is: gateway-harness report {folder}")
        raise click.exceptions.Exit(verdict.exit_code("unknown")) from None


def note(folder: Path, facts: Mapping[str, Any]) -> None:
    """Add to the manifest what the work has shown."""
    from harness.report import manifest

    manifest.note(folder, **facts)


def build(folder: Path) -> "Report":
    """Make every file of the report."""
    from harness.report.build import build_report

    return build_report(folder)


def finish(folder: Path, judged: RunVerdict) -> None:
    """Close the manifest with the verdict."""
    from harness.report import manifest

    manifest.finish(
        folder, verdict=judged.verdict, exit_code=judged.exit_code, reasons=judged.reasons
    )


def close(folder: Path, facts: Mapping[str, Any]) -> "Report":
    """The report of a run that has done its work, and whose verdict is the report's."""
    note(folder, facts)
    report = build(folder)
    finish(folder, report)
    return report


def conclude(
    common: Common,
    report: "Report",
    *,
    summary: str,
    judged: RunVerdict | None = None,
    **extra: Any,
) -> NoReturn:
    """Show the report, and leave with its verdict or with what was `judged`; see `verdict`."""
    if common.shows:
        from harness.cli.screen import show_report

        show_report(report)
    ending = report if judged is None else judged
    verdict.conclude(
        ending.verdict,
        reasons=ending.reasons,
        summary=summary,
        out=report.folder,
        as_json=common.json,
        code=ending.exit_code,
        **extra,
    )
