"""`gateway-harness load` as a process of its own, and what it leaves running."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

LOAD = (sys.executable, "-m", "harness", "load")


@contextmanager
def started(out: Path, *arguments: str, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
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
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def printed(out: Path) -> str:
    """What the load of `out` has printed."""
    return out.with_suffix(".txt").read_text("utf-8")


def processes_of(out: Path) -> list[int]:
    """The Locust processes that work in a folder."""
    return sorted(pid for pid, place in _nodes() if place == out)


def processes_in(folder: Path) -> list[int]:
    """The Locust processes that work in a folder or below, or wait there for their order."""
    return sorted(pid for pid, place in _nodes() if place.is_relative_to(folder))


def _nodes() -> Iterator[tuple[int, Path]]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if b"harness.load.node" in (entry / "cmdline").read_bytes():
                yield int(entry.name), (entry / "cwd").readlink()
        except OSError:
            continue


def wait_until(true: Callable[[], object], *, seconds: float = 30) -> None:
    """Fail the test when something does not come true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"it did not come true in {seconds:g} seconds")
        time.sleep(0.01)
