"""The contract suite under pytest-xdist: one run of requests, the verdict of a plain run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.bundled import folder
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.server import LocalGateway
from tests.cli.command import run

CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("CLOUDFLARE_", "BASETEN_", "CF_AIG_", "GATEWAY_", "PYTEST_"))
}


OF_A_COMMAND = ["report.html", "run.json"]


def suite(out: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The suite as `pytest contracts` runs it, its files in `out`."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", str(folder("contracts")), f"--out={out}", *arguments],
        env={**CLEAN, "GITHUB_STEP_SUMMARY": str(out.with_suffix(".md"))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def left(out: Path) -> list[str]:
    """The files of a run, those that only a command leaves at the end."""
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    return sorted(found, key=lambda name: name in OF_A_COMMAND)


@pytest.mark.parametrize(
    ("arguments", "code", "verdict"),
    [
        ((), 0, "compatible"),
        (("--defect=missing-done",), 1, "incompatible"),
        (("--max-requests=5",), 3, "unknown"),
    ],
)
def test_a_test_for_each_clause_and_workers_change_neither_verdict_nor_files_nor_requests(
    arguments: tuple[str, ...], code: int, verdict: str, tmp_path: Path
) -> None:
    alone = run("verify", "--out", "alone", *arguments, folder=tmp_path)
    shared = suite(tmp_path / "shared", "-n", "2", *arguments)

    assert (alone.returncode, shared.returncode) == (code, code)
    assert [*left(tmp_path / "shared"), *OF_A_COMMAND] == left(tmp_path / "alone")
    documents = [
        json.loads((tmp_path / name / "conformance.json").read_text())
        for name in ("alone", "shared")
    ]
    assert [document["verdict"] for document in documents] == [verdict, verdict]
    assert documents[0]["cost"]["requests"] == documents[1]["cost"]["requests"]
    summary = (tmp_path / "shared.md").read_text()
    assert summary.count("\n# ") + summary.startswith("# ") == 1


def test_the_gateway_sees_one_run_of_requests(tmp_path: Path) -> None:
    gateway = Gateway(Config())

    with LocalGateway(gateway) as running:
        done = suite(tmp_path / "run", "-n", "2", f"--target={running.url}", "-k", "framing")

    assert done.returncode == 0
    assert len({entry.metadata["run"] for entry in gateway.log if entry.metadata}) == 1
    document = json.loads((tmp_path / "run" / "conformance.json").read_text())
    assert document["cost"]["requests"] == len(gateway.log)
