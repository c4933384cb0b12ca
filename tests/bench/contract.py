"""Our contract suite beside Schemathesis on the same defects: `make bench-contract`.

python -m tests.bench.contract [NAME ...] [--all] [--seconds S]

Schemathesis runs all its phases and all its checks on our OpenAPI document, against the stand-in on
a socket. It has found a defect when a check fails on an operation where it does not fail on the
stand-in without a defect. Ours runs in this process on the mock. Both are measured in processor
time: Schemathesis by that of its process with the start, ours without the import of the package.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.contract import standin
from harness.contract.garbage import collect_seldom
from harness.contract.openapi import document
from harness.contract.power.score import percent
from harness.contract.power.trial import SUBJECT, Outcome, Trial, run
from harness.gateway.defects import DEFECTS

EVERY = 24
"""Without `--all` about so many defects, spread over the whole catalogue."""
BASELINE = 4
"""The run without a defect gets so many times the time: what it misses would count as found."""
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
FIXED = (
    *("--phases", "examples,coverage,fuzzing,stateful", "--checks", "all", "--seed", "1"),
    *("--continue-on-failure", "--no-shrink", "--generation-database", "none", "--no-color"),
    *("--request-timeout", "20", "--warnings", "off"),
)


@dataclass(frozen=True)
class Found:
    """What Schemathesis found on one stand-in: failed checks with operations, and its cost."""

    failures: frozenset[tuple[str, str]]
    requests: int
    cpu_s: float


def main() -> int:
    """Run both on the same defects and print what each found."""
    options = _parser().parse_args()
    names = _chosen(options.names, everything=options.all)
    collect_seldom()  # as `verify` and `make mutants` do
    clean = schemathesis(None, seconds=options.seconds * BASELINE)
    run(Trial())  # the first run of a process compiles strategies and schemas
    theirs: list[Found] = []
    ours: list[tuple[Outcome, float]] = []
    for name in names:
        theirs.append(schemathesis(name, seconds=options.seconds))
        ours.append(_timed(Trial(defect=name)))
        _print(name, ours[-1][0], theirs[-1].failures - clean.failures)
    _summary(ours, theirs, clean)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-contract", description=__doc__)
    parser.add_argument("names", nargs="*", help="defects; a sample without any")
    parser.add_argument("--all", action="store_true", help="every defect that a client can see")
    parser.add_argument("--seconds", type=int, default=30, help="most of one Schemathesis run")
    return parser


def _chosen(names: Sequence[str], *, everything: bool) -> list[str]:
    if names:
        unknown = [name for name in names if name not in DEFECTS]
        if unknown:
            sys.exit(f"no defect that a client can see is called {', '.join(unknown)}")
        return list(names)
    visible = list(DEFECTS)
    return visible if everything else visible[:: max(1, len(visible) // EVERY)]


def schemathesis(defect: str | None, *, seconds: int) -> Found:
    """One run of Schemathesis against the stand-in on a socket, cut off after `seconds`."""
    started = standin.local(SUBJECT, defect=defect)
    with started as embedded, tempfile.TemporaryDirectory() as folder:
        subject = embedded.subject
        if defect is not None and "rate_limit" in DEFECTS[defect].needs:
            subject = embedded.limited
        base = subject.address.base
        described, report = Path(folder) / "openapi.json", Path(folder) / "report.json"
        made = document(server=base, chat_model=SUBJECT.model, model_id=SUBJECT.model_id or "")
        described.write_text(json.dumps(made), encoding="utf-8")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [
                *(str(SCHEMATHESIS), "run", str(described), "--url", base, *FIXED, *_headers()),
                *("--max-time", str(seconds), "--report-json-path", str(report)),
            ],
            cwd=folder,
            capture_output=True,
            check=False,
            timeout=seconds * 4 + 60,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Found(_failures(report), embedded.arrived, cpu_s)


def _headers() -> Iterable[str]:
    keys = SUBJECT.credentials
    yield from ("-H", f"Authorization: Bearer {keys.provider_key}")
    yield from ("-H", f"cf-aig-authorization: Bearer {keys.gateway_token}")


def _failures(report: Path) -> frozenset[tuple[str, str]]:
    read: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    listed = [(each["type"], each.get("operations", [])) for each in read["failures"]]
    return frozenset((kind, operation) for kind, places in listed for operation in places)


def _timed(trial: Trial) -> tuple[Outcome, float]:
    began = time.process_time()
    outcome = run(trial)
    return outcome, time.process_time() - began


def _print(name: str, outcome: Outcome, found: frozenset[tuple[str, str]]) -> None:
    after = outcome.killed_after
    ours = "alive" if after is None else f"{after}"
    theirs = ", ".join(sorted({kind for kind, _ in found})) or "-"
    sys.stdout.write(f"{name:36} ours after {ours:>5}  schemathesis {theirs}\n")
    sys.stdout.flush()


def _summary(ours: Sequence[tuple[Outcome, float]], theirs: Sequence[Found], clean: Found) -> None:
    mine = sum(outcome.killed_after is not None for outcome, _ in ours)
    found = sum(bool(each.failures - clean.failures) for each in theirs)
    speed = sum(o.arrived for o, _ in ours) / sum(seconds for _, seconds in ours)
    their_speed = sum(f.requests for f in theirs) / sum(f.cpu_s for f in theirs)
    known = ", ".join(sorted({kind for kind, _ in clean.failures})) or "nothing"
    count = len(ours)
    heads = ("", "found", "requests/run", "exchanges/s of one core")
    rows = (
        ("ours", _of(mine, count), str(_mean(o.arrived for o, _ in ours)), f"{speed:.0f}"),
        (
            "schemathesis",
            _of(found, count),
            str(_mean(f.requests for f in theirs)),
            f"{their_speed:.0f}",
        ),
    )
    lines = ["", *(f"{a:14}{b:>18}{c:>14}{d:>26}" for a, b, c, d in (heads, *rows))]
    lines.append(f"ratio of the speeds: {speed / their_speed:.1f}")
    lines.append(f"not counted, since Schemathesis reports it without a defect too: {known}")
    sys.stdout.write("\n".join(lines) + "\n")


def _of(part: int, whole: int) -> str:
    return f"{part}/{whole} ({percent(part / whole)})"


def _mean(values: Iterable[int]) -> int:
    listed = list(values)
    return round(sum(listed) / len(listed))


if __name__ == "__main__":
    sys.exit(main())
