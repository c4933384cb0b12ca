"""What becomes of Locust when the command that started it is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest


def test_locust_ends_when_the_command_that_started_it_is_killed(tmp_path: Path) -> None:
    report = tmp_path / "run" / "workers" / "load-0.json"
    load = (sys.executable, "-m", "harness", "load", "--target", "local", "--duration", "60s")
    command = subprocess.Popen([*load, "--out", str(tmp_path / "run")], cwd=tmp_path)
    wait_until(report.exists)
    locust = json.loads(report.read_text())["pid"]

    os.kill(command.pid, signal.SIGKILL)
    command.wait()

    wait_until(lambda: not is_running(locust))


def is_running(pid: int) -> bool:
    """Whether the process lives; one that nobody has waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        if time.monotonic() > deadline:
            pytest.fail("it did not come true in 30 seconds")
        time.sleep(0.01)
