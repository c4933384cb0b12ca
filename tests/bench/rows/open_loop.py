"""An open loop at 1,000/s while the server stands still for a second."""

from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from tests.bench import ours
from tests.bench.ours import Load
from tests.bench.session import WARMUP_S, Session
from tests.bench.streams import MS
from tests.bench.table import Row, spread, under

RATE = 1_000.0
DELAY_US = 5_000
STALL_MS = 1_000


@dataclass(frozen=True, slots=True)
class Figures:
    """One round; times in milliseconds, `p99_off` and `rate_off` as shares."""

    rate_off: float
    lag_p99: float
    dropped: int
    p99: float
    p99_true: float
    cores: float

    @property
    def p99_off(self) -> float:
        """How far our p99 from schedule is from the truth."""
        return abs(self.p99 / self.p99_true - 1)


def rows(session: Session) -> list[Row]:
    """One row per bar; the load is twice as long as others."""
    found = []
    faults: list[str] = []
    for _ in range(session.rounds):
        load = _load(session)
        found.append(_figures(load))
        faults += load.faults
    judged = [
        under("open loop: rate off", [100 * one.rate_off for one in found], 1, unit="%"),
        under("open loop: start lag p99", [one.lag_p99 for one in found], 2),
        _dropped(found),
        under(
            "open loop: p99 from schedule off", [100 * one.p99_off for one in found], 5, unit="%"
        ),
        under("open loop: CPU", [one.cores for one in found], 0.35, unit="core"),
    ]
    told = [f"p99 from schedule by round: {spread([one.p99 for one in found], '.1f')} ms"]
    told.append(f"the server's record: {spread([one.p99_true for one in found], '.1f')} ms")
    judged[-1] = replace(judged[-1], notes=(*told, *faults))
    return [replace(row, met=row.met and not faults) for row in judged]


def _load(session: Session) -> Load:
    length_s = 2 * session.seconds
    stall_at_ms = int((WARMUP_S + length_s * 0.4) * 1e3)
    return ours.run(
        session,
        {"delay_us": DELAY_US, "stall_at_ms": stall_at_ms, "stall_ms": STALL_MS},
        rate=RATE,
        in_flight=int(10 * RATE),
        stream=False,
        duration_s=length_s,
    )


def _figures(load: Load) -> Figures:
    scheduled, sent, done = (
        ours.column(load.steady, name) for name in ("scheduled_ns", "sent_ns", "done_ns")
    )
    places = load.record.places(ours.column(load.steady, "seq"))
    arrived = np.sort(load.record.rows["arrived"][places])
    rate = (len(arrived) - 1) / ((arrived[-1] - arrived[0]) / 1e9)
    return Figures(
        rate_off=float(abs(rate / RATE - 1)),
        lag_p99=float(np.percentile(sent - scheduled, 99)) / MS,
        dropped=load.outcome.dropped,
        p99=float(np.percentile(done - scheduled, 99)) / MS,
        p99_true=float(np.percentile(load.record.rows["end"][places] - scheduled, 99)) / MS,
        cores=load.cores,
    )


def _dropped(found: list[Figures]) -> Row:
    most = max(one.dropped for one in found)
    middle = median(one.dropped for one in found)
    return Row("open loop: dropped", f"{middle:g}", bar="0 in every round", met=most == 0)
