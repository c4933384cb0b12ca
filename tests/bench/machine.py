"""The machine under the bench: is it quiet, which processor is whose, what does a process use."""

import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

QUIET_LOAD = 0.5
"""A load average above this, before anything has started, spoils every figure."""
BUSY_EXIT = 3

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def refusal(*, anyway: bool) -> str | None:
    """Say what the machine is; the sentence that forbids to measure here, if one does."""
    load = os.getloadavg()[0]
    many = os.cpu_count() or 1
    sys.stdout.write(f"load average {load:.2f} before the start, {many} processors\n")
    if load < QUIET_LOAD:
        return None
    if anyway:
        sys.stdout.write("TAKEN ON A BUSY MACHINE: these figures are no evidence\n")
        return None
    return f"the load average must be under {QUIET_LOAD}: wait, or measure --anyway"


def processors() -> tuple[int | None, int | None]:
    """One processor for servers and one for clients; None where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[-1]) if len(allowed) > 1 else (None, None)


def settle(processor: int | None = None) -> None:
    """Make this process, and those that it will start, fit to measure.

    On one processor if given, with no proxy on the way to loopback, and on SIGTERM left by
    SystemExit, so that whatever was started is ended as well.
    """
    if processor is not None:
        os.sched_setaffinity(0, {processor})
    os.environ |= dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def bounded(command: Sequence[str], seconds: float) -> list[str]:
    """The command, ended after so long should nobody end it, because we were killed."""
    return [shutil.which("timeout") or "timeout", f"{seconds:g}", *command]


def pinned(command: Sequence[str], processor: int | None) -> list[str]:
    """The command, kept on one processor where there is `taskset`."""
    taskset = shutil.which("taskset")
    return (
        [*command]
        if processor is None or not taskset
        else [taskset, "-c", f"{processor}", *command]
    )


def descendants(root: int) -> frozenset[int]:
    """The processes that `root` started, and those that they started."""
    children: dict[int, list[int]] = {}
    for pid in _pids():
        fields = _stat(pid)
        if fields:
            children.setdefault(int(fields[1]), []).append(pid)
    found: set[int] = set()
    waiting = [root]
    while waiting:
        new = children.get(waiting.pop(), [])
        found.update(new)
        waiting += new
    return frozenset(found)


def cpu_s(pid: int) -> float | None:
    """The processor time that a process has used, all threads, without its children's."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else None


def resident_bytes(pid: int) -> int:
    """How much memory a process holds; 0 when it is gone."""
    try:
        return int((_PROC / str(pid) / "statm").read_text("ascii").split()[1]) * _PAGE_BYTES
    except (FileNotFoundError, ProcessLookupError):
        return 0


def descriptors(pid: int) -> int:
    """How many files and sockets a process has open; 0 when it is gone."""
    try:
        return len(os.listdir(_PROC / str(pid) / "fd"))  # noqa: PTH208 - no Path per descriptor
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _pids() -> list[int]:
    return [int(path.name) for path in _PROC.iterdir() if path.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """What stands in /proc/PID/stat after the name, which may hold anything."""
    try:
        text = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()
