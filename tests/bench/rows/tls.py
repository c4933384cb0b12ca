"""How far the times of streams are off over TLS, beside the plainest client that there can be."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from tests.bench import ours, peer, streams
from tests.bench.rows.streaming import SCHEDULE
from tests.bench.session import WARMUP_S, Session
from tests.bench.streams import Errors
from tests.bench.table import Row, unknown
from tests.bench.terminator import Terminator, terminator

STREAMS = 200
ALLOWED_MS = 2.0
WHAT = {"TTFT error p99": "ttft_p99", "inter-chunk p99 error": "gap_p99"}


def rows(session: Session) -> list[Row]:
    """One row for each error."""
    folder = session.new_folder()
    try:
        with terminator(folder, session.truth.origin, cpu=session.server_cpu) as tls:
            return _rows(session, tls)
    except FileNotFoundError as error:
        return [unknown(f"TLS, {STREAMS} streams: p99 errors", str(error))]


def _rows(session: Session, tls: Terminator) -> list[Row]:
    found: list[Errors] = []
    theirs: list[Errors] = []
    notes: list[str] = []
    faults: list[str] = []
    for _ in range(session.rounds):
        with _trusted(tls.authority):
            load = ours.run(session, SCHEDULE, users=STREAMS, origin=tls.origin)
        found.append(streams.errors(load.streams(), load.record))
        theirs.append(_reference(session, tls))
        faults += load.faults
        notes.append(f"ours: {found[-1]}; {'; '.join(load.notes())}")
        notes.append(f"reference: {theirs[-1]}")
    judged = [_row(what, name, found, theirs, faulty=bool(faults)) for what, name in WHAT.items()]
    judged[-1] = replace(judged[-1], notes=tuple(notes))
    return judged


def _row(what: str, name: str, found: list[Errors], theirs: list[Errors], *, faulty: bool) -> Row:
    value = median(getattr(one, name) for one in found)
    other = median(getattr(one, name) for one in theirs)
    return Row(
        f"TLS, {STREAMS} streams: {what}",
        f"{value:.3g} ms",
        f"reference epoll client {other:.3g} ms",
        f"{value - other:+.3g} ms",
        f"<= reference + {ALLOWED_MS:g} ms",
        value <= other + ALLOWED_MS and not faulty,
    )


def _reference(session: Session, tls: Terminator) -> Errors:
    session.truth.configure(**SCHEDULE)
    folder = session.new_folder()
    request = peer.write_request(session, folder, stream=True)
    seconds = WARMUP_S + session.seconds
    command = [sys.executable, "-m", "tests.bench.reference_client", tls.origin]
    command += ["--authority", str(tls.authority), "--request", str(request)]
    command += ["--record", str(folder / "record"), "--connections", str(STREAMS)]
    subprocess.run(
        [*command, "--seconds", str(seconds)],
        env=peer.environment(),
        check=True,
        timeout=seconds + 60,
    )
    record = session.truth.read(folder)
    begin_ns = int(record.rows["received"].min() + WARMUP_S * 1e9)
    return streams.errors(streams.read(str(folder / "record"), after_ns=begin_ns), record)


@contextmanager
def _trusted(authority: Path) -> Iterator[None]:
    """The harness trusts this authority, as by its documented variable."""
    os.environ["SSL_CERT_FILE"] = str(authority)
    try:
        yield
    finally:
        del os.environ["SSL_CERT_FILE"]
