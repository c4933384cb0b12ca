"""`gateway-harness gate`: one verdict for a launch from earlier runs.

It sends nothing. Exit code: 0 every objective is met, 1 one is missed, 3 one has no answer.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import make_folder, out_option, print_options
from harness.cli.verdict import conclude
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.report.gate.wanted import Wanted

RUN = click.Path(path_type=Path)


@click.command
@click.option("--contract", type=RUN, metavar="RUN", help="A run of verify, or of run.")
@click.option("--load", type=RUN, metavar="RUN", help="A run of load, or of run.")
@click.option("--compare", type=RUN, metavar="RUN", help="A run of compare, or of run.")
@click.option("--capacity", type=RUN, metavar="RUN", help="A run of capacity.")
@click.option(
    "--objectives",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="TOML: objectives, max_age, target.  [default: the table [gate] of harness.toml]",
)
@out_option
@print_options
def command(
    *, objectives: Path | None, out: Path | None, quiet: bool, json: bool, **runs: Path | None
) -> None:
    """Decide on a launch from earlier runs: every objective is met, missed, or has no answer.

    \b
    FILE is TOML:
        max_age = "7d"
        target = "live"
        objectives = [
          "compatible",                                # by --contract
          "p95(ttft) < 800ms",                         # by --load
          { objective = "p50(e2e) < 2s", from = "compare" },
          "ratio(p50(ttft){compat/native}) < 1.1",     # by --compare
          "carried_rate >= 50/s",                      # by --capacity
        ]

    A run that is older than max_age, of another target, interrupted, or not exact enough answers
    nothing. Exit code: 0 pass, 1 fail, 3 unknown.
    """
    from datetime import UTC, datetime

    from harness.report.files import write_gate
    from harness.report.gate.judge import judge
    from harness.report.gate.wanted import RunKind

    given = {RunKind(name): run for name, run in runs.items() if run is not None}
    if not given:
        raise UsageError("no run was given: expected --contract, --load, --compare or --capacity")
    gate = judge(_wanted(objectives), given, now=datetime.now(UTC))
    folder = make_folder(out, "gate")
    write_gate(gate, folder)
    if not (quiet or json):
        from harness.cli.screen import show_gate

        show_gate(gate)
    conclude(
        gate.verdict,
        reasons=gate.reasons,
        summary=f"{gate.met} of {len(gate.rows)} objectives met",
        out=folder,
        as_json=json,
    )


def _wanted(path: Path | None) -> "Wanted":
    """The objectives of the file, or of the table in `harness.toml`."""
    from harness.report.gate.wanted import parse
    from harness.settings import load_settings
    from harness.settings.file import read_toml

    if path is not None:
        return parse(read_toml(path)[1], str(path))
    file = load_settings().file
    if file.gate is None:
        raise UsageError("no objectives: expected --objectives FILE, or [gate] in harness.toml")
    return parse(file.gate, f"{file.path} [gate]")
