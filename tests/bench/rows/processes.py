"""What a second process costs: requests per second of processor time, with two and with one."""

from functools import partial
from statistics import median

from tests.bench import ours
from tests.bench.ours import Load
from tests.bench.session import Meter, Session
from tests.bench.table import Row, spread

IN_FLIGHT = 32
LEAST = 0.85


def rows(session: Session) -> list[Row]:
    """One row."""
    one: list[float] = []
    two: list[float] = []
    faults: list[str] = []
    for _ in range(session.rounds):
        for processes, figures in ((1, one), (2, two)):
            meter = Meter(session.truth, seconds=session.seconds / 2)
            load, cost = meter.beside(partial(_load, session, processes))
            figures.append(cost.requests / cost.cpu_s)
            faults += (*load.faults, *load.outcome.problems)
    share = median(two) / median(one)
    return [
        Row(
            "two processes: requests per client CPU-second",
            f"{median(two):.0f}",
            f"one process of ours {median(one):.0f}",
            f"{share:.2f}",
            f">= {LEAST:g} of one process",
            share >= LEAST and not faults,
            (f"one: {spread(one, '.0f')}; two: {spread(two, '.0f')}", *faults),
        )
    ]


def _load(session: Session, processes: int) -> Load:
    return ours.run(session, {"delay_us": 0}, processes=processes, users=IN_FLIGHT, stream=False)
