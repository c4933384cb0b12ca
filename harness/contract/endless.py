"""Answers that never end or hold far too much: how much of a run they may take."""

from dataclasses import dataclass

from harness.contract import bounds
from harness.contract.observation import Observation
from harness.errors import TransportKind

HUNG_NS = 20_000_000_000
"""So much time spent on answers that never end ends the run."""
ENDLESS = 8 << 20
"""Bytes of an answer that was cut off; after three of them no more are taken."""
HANGS = (TransportKind.IDLE_TIMEOUT, TransportKind.TOTAL_TIMEOUT)
NO_MORE = "no more requests were sent"


@dataclass(slots=True)
class Endless:
    """Adds up what such answers took, and what all answers hold."""

    hung_ns: int = 0
    held: int = 0

    def note(self, seen: Observation) -> str:
        """Count an answer; why the run should end, or nothing."""
        error, response, size = seen.exchange.error, seen.response, bounds.size(seen.exchange)
        self.held += size
        if error is not None and response is not None:
            if error.kind in HANGS:
                self.hung_ns += response.end_at_ns
            elif size >= ENDLESS or error.kind is TransportKind.CLIENT_LIMIT:
                self.hung_ns += HUNG_NS // 3 + 1
        if self.hung_ns >= HUNG_NS:
            return f"answers begin and never end, or hold too much to be read; {NO_MORE}"
        if self.held > bounds.HELD:
            return f"the answers had more than {bounds.HELD >> 20} MB; {NO_MORE}"
        return ""
