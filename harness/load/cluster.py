"""What master and workers of a load on several machines say to each other: plain dicts and bytes.

worker to master: `hello`, `ready`, `failed`, `report` every second, `problem`, `done`, `piece`
master to worker: `refused`, `order`, `start`, `stop`, `end`, `want`

All of them travel as Locust's custom messages, each name behind `PREFIX`. No secret is in any: an
order says which credentials are needed, and the worker has its own.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.load.plan import Identity, LoadPlan, plan_of
from harness.load.progress import FOLDER, WorkerReport
from harness.routes.address import Credentials
from harness.settings.target import STAND_IN_PROVIDER_KEY, STAND_IN_TOKEN

PREFIX = "gateway_harness_"
PROTOCOL = 1
PIECE_BYTES = 262_144
LONGEST_TEXT = 500
LONGEST_PROMPTS = 67_108_864
"""A file of prompts, or a trace, goes to every worker in one message."""

_STAND_IN = {"provider_key": STAND_IN_PROVIDER_KEY, "gateway_token": STAND_IN_TOKEN}
_VARIABLES = {"provider_key": "BASETEN_API_KEY", "gateway_token": "CF_AIG_TOKEN"}


@dataclass(frozen=True, slots=True)
class Given:
    """What an order means on the worker's machine: all that its part of the load needs."""

    plan: LoadPlan
    identity: Identity
    index: int
    locustfile: Path


def hello() -> dict[str, Any]:
    """A worker's first words: which protocol it speaks, and its clocks at one moment."""
    clock = {"wall_ns": time.time_ns(), "monotonic_ns": time.monotonic_ns()}
    return {"protocol": PROTOCOL, "clock": clock}


def refusal(said: Mapping[str, Any], *, free: int) -> str | None:
    """Why a worker cannot take part, if it cannot."""
    if said.get("protocol") != PROTOCOL:
        return (
            f"the master speaks protocol {PROTOCOL}, this worker {said.get('protocol')}: "
            "install the same gateway-harness on both"
        )
    return None if free else "the master has all the workers that it expects"


def order(plan: LoadPlan, identity: Identity, *, index: int, locustfile: Path) -> dict[str, Any]:
    """The whole plan for the worker `index`; UsageError for prompts too long to be sent."""
    document = {**plan.to_dict(), "folder": "", "prompts": None, "trace": None}
    document.pop("schema_version")
    return {
        "plan": document,
        "index": index,
        "scenario": locustfile.read_text(encoding="utf-8"),
        "prompts": None if plan.prompts is None else _asked("--prompts", Path(plan.prompts)),
        "trace": None if plan.trace is None else _asked("--trace", Path(plan.trace)),
        "needs": {name: _need(name, identity.credentials) for name in _VARIABLES},
        "byok_alias": identity.credentials.byok_alias,
        "headers": [name for name, _ in identity.headers],
    }


def take(said: Mapping[str, Any], folder: Path, own: Identity) -> Given:
    """Make an order good in `folder`, with this machine's own credentials; UsageError if they lack.

    The scenario and the prompts, or the trace, are written beside the plan.
    """
    index = int(said["index"])
    plan = plan_of(said["plan"]).in_folder(folder)
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    for name in ("prompts", "trace"):
        if said.get(name) is not None:
            written = place / f"{plan.name}-{index}.{name}"
            written.touch(mode=0o600)
            written.write_bytes(said[name])
            there: dict[str, Any] = {name: str(written)}
            plan = replace(plan, **there)
    locustfile = place / f"{plan.name}_{index}_scenario.py"
    locustfile.write_text(said["scenario"], encoding="utf-8")
    return Given(plan, _identity(said, own), index, locustfile)


def in_masters_time(
    said: Mapping[str, Any], *, name: str, now_ns: int, clock: Mapping[str, int]
) -> WorkerReport:
    """A worker's report under the name its master gave it, with its times on the master's clock.

    It arrived at `now_ns`.
    """
    report = WorkerReport.from_dict(said)
    report.worker = name
    report.started_ns += now_ns - report.updated_ns
    report.updated_ns = now_ns
    report.clock = dict(clock)
    return report


def shown(text: Any) -> str:
    """A text of another machine, for a line of a terminal or a report."""
    told = str(text)[:LONGEST_TEXT]
    return told if told.isprintable() else repr(told)


def records(folder: Path, name: str) -> list[dict[str, Any]]:
    """The files that the worker `name` has left, each with its size and SHA-256."""
    return [
        {"name": one, "size": (folder / one).stat().st_size, "sha256": digest(folder / one)}
        for one in record_names(name)
        if (folder / one).is_file()
    ]


def record_names(name: str) -> tuple[str, ...]:
    """Which files a worker may leave; a master takes no other."""
    return (f"samples/{name}.arrows", f"{FOLDER}/{name}.sent", f"bodies-{name}.jsonl")


def piece(folder: Path, name: str, offset: int) -> bytes:
    """A part of a file, PIECE_BYTES long at most."""
    with (folder / name).open("rb") as file:
        file.seek(offset)
        return file.read(PIECE_BYTES)


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        for data in _blocks(file):
            found.update(data)
    return found.hexdigest()


def _blocks(file: Any) -> Iterator[bytes]:
    while data := file.read(PIECE_BYTES):
        yield data


def _asked(option: str, path: Path) -> bytes:
    if path.stat().st_size > LONGEST_PROMPTS:
        raise UsageError(f"{option} {path}: more than {LONGEST_PROMPTS:,} bytes cannot be sent")
    return path.read_bytes()


def _need(name: str, credentials: Credentials) -> str | None:
    """`own` for a secret that each worker must have, `stand-in` for the one everybody knows."""
    value = getattr(credentials, name)
    if value is None:
        return None
    return "stand-in" if value == _STAND_IN[name] else "own"


def _identity(said: Mapping[str, Any], own: Identity) -> Identity:
    found: dict[str, str | None] = {}
    lacking = []
    for name, variable in _VARIABLES.items():
        need = said["needs"][name]
        value = getattr(own.credentials, name)
        if need == "own" and value in (None, _STAND_IN[name]):
            lacking.append(variable)
        found[name] = {"own": value, "stand-in": _STAND_IN[name]}.get(need)
    had = {name.lower() for name, _ in own.headers}
    lacking += [f"--header {name}" for name in said["headers"] if name.lower() not in had]
    if lacking:
        raise UsageError(f"the master's target needs {', '.join(lacking)}: not set on this machine")
    return Identity(Credentials(**found, byok_alias=said["byok_alias"]), own.headers)
