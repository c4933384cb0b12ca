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
from harness.report.report import ordered_routes
from harness.report.tables import Column, ColumnKind, Medium, Row, Table, columns

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


def table(found: Sequence[Arm]) -> Table:
    """Each arm with its medians."""
    head = (
        Column("arm", ColumnKind.NAME),
        Column("connections", ColumnKind.NAME, Medium.MARKDOWN),
        Column("dns", least=Medium.MARKDOWN),
        *columns(ColumnKind.NUMBER, "connect", "tls", "round trip", "first byte", "without it"),
        Column("first token", least=Medium.MARKDOWN),
    )
    return Table("On the way", head, tuple(_row(each) for each in found))


def _row(arm: Arm) -> Row:
    seen = (arm.rtt_ms, arm.first_byte_ms, arm.far_side_ms)
    return (
        arm.route,
        f"{figures.count(arm.opened)} opened, {figures.count(arm.reused)} kept",
        *(_shown(time, "none opened") for time in (arm.dns_ms, arm.connect_ms, arm.tls_ms)),
        *(_shown(time, "not measured") for time in seen),
        _shown(arm.first_token_ms, "no output"),
    )


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
