"""Runs the contract suite as a subprocess of its own and reads back what it found.

A process of its own keeps pytest's patches, warnings and plugins away from the caller, and the
caller's away from the suite.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UsageError

USAGE, COLLECTED_NOTHING = 4, 5
"""Pytest's exit codes for wrong arguments and for a selection without tests."""


class SuiteError(HarnessError):
    """The suite itself failed; nothing is known about the target."""


@dataclass(frozen=True, slots=True)
class ContractOutcome:
    """What a contract run says: `verdict` is pass, fail or unknown, `exit_code` 0, 1 or 3.

    `line` is the verdict line, `counts` results by name, `document` the whole `conformance.json`.
    """

    verdict: str
    exit_code: int
    reasons: tuple[str, ...]
    counts: Mapping[str, int]
    line: str
    document: Mapping[str, Any] = field(repr=False)

    @property
    def routes(self) -> tuple[str, ...]:
        """The routes that answered and were judged."""
        return tuple(self.document["routes"])

    @property
    def failing(self) -> list[Mapping[str, Any]]:
        """The rows of the clauses that were violated, RECORD never among them."""
        return [row for row in self.document["clauses"] if row["violated"]]


def run_contract(
    target: str,
    *,
    suite: Path,
    folder: Path,
    profile: str | None = None,
    mode: str | None = None,
    strict: bool = False,
    require: Sequence[str] = (),
    max_requests: int | None = None,
    max_total_tokens: int | None = None,
    max_cost: float | None = None,
    seed: int = 0,
    defect: str | None = None,
    waivers: Path | None = None,
    junit: Path | None = None,
    record: Path | None = None,
    against: Path | None = None,
    headers: Sequence[tuple[str, str]] = (),
    environment: Mapping[str, str] | None = None,
    pytest_args: Sequence[str] = (),
    show: bool = False,
) -> ContractOutcome:
    """Run the suite in the folder `suite` against a target as `--target` names it.

    The files of the run go to `folder`. `environment` replaces the process's own. With `show`
    pytest's output goes to standard error, else into `folder/pytest.txt`. UsageError when pytest
    refuses the arguments, `SuiteError` when it leaves no result.
    """
    given = {
        "--profile": profile,
        "--mode": mode,
        "--require": ",".join(require) or None,
        "--max-requests": max_requests,
        "--max-total-tokens": max_total_tokens,
        "--max-cost": max_cost,
        "--defect": defect,
        "--waivers": _absolute(waivers),
        "--junit": _absolute(junit),
        "--record": _absolute(record),
        "--against": _absolute(against),
    }
    options = [f"{name}={value}" for name, value in given.items() if value is not None]
    command = [sys.executable, "-m", "pytest", str(suite), f"--target={target}"]
    command += [f"--out={folder.resolve()}", f"--seed={seed}", "--tb=short", "-q", *options]
    command += [*(["--strict"] if strict else []), *pytest_args]
    variables = _environment(environment, headers)
    code, output = _execute(command, folder, environment=variables, show=show)
    _complain(code, output)
    return _read(folder, code, output)


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.resolve()


def _environment(
    given: Mapping[str, str] | None, headers: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """Header fields travel in the environment: an argument could be read by anybody."""
    environment = dict(os.environ if given is None else given)
    environment.pop("PYTEST_ADDOPTS", None)
    if headers:
        environment["GATEWAY_HARNESS_HEADERS"] = json.dumps([list(field) for field in headers])
    return environment


def _execute(
    command: Sequence[str], folder: Path, *, environment: Mapping[str, str], show: bool
) -> tuple[int, str]:
    """Run pytest; its exit code, and its output unless that was shown."""
    stale = folder / "conformance.json"
    stale.unlink(missing_ok=True)
    if show:
        done = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)  # noqa: S603
        return done.returncode, ""
    log = folder / "pytest.txt"
    with log.open("w", encoding="utf-8") as file:
        done = subprocess.run(  # noqa: S603 - our own interpreter, no shell
            command, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False
        )
    return done.returncode, log.read_text("utf-8", "replace")


def _complain(code: int, output: str) -> None:
    """Raise where pytest says that it asked nothing."""
    lines = [line for line in output.splitlines() if line.strip()]
    if code == USAGE:
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
        raise UsageError(errors[0] if errors else "pytest refused its arguments")
    if code == COLLECTED_NOTHING:
        raise UsageError("the arguments for pytest select no clause")


def _read(folder: Path, ended: int, output: str) -> ContractOutcome:
    path = folder / "conformance.json"
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as exc:
        last = [line for line in output.splitlines() if line.startswith("E ")][-3:]
        hint = " ".join(line[1:].strip() for line in last) or "see pytest.txt"
        raise SuiteError(f"the contract suite left no result: {hint}") from exc
    except ValueError as exc:
        raise SuiteError(f"{path} is not JSON: {exc}") from exc
    words = {0: "pass", 1: "fail", 3: "unknown"}
    code = document["exit_code"]
    if ended != code:  # a crash after the verdict: what it said may not be all
        raise SuiteError(f"pytest ended with {ended} although the verdict is {words[code]}")
    return ContractOutcome(
        verdict=words[code],
        exit_code=code,
        reasons=tuple(document["reasons"]),
        counts=document["counts"],
        line=document["line"],
        document=document,
    )
