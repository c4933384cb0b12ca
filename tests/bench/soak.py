"""Whether a long load keeps its memory and its files: `make soak`, an hour at 200 streams.

The client's processes are looked at each second. After the warm-up, a tenth of the time, its
memory may grow by 5 % and no descriptor may be added. Exit code 1: it grew.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import machine, ours
from tests.bench.session import WARMUP_S, Session
from tests.bench.truth import truth_server

STREAMS = 200
SCHEDULE = {"ttft_us": 50_000, "gap_us": 10_000, "n": 100, "toklog": 0}
GROWTH = 1.05
WARMUP_SHARE = 0.1
LEAST_WARMUP_S = 20.0
_STEP_S = 1.0
_START_S = 120.0
_MB = 1e6


@dataclass(frozen=True, slots=True)
class Look:
    """All processes of the client at one moment."""

    at_s: float
    resident: int
    descriptors: int


@dataclass
class Watcher:
    """Looks each second at every process that this one has started since it was made."""

    looks: list[Look] = field(default_factory=list)
    _before: frozenset[int] = field(default_factory=lambda: machine.descendants(os.getpid()))
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch while the block runs."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        began_s = time.monotonic()
        while not self._over.wait(_STEP_S):
            pids = machine.descendants(os.getpid()) - self._before
            self.looks.append(
                Look(
                    time.monotonic() - began_s,
                    sum(machine.resident_bytes(pid) for pid in pids),
                    sum(machine.descriptors(pid) for pid in pids),
                )
            )


def main() -> int:
    """Run the load and judge what was seen."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, metavar="M", help="default: 60")
    seconds = parser.parse_args().minutes * 60
    server_cpu, client_cpu = machine.processors()
    machine.settle(client_cpu)
    with (
        tempfile.TemporaryDirectory() as name,
        truth_server(Path(name), seconds=int(seconds + _START_S), cpu=server_cpu) as truth,
    ):
        session = Session(truth, Path(name), rounds=1, seconds=seconds, server_cpu=server_cpu)
        watcher = Watcher()
        with watcher.watching():
            load = ours.run(session, SCHEDULE, users=STREAMS)
    return _conclude(judge(watcher.looks, seconds=seconds), watcher.looks, load)


def judge(looks: Sequence[Look], *, seconds: float) -> list[str]:
    """What has grown; the first looks are the start, the last ones the end of the load."""
    began = next((look.at_s for look in looks if look.descriptors >= STREAMS), None)
    if began is None:
        return [f"the client never had {STREAMS} connections"]
    warm_s = began + max(WARMUP_SHARE * seconds, LEAST_WARMUP_S)
    steady = [look for look in looks if warm_s <= look.at_s <= began + WARMUP_S + seconds]
    if len(steady) < 2:
        return ["the load was too short to be judged"]
    first, rest = steady[0], steady[1:]
    most, files = max(look.resident for look in rest), max(look.descriptors for look in rest)
    off = []
    if most > GROWTH * first.resident:
        off.append(f"memory grew from {first.resident / _MB:.1f} to {most / _MB:.1f} MB")
    if files > first.descriptors:
        off.append(f"descriptors grew from {first.descriptors} to {files}")
    return off


def _conclude(off: list[str], looks: Sequence[Look], load: ours.Load) -> int:
    off += load.faults
    shown = looks[:: max(1, len(looks) // 12)]
    lines = [
        f"{look.at_s:6.0f} s {look.resident / _MB:8.1f} MB {look.descriptors:6} descriptors"
        for look in shown
    ]
    lines += [f"{len(load.samples)} requests at {STREAMS} streams", *load.notes()]
    lines += [f"off: {sentence}" for sentence in off] or ["nothing grew"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if off else 0


if __name__ == "__main__":
    raise SystemExit(main())
