"""What each arm of a comparison spent on the way: its connections, the network, the first byte.

Times are medians in milliseconds, so that two arms can be told apart by where they lose time. The
round trip is the least that the kernel saw (`tcp_info.tcpi_min_rtt`, linux/tcp.h); what is left of
the first byte without it was spent at the far side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.report import figures
from harness.report.arrays import Floats
from harness.report.frame import Frame, latency
from harness.report.summary import ordered_routes

SETUP = ("dns", "connect", "tls")
_NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm; a time is None where it was not measured, `setup` times where nothing was opened.

    So it stands in the `arms` of `comparison.json`.
    """

    route: str
    opened: int
    reused: int
    dns_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    rtt_ms: float | None
    first_byte_ms: float | None
    far_side_ms: float | None
    first_token_ms: float | None


def arms(rows: Frame) -> tuple[Arm, ...]:
    """Every arm, over its requests that succeeded."""
    routes = rows.where(rows.ok).by("route")
    return tuple(_arm(route, routes[route]) for route in ordered_routes(routes))


def setup_of(rows: Frame) -> Floats:
    """What opening a connection took, in milliseconds, before the request of each row was sent."""
    dns, connect, tls = (np.nan_to_num(_ms(rows, name)) for name in SETUP)
    return dns + connect + tls


FEW = (0, 3, 4, 5, 6, 7)
"""What of `HEAD` a narrow table has room for."""
HEAD = ("arm", "connections", *SETUP, "round trip", "first byte", "without it", "first token")


def lines(found: Sequence[Arm]) -> list[list[str]]:
    """Each arm as texts under `HEAD`."""
    return [
        [
            each.route,
            f"{figures.count(each.opened)} opened, {figures.count(each.reused)} kept",
            *(_shown(getattr(each, f"{name}_ms"), "none opened") for name in SETUP),
            *(
                _shown(time, "not measured")
                for time in (each.rtt_ms, each.first_byte_ms, each.far_side_ms)
            ),
            _shown(each.first_token_ms, "no output"),
        ]
        for each in found
    ]


def _shown(milliseconds: float | None, otherwise: str) -> str:
    return otherwise if milliseconds is None else figures.duration(milliseconds)


def _arm(route: str, rows: Frame) -> Arm:
    reused = rows.flags("reused")
    first_byte = latency(rows, "ttfb").data
    rtt = _ms(rows, "rtt")
    return Arm(
        route,
        opened=int((~reused).sum()),
        reused=int(reused.sum()),
        **{f"{name}_ms": _median(_ms(rows, name)) for name in SETUP},
        rtt_ms=_median(rtt),
        first_byte_ms=_median(first_byte),
        far_side_ms=_median(first_byte - rtt),
        first_token_ms=_median(latency(rows, "ttft").data),
    )


def _ms(rows: Frame, name: str) -> Floats:
    return rows.floats(f"{name}_ns") / _NS_PER_MS


def _median(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None
