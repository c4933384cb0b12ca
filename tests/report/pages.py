"""One run folder of every kind that people look at, with its report."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.report.build import build_report
from harness.report.documents import write_text
from harness.report.files import write_runs
from harness.report.runs import compare_runs
from tests.report.folders import (
    FLOOR,
    ROUTES,
    START_NS,
    blocks,
    clause,
    contract,
    failed,
    hurried,
    mixed,
    write_run,
    write_worker,
)
from tests.sample import Sample

OBJECTIVES = ("p95(ttft) < 300ms", "p95(e2e) < 900ms", "error_rate < 5%")
EVIDENCE = (
    'expected `data: [DONE]`; came \'{"id":"chatcmpl-b908bbdf-aad6-4eff-93e2-51754f333576",'
    '"object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":15}}\'; at last event'
)
CURL = (
    "curl -sS -i -N http://127.0.0.1:8787/v1/acc/gw/compat/chat/completions \\\n  -H 'Accept: */*'"
)


def run(folder: Path) -> Path:
    """A run that passes, comparison and contract included."""
    rows = [*mixed(1200, seconds=30), *blocks(80, ratio=1.3)]
    return _built(folder, rows, command="run", thresholds=OBJECTIVES, conformance=_kept())


def failing(folder: Path) -> Path:
    """A run whose contract is broken, one objective is missed and some requests failed."""
    rows = [*mixed(1200, seconds=30), *blocks(80, ratio=1.0), *_refused(30, outcome="http_5xx")]
    wanted = ("p95(ttft) < 120ms", "error_rate < 5%")
    return _built(folder, rows, command="run", thresholds=wanted, conformance=_broken(folder))


def limited(folder: Path) -> Path:
    """A load of which many requests were refused with 429."""
    return _built(folder, [*mixed(900, seconds=30), *_refused(200, outcome="rate_limited")])


def interrupted(folder: Path) -> Path:
    """A load that somebody stopped."""
    return _built(folder, mixed(90, seconds=6), thresholds=OBJECTIVES, interrupted=True)


def compare(folder: Path) -> Path:
    """Two routes against each other."""
    return _built(folder, blocks(150, ratio=1.2), command="compare")


def late(folder: Path) -> Path:
    """An open loop of a client that paused, read late and dropped requests."""
    write_run(folder, hurried(), thresholds=OBJECTIVES, rate=50, in_flight=8)
    pause = [START_NS + 2_000_000_000, 1_500_000_000]
    write_worker(folder, records=303, noise_floor=FLOOR, pauses=[pause])
    build_report(folder)
    return folder


def verify(folder: Path) -> Path:
    """The contract alone."""
    return _built(folder, [], command="verify", conformance=_broken(folder))


def runs(folder: Path) -> Path:
    """Two runs of the same load against each other."""
    for name, seed in (("before", 1), ("after", 5)):
        write_run(folder / name, mixed(300, seed=seed))
    found = compare_runs([folder / "before"], [folder / "after"], margin=0.05)
    write_runs(found, folder)
    return folder


KINDS: Mapping[str, Callable[[Path], Path]] = {
    each.__name__: each
    for each in (run, failing, limited, interrupted, compare, late, verify, runs)
}


def _built(folder: Path, rows: list[Sample], **options: Any) -> Path:
    write_run(folder, rows, **options)
    write_worker(folder, records=len(rows), noise_floor=FLOOR)
    build_report(folder)
    return folder


def _refused(n: int, *, outcome: str) -> list[Sample]:
    said = {"http_5xx": "502 Bad Gateway", "rate_limited": "Rate limited: 40 requests per second"}
    return [
        failed(
            5000 + k,
            outcome=outcome,
            message=said[outcome],
            route=ROUTES[k % 2],
            sent_ms=9000 + 40.0 * k,
        )
        for k in range(n)
    ]


def _kept() -> dict[str, Any]:
    return contract(
        *(clause(id=f"area{n // 6}-rule-{n}", route=r) for n in range(40) for r in ROUTES),
        *(clause("not_applicable", id="cache-hit", route=route) for route in ROUTES),
        *(clause("recorded", id="timeout-answer", level="RECORD", route=r) for r in ROUTES),
    )


def _broken(folder: Path) -> dict[str, Any]:
    """A contract with failures, and the folders of those."""
    failures = []
    for route in ("native", "compat"):
        capsule = f"failures/stream-done-{route}"
        (folder / capsule).mkdir(parents=True, exist_ok=True)
        write_text(folder / capsule / "curl.sh", f"#!/bin/sh\n{CURL}\n")
        failures.append(
            clause(
                "fail",
                id="stream-done",
                route=route,
                violated=8,
                evidence=EVIDENCE,
                statement="The stream ends with `data: [DONE]`.",
                capsule=capsule,
                layer="gateway or provider",
            )
        )
    kept = _kept()
    return {**kept, "verdict": "incompatible", "clauses": [*failures, *kept["clauses"]]}
