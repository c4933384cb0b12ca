"""Cases that failed in earlier nightly runs, kept in a file and sent first by the next one.

The file has one case per line as JSON. A case that does not fail any more is left out when the run
has ended, as Hypothesis's own example database does.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from harness.contract.case import Case
from harness.contract.output.failure_folder import case_of, document_of
from harness.contract.run.budget import BudgetError
from harness.contract.run.outage import outage
from harness.contract.run.results import Results
from harness.contract.run.sender import Sender

MOST = 50
"""So many cases are kept and sent."""


def send(cases: Sequence[Case], sender: Sender) -> list[Case]:
    """Send what failed before; the exploration judges it. Returns what could not be judged."""
    waiting = [case for case in cases if case.route in sender.target.routes]
    for number, case in enumerate(waiting[:MOST]):
        try:
            seen = sender.send(case)
        except BudgetError:
            return waiting[number:]
        if outage(seen) is not None:
            return waiting[number:]
    return waiting[MOST:]


def read(path: Path | None) -> list[Case]:
    """The stored cases; lines that this version does not understand are left out."""
    if path is None or not path.exists():
        return []
    cases = []
    for line in path.read_text("utf-8", "replace").split("\n"):  # a string may hold U+2028
        try:
            cases.append(case_of(json.loads(line)))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return cases


def save(path: Path, ledger: Results, unsent: Sequence[Case] = ()) -> None:
    """Store the failing cases of clauses that look at one exchange, and those still `unsent`."""
    failing = [entry for entry in ledger.failing() if entry.clause.check is not None]
    cases = [*(seen.case for entry in failing for seen in entry.shown), *unsent]
    if not cases and not path.exists():
        return
    lines = dict.fromkeys(json.dumps(document_of(case)) for case in cases)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in list(lines)[: 2 * MOST]), "utf-8")
