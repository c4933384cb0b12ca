"""What every row of the bench is given: the server, a place for files, and how long to measure."""

import os
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.bench import machine
from tests.bench.truth import Truth

WARMUP_S = 2.0
_START_S = 60.0
_POLL_S = 0.1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Session:
    """One run of the bench; `server_cpu` is the processor of every server."""

    truth: Truth
    folder: Path
    rounds: int
    seconds: float
    server_cpu: int | None

    def new_folder(self) -> Path:
        """An empty folder for one load."""
        folder = self.folder / uuid.uuid4().hex
        folder.mkdir()
        return folder


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time of all processes of a client, and the requests that the server counted."""

    requests: int
    cpu_s: float
    seconds: float

    @property
    def us_per_request(self) -> float:
        """Microseconds of processor time for one request."""
        return self.cpu_s / max(self.requests, 1) * 1e6


class Meter:
    """Measures a client between two moments of its load, when it neither starts nor ends.

    The client is whatever this process starts after the meter was made.
    """

    def __init__(self, truth: Truth, *, seconds: float, after_s: float = WARMUP_S) -> None:
        self._truth = truth
        self._after_s = after_s
        self._seconds = seconds
        self._before = machine.descendants(os.getpid())

    def measure(self) -> Cost:
        """Wait for the first request and the warm-up, then measure."""
        until = time.monotonic() + _START_S
        while not self._truth.statistics()["nrec"]:
            if time.monotonic() > until:
                raise TimeoutError(f"the client sent nothing in {_START_S:g} s")
            time.sleep(_POLL_S)
        time.sleep(self._after_s)
        first, first_at = self._look(), time.monotonic()
        time.sleep(self._seconds)
        last, last_at = self._look(), time.monotonic()
        used = sum(spent - first[1].get(pid, 0.0) for pid, spent in last[1].items())
        return Cost(last[0] - first[0], used, last_at - first_at)

    def beside(self, work: Callable[[], T]) -> tuple[T, Cost]:
        """Do the work, and measure it meanwhile."""
        with ThreadPoolExecutor(1) as pool:
            cost = pool.submit(self.measure)
            return work(), cost.result()

    def _look(self) -> tuple[int, dict[int, float]]:
        pids = machine.descendants(os.getpid()) - self._before
        spent = {pid: used for pid in pids if (used := machine.cpu_s(pid)) is not None}
        return int(self._truth.statistics()["nrec"]), spent
