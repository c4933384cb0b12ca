"""From the command to its first request, beside Locust's own start."""

import subprocess
import sys
import time
from statistics import median

from tests.bench import peer
from tests.bench.session import Session
from tests.bench.table import Row, spread

ALLOWED_S = 0.3
_MOST_S = 60.0
_POLL_S = 0.02
CALIBRATION = "--no-calibrate"


def rows(session: Session) -> list[Row]:
    """One row; without the calibration, which is a measurement and takes its time."""
    mine: list[float] = []
    theirs: list[float] = []
    options = [CALIBRATION] if CALIBRATION in _help(session) else []
    for _ in range(session.rounds):
        mine.append(_first_request_s(session, [*_ours(session), *options]))
        theirs.append(_first_request_s(session, _locust(session)))
    value, other = median(mine), median(theirs)
    return [
        Row(
            " ".join(["load to the first request", *options]),
            f"{value:.2f} s",
            f"Locust {other:.2f} s",
            f"{value - other:+.2f} s",
            f"<= Locust + {ALLOWED_S:g} s",
            value <= other + ALLOWED_S,
            (f"ours: {spread(mine)}; Locust: {spread(theirs)}",),
        )
    ]


def _ours(session: Session) -> list[str]:
    command = [sys.executable, "-m", "harness", "load", "native", "--quiet"]
    command += ["--target", session.truth.origin, "--rid-header", "x-rid", "--no-stream"]
    return [*command, "--users", "1", "--warmup", "0s", "--duration", "1s", "--out", "out"]


def _locust(session: Session) -> list[str]:
    return peer.locust_command(peer.PEERS / "first_request.py", session.truth.origin, users=1)


def _help(session: Session) -> str:
    command = [sys.executable, "-m", "harness", "load", "--help"]
    folder, env = session.new_folder(), peer.environment()
    return subprocess.run(
        command, cwd=folder, env=env, check=True, capture_output=True, text=True
    ).stdout


def _first_request_s(session: Session, command: list[str]) -> float:
    """Seconds from the start of the process to the server's reading of the first request."""
    session.truth.configure(delay_us=1_000)
    folder = session.new_folder()
    began_ns = time.monotonic_ns()
    with peer.started(command, folder, peer.environment()) as client:
        until = time.monotonic() + _MOST_S
        while not session.truth.statistics()["nrec"]:
            if time.monotonic() > until:
                raise TimeoutError((folder / "log").read_text("utf-8", "replace")[-2000:])
            time.sleep(_POLL_S)
        client.wait(_MOST_S)
    received_ns = int(session.truth.read(folder).rows["arrived"].min())
    return (received_ns - began_ns) / 1e9
