"""`gateway-harness load` as a process of its own, and what it leaves running."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LOAD = (sys.executable, "-m", "harness", "load")


@contextmanager
def started(
    out: Path, *arguments: str, **environment: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """A load that leaves its run in `out` and what it prints beside it; ended in any case."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.with_suffix(".txt").open("wb") as printed:
        command = subprocess.Popen(
            [*LOAD, *arguments, "--out", str(out)],
            cwd=out.parent,
            env={**os.environ, **environment},
            stdout=printed,
            stderr=printed,
            start_new_session=True,
        )
    try:
        yield command
    finally:
        command.kill()
        command.wait()
        for pid in processes_of(out):
            os.kill(pid, signal.SIGKILL)


def printed(out: Path) -> str:
    """What the load of `out` has printed."""
    return out.with_suffix(".txt").read_text("utf-8")


def processes_of(out: Path) -> list[int]:
    """The Locust processes that work in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if b"harness.load.node" in command and f'"{out}"'.encode() in command:
            found.append(int(entry.name))
    return sorted(found)


def is_running(pid: int) -> bool:
    """Whether the process lives; one that nobody has waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(true: Callable[[], object], *, seconds: float = 30) -> None:
    """Fail the test when something does not come true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"it did not come true in {seconds:g} seconds")
        time.sleep(0.01)
