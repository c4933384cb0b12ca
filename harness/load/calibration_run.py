"""Measures this client before a load: its own way of sending, against a server with known timing.

What is sent and how it is judged is in `calibration`; here are the processes, greenlets and clocks.
Nothing here fails a load: a client that could not be measured has no noise floor, and a reason.
"""

import http.client
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import gevent
from gevent.pool import Group

from harness.errors import HarnessError
from harness.load import reference_server
from harness.load.calibration import (
    Ask,
    CalibrationError,
    CalibrationRow,
    Course,
    Effort,
    NoiseFloor,
    course_of,
    noise_floor,
    read_record,
)
from harness.load.plan import LoadPlan

BOUND_S = 2.0
"""What a calibration may take of a load's start, its server's start included."""
SERVER_LIFE_S = 20.0
BURST_S = 0.2
BURST_IN_FLIGHT = 32
_OPENING_US = 300
"""What a new connection takes about; answers wait until all are open, so that none is reused."""


class Client(Protocol):
    """Sends to the reference server in exactly the way in which the load sends to its target."""

    def send(self, rid: int, ask: Ask) -> CalibrationRow | None:
        """The answer to one request that carries `rid` and the schedule; None when it failed."""

    def close(self) -> None:
        """Close the connections."""


OpenClient = Callable[[LoadPlan, str], Client]
"""Makes the client of a load, with the origin of the reference server instead of its target's."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What became of a calibration: a noise floor, or the reason why there is none."""

    floor: NoiseFloor | None
    reason: str | None = None


def calibrate(plan: LoadPlan, open_client: OpenClient, *, bound_s: float = BOUND_S) -> Calibration:
    """Measure this process with its share of the plan; takes about a second, at most `bound_s`."""
    if not plan.calibrate:
        return Calibration(None, "it was not calibrated (--no-calibrate)")
    try:
        with gevent.Timeout(bound_s, TimeoutError(f"it took longer than {bound_s:g} s")):
            return Calibration(_measure(plan, open_client))
    except (OSError, ValueError, HarnessError, http.client.HTTPException) as error:
        return Calibration(None, f"its calibration failed: {error}")


def _measure(plan: LoadPlan, open_client: OpenClient) -> NoiseFloor:
    course = course_of(plan)
    with _reference_server() as port:
        client = open_client(plan, f"http://{reference_server.HOST}:{port}")
        rehearsal = _Rehearsal(client, course)
        try:
            effort = rehearsal.run()
        finally:
            rehearsal.close()
        record = read_record(_fetch_record(port))
    return noise_floor(course, rehearsal.rows, record, effort)


class _Rehearsal:
    """Sends a burst and then the course, with so many greenlets as the load will have users."""

    def __init__(self, client: Client, course: Course) -> None:
        self.rows: list[CalibrationRow] = []
        self._client = client
        self._course = course
        self._rids = count()
        self._sending = Group()

    def run(self) -> Effort:
        """Open the connections, then measure both."""
        streams = self._course.streams
        self._together(max(streams, BURST_IN_FLIGHT), self._open)
        cpu_s, ended_ns = time.process_time(), self._burst()
        burst_cpu_s = time.process_time() - cpu_s
        started_s, cpu_s = time.monotonic(), time.process_time()
        self._together(streams, self._stream)
        return Effort(
            burst_ended_ns=ended_ns,
            burst_cpu_s=burst_cpu_s,
            course_s=time.monotonic() - started_s,
            course_cpu_s=time.process_time() - cpu_s,
        )

    def close(self) -> None:
        """Give up what is under way, and close the connections."""
        self._sending.kill()
        self._client.close()

    def _together(self, many: int, act: Callable[[int], None]) -> None:
        for place in range(many):
            self._sending.spawn(act, place)
        self._sending.join(raise_error=True)

    def _open(self, _: int) -> None:
        self._client.send(next(self._rids), Ask(self._course.streams * _OPENING_US))

    def _burst(self) -> list[int]:
        """Send one plain request after another from each greenlet; when each had ended."""
        end_ns = time.monotonic_ns() + int(BURST_S * 1e9)
        ended_ns: list[int] = []

        def repeat(_: int) -> None:
            while time.monotonic_ns() < end_ns:
                row = self._client.send(next(self._rids), Ask())
                if row is None:
                    raise CalibrationError("a request of the burst failed")
                ended_ns.append(row.done_ns)

        self._together(BURST_IN_FLIGHT, repeat)
        return ended_ns

    def _stream(self, place: int) -> None:
        """Ask as often as the course says, the first time at a moment of its own."""
        gevent.sleep(self._course.spread_us / 1e6 * place / self._course.streams)
        for _ in range(self._course.rounds):
            row = self._client.send(next(self._rids), self._course.ask)
            if row is not None:
                self.rows.append(row)


@contextmanager
def _reference_server() -> Iterator[int]:
    """The port of a server in a process of its own, which ends with the block or with us."""
    command = [sys.executable, "-I", "-S", str(Path(reference_server.__file__))]
    process: subprocess.Popen[Any] = subprocess.Popen(  # noqa: S603 - our own interpreter
        [*command, str(SERVER_LIFE_S)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        said = process.stdout.readline() if process.stdout is not None else b""
        if not said.strip().isdigit():
            raise CalibrationError("the reference server did not start")
        yield int(said)
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        _end(process)


def _end(process: "subprocess.Popen[Any]") -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.5)
        return
    process.kill()
    process.wait()


def _fetch_record(port: int) -> bytes:
    connection = http.client.HTTPConnection(reference_server.HOST, port, timeout=BOUND_S)
    try:
        connection.request("GET", "/record")
        return connection.getresponse().read()
    finally:
        connection.close()
