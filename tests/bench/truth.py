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

SOURCE = Path(__file__).with_name("truth_server.c")
FIELDS = ("rid", "accepted", "received", "role", "first", "last", "end", "chunks", "offset")
"""The first fields of a record; times are CLOCK_MONOTONIC nanoseconds."""
_RECORD_FIELDS = 12

Table = dict[str, npt.NDArray[np.int64]]


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

    def record(self, folder: Path) -> tuple[Table, npt.NDArray[np.int64]]:
        """Every request's record by field, and the send times of all chunks."""
        prefix = folder / "truth"
        self._get(f"/admin/dump?file={prefix}")
        rows = np.fromfile(prefix.with_suffix(".req"), dtype="<i8").reshape(-1, _RECORD_FIELDS)
        times = np.fromfile(prefix.with_suffix(".tok"), dtype="<i8")
        return {name: rows[:, place] for place, name in enumerate(FIELDS)}, times

    def _get(self, path: str) -> bytes:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            self.origin + path
        ) as answer:
            content: bytes = answer.read()
        return content


@contextmanager
def truth_server(folder: Path, *, seconds: int = 60, cpu: int | None = None) -> Iterator[Truth]:
    """Compile and run the server, on one processor if asked; it also stops by itself."""
    compiler = shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("gcc is missing: install the package gcc (apt-get install gcc)")
    program = folder / "truth_server"
    subprocess.run([compiler, "-O3", "-o", program, SOURCE], check=True, capture_output=True)
    port = _free_port()
    pin = [] if cpu is None or not shutil.which("taskset") else ["taskset", "-c", str(cpu)]
    server = subprocess.Popen([*pin, program, str(port), str(seconds)], stderr=subprocess.DEVNULL)
    try:
        _wait(port, server)
        yield Truth(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait(port: int, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 5
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError("truth_server did not start")
