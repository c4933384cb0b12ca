"""The Locust processes of one load, as the process that started them sees them.

Each has a session of its own, so that Ctrl-C reaches only us, and two pipes: it hears commands on
its standard input and tells on its standard output what `harness.load.post` describes.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from harness.load.cause import Cause
from harness.load.plan import Identity
from harness.load.task import Task, write_order

KILLED_AFTER_S = 15.0
"""How long a process may take to end once it was asked to."""


class Process:
    """One Locust process: what it has told, and how it ended."""

    def __init__(self, task: Task, identity: Identity) -> None:
        self.task = task
        self.ready = False
        self.cause: Cause | None = None
        self.page: str | None = None
        self.doing: str | None = None
        self.plan: str | None = None
        self.problems: list[str] = []
        self.heard_at = time.monotonic()
        self._log = Path(task.log)
        self._rest = self._early = b""
        self._ending_since: float | None = None
        self._forced = False
        self._deaf = False
        self._log.write_bytes(b"")
        self._popen = _AHEAD.pop() if _AHEAD else _spawn()
        self._order(write_order(task, identity, _environment()))

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
        while out is not None and not out.closed and (data := out.read(65_536)) is not None:
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError):  # what others print before it is ready
                    self._note(json.loads(line))
            if not data:
                self._deaf = True
                return

    def hearing(self) -> list[IO[bytes]]:
        """What to wait on for its next word; nothing when it has closed its mouth."""
        out = self._popen.stdout
        return [] if out is None or out.closed or self._deaf else [out]

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
        if self._popen.stderr is not None:
            self._early = self._popen.stderr.read(65_536)
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
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
        return f"{how}; the last line of {self._log}: {self._last_line()}"

    def _last_line(self) -> str:
        said = (self._early + self._log.read_bytes()).decode("utf-8", "replace")
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return repr(lines[-1] if lines else "")[:200]

    def _order(self, line: str) -> None:
        """Give it its task: it may be waiting already."""
        stdin, out = self._popen.stdin, self._popen.stdout
        if stdin is None or out is None:
            raise RuntimeError("a process without its pipes")
        with contextlib.suppress(BrokenPipeError):  # its fate will be told
            stdin.write(f"{line}\n".encode("ascii"))
        for pipe in (stdin, out):
            os.set_blocking(pipe.fileno(), False)

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
def running(tasks: Sequence[Task], identity: Identity) -> Iterator[tuple[Process, ...]]:
    """The processes of these tasks from start to end; none is left behind."""
    processes: list[Process] = []
    try:
        for task in tasks:
            processes.append(Process(task, identity))  # noqa: PERF401 - those there are to be ended
        yield tuple(processes)
    finally:
        for process in processes:
            process.close()


@contextmanager
def started_ahead(count: int) -> Iterator[None]:
    """Let so many processes load what they need while their tasks are being prepared."""
    _AHEAD.extend(_spawn() for _ in range(count))
    try:
        yield
    finally:
        while _AHEAD:
            unused = _AHEAD.pop()
            unused.kill()
            unused.communicate()


def listen(processes: Sequence[Process], seconds: float) -> None:
    """Sleep until one of them tells something, or for so long."""
    hearing = [pipe for process in processes for pipe in process.hearing()]
    select.select(hearing, [], [], seconds)


_AHEAD: "list[subprocess.Popen[bytes]]" = []


def _spawn() -> "subprocess.Popen[bytes]":
    """A Locust process that waits for its order; a `types.py` in the current folder is not ours."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "harness.load.node"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,  # until it has its log
        env=_environment(),
        bufsize=0,
        start_new_session=True,
    )


def _environment() -> dict[str, str]:
    """Ours without Locust's variables, which would change the run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    return {**kept, "PYTHONUNBUFFERED": "1"}
