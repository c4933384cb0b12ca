"""What one plain request costs: 32 in flight, JSON parsed, Locust's event fired, a sample kept."""

from statistics import median

from tests.bench import ours, peer
from tests.bench.session import Meter, Session
from tests.bench.table import Row, spread

IN_FLIGHT = 32
SCHEDULE = {"delay_us": 0}
PEERS = {"FastHttpUser": ("fast_http_user", 1 / 4), "HttpUser": ("http_user", 1 / 15)}


def rows(session: Session) -> list[Row]:
    """One row for each peer with a bar."""
    mine: list[float] = []
    whole: list[float] = []
    notes: list[str] = []
    theirs: dict[str, list[float]] = {name: [] for name in (*PEERS, "wrk")}
    for _ in range(session.rounds):
        meter = Meter(session.truth, seconds=session.seconds / 2)
        load, cost = meter.beside(
            lambda: ours.run(session, SCHEDULE, users=IN_FLIGHT, stream=False)
        )
        mine.append(load.us_per_request)
        whole.append(cost.us_per_request)
        notes += load.faults
        for name, (file, _) in PEERS.items():
            session.truth.configure(**SCHEDULE)
            theirs[name].append(peer.locust(session, file, users=IN_FLIGHT)[0].us_per_request)
        notes += _wrk(session, theirs["wrk"])
    return [
        _row(name, bar, mine, theirs, tuple(dict.fromkeys((*_told(mine, whole, theirs), *notes))))
        for name, (_, bar) in PEERS.items()
    ]


def _wrk(session: Session, figures: list[float]) -> list[str]:
    session.truth.configure(**SCHEDULE)
    try:
        figures.append(peer.wrk(session, connections=IN_FLIGHT).us_per_request)
    except FileNotFoundError as error:
        return [str(error)]
    return []


def _told(mine: list[float], whole: list[float], theirs: dict[str, list[float]]) -> list[str]:
    told = [f"ours, by round: {spread(mine)}; all our processes by /proc: {spread(whole)}"]
    return told + [f"{name}, by round: {spread(all_)}" for name, all_ in theirs.items() if all_]


def _row(
    name: str, bar: float, mine: list[float], theirs: dict[str, list[float]], notes: tuple[str, ...]
) -> Row:
    value, other = median(mine), median(theirs[name])
    least = f", wrk {median(theirs['wrk']):.1f}" if theirs["wrk"] else ", wrk -"
    ratio = value / other
    faulty = any("requests" in note for note in notes)
    return Row(
        f"plain, {IN_FLIGHT} in flight: CPU per request",
        f"{value:.1f} us",
        f"{name} {other:.0f} us{least}",
        f"1/{1 / ratio:.1f}",
        f"<= 1/{1 / bar:.0f} of {name}",
        ratio <= bar and not faulty,
        notes if name == next(iter(PEERS)) else (),
    )
