"""Answers that begin and never end: how much of a run they may take."""

from dataclasses import dataclass

from harness.contract.observation import Observation
from harness.errors import TransportKind

HUNG_NS = 20_000_000_000
"""So much time spent on answers that never end ends the run."""
ENDLESS = 8 << 20
"""Bytes of an answer that was cut off; after three of them no more are taken."""
HANGS = (TransportKind.IDLE_TIMEOUT, TransportKind.TOTAL_TIMEOUT)
STOPPED = "answers begin and never end; no more requests were sent"


@dataclass(slots=True)
class Endless:
    """Adds up what such answers took."""

    hung_ns: int = 0

    def note(self, seen: Observation) -> bool:
        """Count an answer if it is one of them; whether the run should end."""
        error, response = seen.exchange.error, seen.response
        if error is not None and response is not None:
            if error.kind in HANGS:
                self.hung_ns += response.end_at_ns
            elif sum(len(chunk.data) for chunk in response.chunks) >= ENDLESS:
                self.hung_ns += HUNG_NS // 3 + 1
        return self.hung_ns >= HUNG_NS
