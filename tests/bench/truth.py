"""Starts `truth_server.c`, and reads its own record of what it sent when."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.bench import machine

SOURCE = Path(__file__).with_name("truth_server.c")
FIELDS = (
    *("rid", "accepted", "received", "role", "first", "last", "end", "chunks", "offset"),
    *("carried", "streamed", "in_flight", "arrived", "first_from", "end_from"),
)
"""The fields of a record; times are CLOCK_MONOTONIC nanoseconds.

`received` is when the server had read the request, `arrived` when the kernel had it. A moment of
sending is noted after it; `first_from` and `end_from` are the times before it.
"""

Times = npt.NDArray[np.int64]
Table = dict[str, Times]


@dataclass(frozen=True)
class Record:
    """Every request by field, and when the sending of each chunk began and had ended."""

    rows: Table
    began: Times
    ended: Times

    def places(self, rids: Times) -> Times:
        """The row of each of these requests; KeyError when the server did not see one."""
        known = {rid: place for place, rid in enumerate(self.rows["rid"].tolist())}
        return np.array([known[rid] for rid in rids.tolist()], dtype=np.int64)

    def chunks(self, place: int) -> slice:
        """Where the chunks of one row are in `began` and `ended`."""
        start = int(self.rows["offset"][place])
        return slice(start, start + int(self.rows["chunks"][place]))


@dataclass(frozen=True)
class Truth:
    """A running server; `origin` answers every POST."""

    origin: str

    def configure(self, **values: int) -> None:
        """Set the schedule: `ttft_us`, `gap_us`, `delay_us`, `n`, ..."""
        count = values.pop("n", None)
        query = "&".join(f"{name}={value}" for name, value in values.items())
        if count is not None:
            query += f"&n={count}"
        self._get(f"/admin/config?{query}")
        self._get("/admin/reset")

    def statistics(self) -> dict[str, Any]:
        """Counts, and the CPU time that the server used."""
        document: dict[str, Any] = json.loads(self._get("/admin/stat"))
        return document

    def record(self, folder: Path) -> tuple[Table, Times]:
        """Every request's record by field, and when each chunk had been sent."""
        whole = self.read(folder)
        return whole.rows, whole.ended

    def read(self, folder: Path) -> Record:
        """What the server did since it was configured."""
        prefix = folder / "truth"
        self._get(f"/admin/dump?file={prefix}")
        rows = _numbers(prefix, "req").reshape(-1, len(FIELDS))
        table = {name: rows[:, place] for place, name in enumerate(FIELDS)}
        return Record(table, _numbers(prefix, "pre"), _numbers(prefix, "tok"))

    def _get(self, path: str) -> bytes:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            self.origin + path
        ) as answer:
            content: bytes = answer.read()
        return content


def _numbers(prefix: Path, kind: str) -> Times:
    return np.fromfile(prefix.with_suffix(f".{kind}"), dtype="<i8")


@contextmanager
def truth_server(folder: Path, *, seconds: int = 60, cpu: int | None = None) -> Iterator[Truth]:
    """Compile and run the server, on one processor if asked; it also stops by itself."""
    compiler = shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("gcc is missing: install the package gcc (apt-get install gcc)")
    program = folder / "truth_server"
    subprocess.run([compiler, "-O3", "-o", program, SOURCE], check=True, capture_output=True)
    port = free_port()
    command = machine.pinned([str(program), str(port), str(seconds)], cpu)
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, server)
        yield Truth(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait()


def free_port() -> int:
    """A port of the loopback interface that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    """Wait until something listens; RuntimeError when the server has ended or takes too long."""
    until = time.monotonic() + 5
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"{server.args!r} did not start")
