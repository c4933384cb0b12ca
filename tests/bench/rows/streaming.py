"""How far the times of streams are off at 400 and at 800 at once, and what they cost."""

from dataclasses import dataclass, replace
from functools import partial
from statistics import median

from tests.bench import ours, peer, streams
from tests.bench.session import WARMUP_S, Session
from tests.bench.streams import Errors
from tests.bench.table import Row, under

SCHEDULE = {"ttft_us": 50_000, "gap_us": 10_000, "n": 100}


@dataclass(frozen=True, slots=True)
class Bars:
    """The limits at one number of streams, in milliseconds and cores; None is no bar."""

    ttft_p50: float | None
    ttft_p99: float
    gap_p99: float
    cores: float | None


BARS = {400: Bars(0.2, 1.0, 0.3, 0.6), 800: Bars(None, 3.0, 1.0, None)}


def rows(session: Session, *, count: int) -> list[Row]:
    """One row per bar at `count` streams."""
    found: list[Errors] = []
    theirs: list[Errors] = []
    cores: list[float] = []
    notes: list[str] = []
    faults: list[str] = []
    for _ in range(session.rounds):
        load = ours.run(session, SCHEDULE, users=count)
        found.append(streams.errors(load.streams(), load.record))
        cores.append(load.cores)
        faults += load.faults
        notes.append(f"ours: {found[-1]}; {'; '.join(load.notes())}")
        theirs.append(_peer(session, count))
        notes.append(f"FastHttpUser readline: {theirs[-1]}")
    bars = BARS[count]
    judged = [
        _row(f"{count} streams: {what}", name, getattr(bars, name), found, theirs)
        for what, name in NAMES.items()
        if getattr(bars, name) is not None
    ]
    if bars.cores is not None:
        judged.append(under(f"{count} streams: CPU", cores, bars.cores, unit="core"))
    return _finished(judged, notes, faulty=bool(faults))


NAMES = {
    "TTFT error p50": "ttft_p50",
    "TTFT error p99": "ttft_p99",
    "inter-chunk p99 error": "gap_p99",
}
at_400 = partial(rows, count=400)
at_800 = partial(rows, count=800)


def _peer(session: Session, count: int) -> Errors:
    session.truth.configure(**SCHEDULE)
    _, file = peer.locust(session, "streaming_user", users=count, stream=True)
    record = session.truth.read(file.parent)
    begin_ns = int(record.rows["received"].min() + WARMUP_S * 1e9)
    return streams.errors(streams.read(str(file), after_ns=begin_ns), record)


def _row(what: str, name: str, limit: float, found: list[Errors], theirs: list[Errors]) -> Row:
    values = [getattr(one, name) for one in found]
    other = median(getattr(one, name) for one in theirs)
    row = under(what, values, limit, peers=f"FastHttpUser readline {other:.3g} ms")
    return replace(row, ratio=f"1/{other / median(values):.0f} of the peer")


def _finished(judged: list[Row], notes: list[str], *, faulty: bool) -> list[Row]:
    """The rows, with the notes under the last; none is met by a load that has faults."""
    whole = [replace(row, met=row.met and not faulty) for row in judged]
    whole[-1] = replace(whole[-1], notes=tuple(notes))
    return whole
