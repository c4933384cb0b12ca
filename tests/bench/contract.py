"""Our contract suite beside Schemathesis on the same defects: `make bench-contract`.

python -m tests.bench.contract [NAME ...] [--all] [--seconds S]

Schemathesis runs all its phases and all its checks on our OpenAPI document, against the stand-in on
a socket. It has found a defect when a check fails on an operation where it does not fail on the
stand-in without a defect. Ours runs in this process on the mock.

Speeds are those on the stand-in without a defect, in processor time and without the start: of
Schemathesis that of its own process, less what it takes to find nothing to do; of ours everything,
the stand-in included, after a first run that compiles strategies and schemas.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.contract.output.openapi import document
from harness.contract.run import standin
from harness.contract.run.collector import collect_seldom
from harness.contract.run.standin import TARGET
from harness.defects.table import DEFECTS
from tests.power.score import percent
from tests.power.trial import Trial, TrialOutcome, run

SAMPLE = 12
"""Without `--all` about so many defects, spread over the whole catalogue."""
BASELINE = 4
"""The run without a defect gets so many times the time: what it misses would count as found."""
RUNS = 3
"""Runs of ours on the stand-in without a defect, with a seed each, for the speed."""
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
FIXED = (
    *("--phases", "examples,coverage,fuzzing,stateful", "--checks", "all", "--seed", "1"),
    *("--continue-on-failure", "--no-shrink", "--generation-database", "none", "--no-color"),
    *("--request-timeout", "20", "--warnings", "off"),
)


UNIT = "exchanges/s of one core"


@dataclass(frozen=True)
class Found:
    """What Schemathesis found on one stand-in: failed checks with operations, and its cost."""

    failures: frozenset[tuple[str, str]]
    requests: int
    cpu_s: float


@dataclass(frozen=True)
class Row:
    """Both on one defect; `found` is what Schemathesis reports only with the defect."""

    ours: TrialOutcome
    theirs: Found
    found: frozenset[tuple[str, str]]


def main() -> int:
    """Run both on the same defects and print what each found."""
    options = _parser().parse_args()
    names = _chosen(options.names, everything=options.all)
    collect_seldom()  # as `pytest contracts` and `make mutants` do
    our_speed = _our_speed()
    sys.stdout.write(f"generation, exchange and all checks: {our_speed:.0f} {UNIT}\n")
    sys.stdout.flush()
    long = options.seconds * BASELINE
    clean = {
        limited: schemathesis(None, seconds=long, limited=limited)
        for limited in sorted({False, *map(_limited, names)})
    }
    rows: list[Row] = []
    for name in names:
        limited = _limited(name)
        theirs = schemathesis(name, seconds=options.seconds, limited=limited)
        rows.append(Row(run(Trial(defect=name)), theirs, theirs.failures - clean[limited].failures))
        _print(name, rows[-1])
    their_speed = clean[False].requests / (clean[False].cpu_s - _start_s())
    _summary(rows, clean, our_speed=our_speed, their_speed=their_speed)
    return 0


def _our_speed() -> float:
    run(Trial())
    began = time.process_time()
    arrived = sum(run(Trial(seed=seed)).arrived for seed in range(1, RUNS + 1))
    return arrived / (time.process_time() - began)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-contract", description=__doc__)
    parser.add_argument("names", nargs="*", help="defects; a sample without any")
    parser.add_argument("--all", action="store_true", help="every defect that a client can see")
    parser.add_argument("--seconds", type=int, default=15, help="most of one Schemathesis run")
    return parser


def _chosen(names: Sequence[str], *, everything: bool) -> list[str]:
    if names:
        unknown = [name for name in names if name not in DEFECTS]
        if unknown:
            sys.exit(f"no defect that a client can see is called {', '.join(unknown)}")
        return list(names)
    visible = list(DEFECTS)
    return visible if everything else visible[:: max(1, len(visible) // SAMPLE)]


def _limited(defect: str) -> bool:
    """Whether only a gateway with a rate limit shows the defect."""
    return "rate_limit" in DEFECTS[defect].needs


def schemathesis(defect: str | None, *, seconds: int, limited: bool) -> Found:
    """One run of Schemathesis against the stand-in on a socket, cut off after `seconds`."""
    started = standin.local(TARGET, defect=defect)
    with started as embedded, tempfile.TemporaryDirectory() as folder:
        base = (embedded.limited if limited else embedded.target).address.base
        report = Path(folder) / "report.json"
        bounds = ("--max-time", str(seconds), "--report-json-path", str(report))
        cpu_s = _execute(Path(folder), base, bounds, most_s=seconds * 4 + 60)
        return Found(_failures(report), embedded.arrived, cpu_s)


def _start_s() -> float:
    """The processor time of a run without an operation to test."""
    with tempfile.TemporaryDirectory() as folder:
        return _execute(Path(folder), "http://127.0.0.1:1", ("--include-name", "none"), most_s=60)


def _execute(folder: Path, base: str, options: Sequence[str], *, most_s: int) -> float:
    """Run Schemathesis on our document; the processor time that it took."""
    described = folder / "openapi.json"
    made = document(server=base, chat_model=TARGET.model, model_id=TARGET.model_id or "")
    described.write_text(json.dumps(made), encoding="utf-8")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [
            *(str(SCHEMATHESIS), "run", str(described), "--url", base, *FIXED, *_headers()),
            *options,
        ],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=most_s,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _headers() -> Iterable[str]:
    keys = TARGET.credentials
    yield from ("-H", f"Authorization: Bearer {keys.provider_key}")
    yield from ("-H", f"cf-aig-authorization: Bearer {keys.gateway_token}")


def _failures(report: Path) -> frozenset[tuple[str, str]]:
    read: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    listed = [(each["type"], each.get("operations", [])) for each in read["failures"]]
    return frozenset((kind, operation) for kind, places in listed for operation in places)


def _print(name: str, row: Row) -> None:
    after = row.ours.killed_after
    ours = "alive" if after is None else f"{after}"
    theirs = ", ".join(sorted({kind for kind, _ in row.found})) or "-"
    sys.stdout.write(f"{name:36} ours after {ours:>5}  schemathesis {theirs}\n")
    sys.stdout.flush()


def _summary(
    rows: Sequence[Row], clean: Mapping[bool, Found], *, our_speed: float, their_speed: float
) -> None:
    count = len(rows)
    mine = sum(row.ours.killed_after is not None for row in rows)
    theirs = sum(bool(row.found) for row in rows)
    sent = (_mean(row.ours.arrived for row in rows), _mean(row.theirs.requests for row in rows))
    table = (
        ("", "found", "requests/run", UNIT),
        ("ours", _of(mine, count), str(sent[0]), f"{our_speed:.0f}"),
        ("schemathesis", _of(theirs, count), str(sent[1]), f"{their_speed:.0f}"),
    )
    known = sorted({kind for found in clean.values() for kind, _ in found.failures})
    lines = ["", *(f"{a:14}{b:>18}{c:>14}{d:>26}" for a, b, c, d in table)]
    lines.append(f"ratio of the speeds: {our_speed / their_speed:.1f}")
    lines.append(
        f"not counted where Schemathesis reports it without a defect too: {', '.join(known)}"
    )
    sys.stdout.write("\n".join(lines) + "\n")


def _of(part: int, whole: int) -> str:
    return f"{part}/{whole} ({percent(part / whole)})"


def _mean(values: Iterable[int]) -> int:
    listed = list(values)
    return round(sum(listed) / len(listed))


if __name__ == "__main__":
    sys.exit(main())
