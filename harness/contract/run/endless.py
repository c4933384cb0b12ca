"""Answers that never end or hold far too much: how much of a run they may take."""

from dataclasses import dataclass, replace

from harness.contract.answer import bounds
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

    def kept(self, seen: Observation) -> Observation:
        """What a run keeps of an answer after every clause on single answers has judged it.

        A large one is an outline where there is no more room: who was asked and what came of it,
        without what it said. The clauses over a whole run then judge the others.
        """
        size = bounds.size(seen.exchange)
        if size <= bounds.SMALL or self.held + size <= bounds.HELD:
            self.held += size
            return seen
        return outline(seen)

    def note(self, seen: Observation) -> str:
        """Count an answer; why the run should end, or nothing."""
        error, response, size = seen.exchange.error, seen.response, bounds.size(seen.exchange)
        if error is not None and response is not None:
            if error.kind in HANGS:
                self.hung_ns += response.end_at_ns
            elif size >= ENDLESS or error.kind is TransportKind.CLIENT_LIMIT:
                self.hung_ns += HUNG_NS // 3 + 1
        if self.hung_ns >= HUNG_NS:
            return f"answers begin and never end, or hold too much to be read; {NO_MORE}"
        return ""


def outline(seen: Observation) -> Observation:
    """The observation without a body and its readings; head, error and failure stay."""
    response, answer = seen.response, seen.answer
    return replace(
        seen,
        exchange=replace(seen.exchange, response=response and replace(response, chunks=())),
        reading=None,
        choices=(),
        answer=answer and replace(answer, events=(), choices=(), document=None, raw_text=None),
    )
