"""The Locust processes of one load, as the process that started them sees them.

Each has a session of its own, so that Ctrl-C reaches only us, and two pipes: it hears commands on
its standard input and tells on its standard output what `harness.load.post` describes.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.load.cause import Cause
from harness.load.plan import IDENTITY_VARIABLE, Identity
from harness.load.task import Task

KILLED_AFTER_S = 15.0
"""How long a process may take to end once it was asked to."""


class Process:
    """One Locust process: what it has told, and how it ended."""

    def __init__(self, task: Task, identity: Identity, *, log: Path) -> None:
        self.task = task
        self.ready = False
        self.cause: Cause | None = None
        self.page: str | None = None
        self.doing: str | None = None
        self.plan: str | None = None
        self.problems: list[str] = []
        self.heard_at = time.monotonic()
        self._log = log
        self._rest = b""
        self._ending_since: float | None = None
        self._forced = False
        self._popen = _started(task, identity, log)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._popen.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    def read(self) -> None:
        """Take in what it has told since."""
        out = self._popen.stdout
        while out is not None and not out.closed and (data := out.read(65_536)):
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._note(json.loads(line))

    def tell(self, command: str) -> None:
        """Give it a command; one that has ended hears nothing."""
        if self._popen.stdin is None or self._popen.stdin.closed:
            return
        try:
            os.write(self._popen.stdin.fileno(), f"{command}\n".encode())
        except (BrokenPipeError, BlockingIOError):
            return

    def end(self) -> None:
        """Ask it to end, and kill it when it has had its time since it last told anything."""
        now = time.monotonic()
        if self._ending_since is None:
            self._ending_since = now
            self.tell("end")
        if now - max(self._ending_since, self.heard_at) > KILLED_AFTER_S:
            self._forced = self.running
            self._popen.kill()

    def close(self) -> None:
        """Leave nothing behind."""
        if self.running:
            self._popen.kill()
        self._popen.wait()
        self.read()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                pipe.close()

    def fate(self) -> str:
        """What became of it, with the last line of its log where that may say why."""
        code = self._popen.poll()
        if self._forced:
            return "did not answer and was ended"
        if code is not None and code < 0:
            return f"was killed ({signal.Signals(-code).name})"
        how = "is running" if code is None else f"ended with exit code {code}"
        return f"{how}; the last line of {self._log}: {_last_line(self._log)}"

    def _note(self, told: dict[str, Any]) -> None:
        self.heard_at = time.monotonic()
        if "problem" in told:
            self.problems.append(told["problem"])
        if "cause" in told and self.cause is None:
            self.cause = Cause.from_dict(told["cause"])
        for name in ("ready", "page", "doing", "plan"):
            if name in told:
                setattr(self, name, told[name])


@contextmanager
def running(
    tasks: Sequence[tuple[Task, Path]], identity: Identity
) -> Iterator[tuple[Process, ...]]:
    """The processes of these tasks, each with its log, from start to end; none is left behind."""
    processes: list[Process] = []
    try:
        for task, log in tasks:
            processes.append(Process(task, identity, log=log))
        yield tuple(processes)
    finally:
        for process in processes:
            process.close()


def _started(task: Task, identity: Identity, log: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "harness.load.node", task.to_text()]
    with log.open("wb") as file:
        file.write(f"$ {shlex.join(command)}\n".encode())
        file.flush()
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            env=_environment(identity),
            cwd=task.folder,
            bufsize=0,
            start_new_session=True,
        )
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
    return process


def _environment(identity: Identity) -> dict[str, str]:
    """Ours without Locust's variables, which would change the run, plus the identity."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    return {**kept, IDENTITY_VARIABLE: identity.to_text(), "PYTHONUNBUFFERED": "1"}


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()]
    return repr(next((line for line in reversed(lines) if line), ""))[:200]
