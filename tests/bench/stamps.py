"""What kernel receive stamps would add to the times of a contract run.

    python -m tests.bench.stamps           # as the machine is
    python -m tests.bench.stamps --busy 4  # beside so many busy loops

A server in a process of its own sends pieces on a schedule and notes when; a blocking reader notes
when it read each piece, and when the kernel says that it came. A reader that is later than the gap
between two pieces finds them merged, under one stamp, the last one's: that is what a late reader
cannot repair. What is printed is the greatest error within a stream, over all streams.
"""

import argparse
import multiprocessing
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from harness.transports.gevent.stamps import ANCILLARY_BYTES, READ_BYTES, StampClock, enable

GAPS_S = (0.001, 0.004, 0.02)
PIECES, STREAMS, SIZE = 40, 25, 50


def serve(pipe: Any, gap_s: float) -> None:
    """Send every stream, and after each the times at which its pieces left."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        pipe.send(server.getsockname()[1])
        for _ in range(STREAMS):
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            begin_s, sent_ns = time.monotonic() + 0.02, []
            for number in range(PIECES):
                time.sleep(max(0.0, begin_s + number * gap_s - time.monotonic()))
                sent_ns.append(time.monotonic_ns())
                connection.sendall(b"x" * SIZE)
            connection.close()
            pipe.send(sent_ns)


def read(port: int) -> list[tuple[int, int, int]]:
    """When each read ended, when the kernel says that it came, and how many pieces it held."""
    found: list[tuple[int, int, int]] = []
    clock = StampClock()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        enable(connection)
        while True:
            data, ancillary, _, _ = connection.recvmsg(READ_BYTES, ANCILLARY_BYTES)
            now_ns = time.monotonic_ns()
            if not data:
                return found
            clock.look()
            found.append((now_ns, clock.stamp_ns(ancillary) or now_ns, len(data) // SIZE))


def measure(gap_s: float) -> str:
    """One line: the greatest errors of the streams with such a gap, and how much was merged."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there, gap_s))
    server.start()
    port, errors, merged = here.recv(), [], 0
    for _ in range(STREAMS):
        reads = [each for each in read(port) for _ in range(each[2])]
        sent = here.recv()
        errors.append(
            [max(each[n] - s for each, s in zip(reads, sent, strict=True)) for n in (0, 1)]
        )
        merged += PIECES - len({each[0] for each in reads})
    server.join()
    p90 = np.quantile(np.array(errors) / 1e6, 0.9, axis=0)
    share = merged / (PIECES * STREAMS)
    return (
        f"gap {gap_s * 1e3:g} ms: greatest error of a stream (p90) {p90[0]:.1f} ms as read, "
        f"{p90[1]:.2f} ms as stamped; {share:.0%} of the pieces merged"
    )


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """So many busy loops beside."""
    beside = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(loops)]
    for each in beside:
        each.start()
    try:
        yield
    finally:
        for each in beside:
            each.kill()


def _spin() -> None:
    until_s = time.monotonic() + 300
    while time.monotonic() < until_s:
        pass


def main() -> None:
    """Print a line per gap, and how loaded the machine was."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--busy", type=int, default=0, metavar="N")
    loops = parser.parse_args().busy
    with busy(loops):
        for gap_s in GAPS_S:
            print(measure(gap_s), flush=True)  # noqa: T201
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors, {loops} busy loops")  # noqa: T201


if __name__ == "__main__":
    main()
