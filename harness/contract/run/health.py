"""Which routes can still be judged, as far as the answers tell.

A route that only fails is asked plainly, with nothing else in flight, before it is given up: what
fails only beside other requests is a finding about the target, and no outage.
"""

from dataclasses import dataclass, field

from harness.contract.observation import Observation
from harness.contract.run.outage import RouteOutage, outage
from harness.errors import TransportKind

GIVE_UP = 4
"""After so many outages in a row a route is given up, unless a plain request is answered."""
SILENT = (TransportKind.FIRST_BYTE_TIMEOUT, TransportKind.IDLE_TIMEOUT, TransportKind.TOTAL_TIMEOUT)
"""Failures that take so long that they are not asked for again."""


@dataclass(slots=True)
class Health:
    """`outages` has the routes that are given up, `answered` those that ever answered."""

    outages: dict[str, RouteOutage] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    _in_a_row: dict[str, int] = field(default_factory=dict)
    _doubts: dict[str, RouteOutage] = field(default_factory=dict)

    def note(self, seen: Observation) -> None:
        """Take an answer into account."""
        route, found = seen.case.route, outage(seen)
        self._in_a_row[route] = self._in_a_row.get(route, 0) + 1 if found else 0
        if seen.ok:
            self.answered.add(route)
        if found is not None and self._in_a_row[route] >= GIVE_UP:
            (self._doubts if _may_be_asked(seen, found) else self.outages)[route] = found

    def doubt(self, route: str) -> RouteOutage | None:
        """The outage that a route seems to have, told once; None for one that is given up."""
        found = self._doubts.pop(route, None)
        return None if route in self.outages else found


def _may_be_asked(seen: Observation, found: RouteOutage) -> bool:
    error = seen.exchange.error
    return not found.whole_origin and (error is None or error.kind not in SILENT)
