"""How far our figures are from the truth, and what they cost, beside others: `make bench`.

Each load goes to `truth_server.c`, which keeps an exact schedule and writes down when it sent what.
Servers have one processor and the client, with all its processes, the other. Every figure is the
median of several rounds, peers in the same rounds. Exit code 1: a bar is missed; 3: the machine
was busy before the start, and nothing was measured.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import SubprocessError

from harness.errors import HarnessError
from tests.bench import machine, table
from tests.bench.rows import open_loop, plain, processes, start, streaming, tls
from tests.bench.session import Session
from tests.bench.truth import truth_server

Measure = Callable[[Session], list[table.Row]]
ROWS: Mapping[str, Measure] = {
    "plain requests": plain.rows,
    "400 streams": streaming.at_400,
    "800 streams": streaming.at_800,
    "tls": tls.rows,
    "open loop": open_loop.rows,
    "two processes": processes.rows,
    "start": start.rows,
}
LONGEST_S = 7200


def main() -> int:
    """Measure the rows that were asked for."""
    options = _parser().parse_args()
    if reason := machine.refusal(anyway=options.anyway):
        sys.stdout.write(f"nothing was measured: {reason}\n")
        return machine.BUSY_EXIT
    server_cpu, client_cpu = machine.processors()
    machine.settle(client_cpu)
    found = []
    with (
        tempfile.TemporaryDirectory() as name,
        truth_server(Path(name), seconds=LONGEST_S, cpu=server_cpu) as truth,
    ):
        session = Session(truth, Path(name), options.rounds, options.seconds, server_cpu)
        table.show_head()
        for title, measure in ROWS.items():
            if options.only is None or options.only in title:
                for row in _measured(title, measure, session):
                    found.append(row)
                    table.show(row)
    return table.exit_code(found)


def _measured(title: str, measure: Measure, session: Session) -> list[table.Row]:
    """The rows of one subject; a client that fails leaves the others their rows."""
    try:
        return measure(session)
    except (HarnessError, OSError, ValueError, LookupError, SubprocessError) as error:
        return [table.unknown(title, f"{type(error).__name__}: {error}")]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", metavar="TEXT", help=f"rows of: {', '.join(ROWS)}")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--seconds", type=float, default=6.0, metavar="S", help="of each load")
    parser.add_argument("--anyway", action="store_true", help="also on a busy machine")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
