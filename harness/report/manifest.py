"""`run.json`: what was run, where, with what, and how it ended.

A command calls `start` before its first request, `note` whenever it learns a fact that the verdict
depends on, and `finish` once. A reader never sees half a file.
"""

import json
import os
import platform
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.measure.metrics import definitions
from harness.report import documents
from harness.report.documents import write_json
from harness.report.plan import Plan
from harness.settings.redaction import Secrets

SCHEMA_VERSION = 1
FILE = "run.json"
PACKAGES = (
    "gateway-harness",
    "gevent",
    "httpx",
    "hypothesis",
    "locust",
    "numpy",
    "pandas",
    "pyarrow",
)


class Command(StrEnum):
    """The commands that leave a run."""

    RUN = "run"
    VERIFY = "verify"
    LOAD = "load"
    COMPARE = "compare"
    CAPACITY = "capacity"


LOADING = (Command.RUN, Command.LOAD, Command.COMPARE, Command.CAPACITY)
"""Those that put a load on the target."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of `run.json`; facts that only some commands know are in `facts`.

    `state` is `running` until `finish`; `pid` tells a report made inside the run from one made over
    the remains of a run that was killed. `clock` anchors the workers' CLOCK_MONOTONIC to the date.
    """

    run_id: str
    command: str
    target: Any
    settings: Mapping[str, Any]
    plan: Mapping[str, Any]
    seed: int | None
    clock: Mapping[str, Any]
    versions: Mapping[str, str]
    machine: Mapping[str, Any]
    pid: int
    state: str = "running"
    verdict: str | None = None
    exit_code: int | None = None
    reasons: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def asked(self) -> Plan:
        """The plan as a report reads it; UsageError for what cannot be one."""
        return documents.read(Plan, self.plan, f"{FILE}: plan")

    @property
    def thresholds(self) -> tuple[str, ...]:
        """The objectives that decide the verdict, as they were typed."""
        return self.asked.thresholds or ()

    @property
    def aborted(self) -> str | None:
        """The objective that stopped the run."""
        return self.facts.get("aborted") or None

    @property
    def exhausted(self) -> str | None:
        """The budget that ended it early."""
        return self.facts.get("exhausted") or None

    @property
    def going_on(self) -> bool:
        """Whether another process on this machine seems to be at it still."""
        return self.state == "running" and self.pid != os.getpid() and _alive(self.pid)

    @property
    def interrupted(self) -> bool:
        """Whether the run was stopped from outside, or ended without a word."""
        without_end = self.state == "running" and self.pid != os.getpid()
        return bool(self.facts.get("interrupted")) or without_end

    @property
    def clocks(self) -> dict[str, int]:
        """By how many nanoseconds the clocks of other machines differ from ours, by worker."""
        stated = self.facts.get("clocks") or {}
        return {name: _offset(anchor) - _offset(self.clock) for name, anchor in stated.items()}

    @property
    def problems(self) -> tuple[str, ...]:
        """What makes the run's numbers invalid, as the commands that ran it noted."""
        return tuple(self.facts.get("problems") or ())

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers should know, though they stay valid."""
        return tuple(self.facts.get("notes") or ())


def start(
    folder: Path,
    *,
    command: str,
    target: Any,
    settings: Mapping[str, Any],
    plan: Mapping[str, Any],
    seed: int | None,
) -> Manifest:
    """Write the manifest of a run that begins now; secrets in any mapping are blanked.

    UsageError where another run has the folder, also one that begins at the same moment.
    `plan` is what will be sent (routes, users or rate, duration, `thresholds`, `abort`, `run_id`).
    """
    manifest = Manifest(
        run_id=str(plan.get("run_id") or uuid.uuid4().hex[:12]),
        command=command,
        target=redact(target),
        settings=redact(settings),
        plan=redact(plan),
        seed=seed,
        clock=clock_anchor(),
        versions=versions(),
        machine=machine(),
        pid=os.getpid(),
        facts={"metrics": definitions()},
    )
    folder.mkdir(parents=True, exist_ok=True)
    try:
        (folder / FILE).touch(exist_ok=False)
    except FileExistsError:
        raise UsageError(f"{folder} holds a run already; choose another folder") from None
    return write(folder, manifest)


def note(folder: Path, **facts: Any) -> Manifest:
    """Add facts; the verdict reads `interrupted`, `aborted`, `problems`, `notes`, `exhausted`.

    `aborted` is the objective that stopped the run, `exhausted` the budget that did; `problems` are
    sentences that make its numbers invalid, `notes` such that do not. `expected_records` is how
    many requests the senders counted, `noise_floor` what a calibration found. `clocks` has the
    clock anchor of each worker, by its name, that ran on another machine.
    """
    manifest = read(folder)
    return write(folder, replace(manifest, facts={**manifest.facts, **redact(facts)}))


def finish(
    folder: Path, *, verdict: str, exit_code: int, reasons: Sequence[str], **facts: Any
) -> Manifest:
    """Close the manifest with the verdict `pass`, `fail` or `unknown` and its reasons.

    A run that was killed stays interrupted, and nobody knows when it ended; a report made later
    changes neither.
    """
    before = read(folder)
    own = before.state == "running" and before.pid == os.getpid()
    ended = datetime.now(UTC).isoformat(timespec="seconds") if own else before.facts.get("ended")
    known = {"interrupted": before.interrupted, "ended": ended, **facts}
    manifest = replace(
        note(folder, **known),
        state="finished",
        verdict=verdict,
        exit_code=exit_code,
        reasons=tuple(reasons),
    )
    return write(folder, manifest)


@contextmanager
def refusable(folder: Path) -> Iterator[None]:
    """Have no run in `folder` that never was one: where a mistake ends it before its first request.

    What such a run left is dropped, but for logs, so that the mended command can use the folder
    too; what lay there before stays. A run that had begun is closed with the mistake as its reason.
    """
    began_ns = (folder / FILE).stat().st_mtime_ns
    try:
        yield
    except UsageError as error:
        begun = any(int.from_bytes(path.read_bytes()[:8]) for path in folder.glob("workers/*.sent"))
        if begun or (folder / "conformance.json").exists():
            finish(folder, verdict="unknown", exit_code=2, reasons=(str(error),))
            raise
        for pattern in (FILE, "workers/*.json", "workers/*.sent", "samples/*.arrows"):
            for path in folder.glob(pattern):
                if path.stat().st_mtime_ns >= began_ns:
                    path.unlink()
        raise


def read(folder: Path) -> Manifest:
    """Read `run.json`; UsageError when the folder holds none or it is not one of ours."""
    path = folder / FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        version = documents.read(_Version, document, FILE).schema_version
        ours = version == SCHEMA_VERSION
        known = documents.read(Manifest, {**document, "facts": {}}, FILE) if ours else None
    except FileNotFoundError as error:
        raise UsageError(f"{folder} is no run folder: expected {FILE} in it") from error
    except (ValueError, UsageError) as error:
        raise UsageError(f"{path} is not a manifest of this harness: {error}") from error
    if known is None:
        raise UsageError(
            f"{path} has schema version {version}, this harness reads {SCHEMA_VERSION}: "
            "use the version that made the run"
        )
    own = ("schema_version", *Manifest.__slots__)
    facts = {name: value for name, value in document.items() if name not in own}
    return replace(known, facts=facts)


@dataclass(frozen=True, slots=True)
class _Version:
    """What is read of a manifest first: later versions may have other fields."""

    schema_version: int


def write(folder: Path, manifest: Manifest) -> Manifest:
    """Replace `run.json`."""
    own = {name: getattr(manifest, name) for name in Manifest.__slots__ if name != "facts"}
    write_json(folder / FILE, {"schema_version": SCHEMA_VERSION, **own, **manifest.facts})
    return manifest


def redact(value: Any) -> Any:
    """The same value with `$NAME` for every secret that the environment holds.

    By value, as `harness.settings` does: by name, `max_tokens` would be one. Callers clean before
    what they alone know to be secret.
    """
    return Secrets.of_environment(os.environ).redact_document(value)


def clock_anchor() -> dict[str, Any]:
    """One moment on both clocks: the date and CLOCK_MONOTONIC, nanoseconds."""
    wall, monotonic = time.time_ns(), time.monotonic_ns()
    started = datetime.fromtimestamp(wall / 1e9, UTC).isoformat(timespec="seconds")
    return {"started": started, "wall_ns": wall, "monotonic_ns": monotonic}


def versions() -> dict[str, str]:
    """Python's version and those of the packages that measure."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """What the load came from; no host name and no kernel suffix, which can be private."""
    return {
        "system": platform.system(),
        "release": platform.release().partition("-")[0],
        "architecture": platform.machine(),
        "cpus": os.cpu_count(),
    }


def _offset(anchor: Mapping[str, Any]) -> int:
    """What to add to a clock to get the date."""
    return int(anchor["wall_ns"]) - int(anchor["monotonic_ns"])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
