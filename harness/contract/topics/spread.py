"""Whether an answer came while it was made, as far as this process was on time to see it."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.contract.clause import Finding, Unjudged
from harness.contract.fault import told
from harness.contract.observation import Observation

LONG_NS = 20_000_000
"""An answer that takes less than this longer than a short one is too fast to be judged."""


def busy(late_ns: int) -> Unjudged:
    """That this process was too late itself to tell."""
    late = f"this process ran up to {late_ns / 1e6:.0f} ms late"
    return Unjudged(f"{late}, and could have caused it: run on a quieter machine")


def _duration(seen: Observation) -> int:
    return seen.response.end_at_ns if seen.response else 0


def generation(short: Observation, long: Observation) -> int:
    """How much longer a long plain answer took than a short one, at least, in nanoseconds.

    A late reader makes an answer longer, never shorter, so lateness is taken off the long one.
    """
    return max(0, _duration(long) - long.late_ns - _duration(short))


@dataclass(frozen=True, slots=True)
class TimedTurn:
    """One measurement: how long an answer took to make, and over how long its stream was spread.

    Both ends of a stream are seen when they came or later, so a spread is wrong by how late this
    process was, `late_ns`, at most. `parts` says what came. Times are nanoseconds.
    """

    made_ns: int
    spread_ns: int
    late_ns: int
    parts: str

    @property
    def kept(self) -> bool:
        """Whether the stream came while it was made."""
        return self.spread_ns - self.late_ns >= self.made_ns // 5

    @property
    def held(self) -> bool:
        """Whether it was held back: of an answer that is made in no time nobody can say."""
        late = self.spread_ns + self.late_ns >= self.made_ns // 5
        return self.made_ns >= LONG_NS and not late


def spread(turns: Sequence[TimedTurn], *, least: int) -> Finding:
    """Kept if any measurement shows it, broken if all of `least` or more do."""
    if not turns or all(turn.made_ns + turn.late_ns < LONG_NS for turn in turns):
        return None
    if any(turn.kept for turn in turns if turn.made_ns >= LONG_NS):
        return ()
    if not all(turn.held for turn in turns):
        return busy(max(turn.late_ns for turn in turns))
    if len(turns) < least:
        return Unjudged("it looked held back, and was not measured again")
    first = turns[0]
    wanted = f"output spread over about {first.made_ns / 1e6:.0f} ms of generation"
    came = f"{first.parts} within {first.spread_ns / 1e6:.1f} ms, {len(turns)} times of as many"
    return (told(wanted, came, "arrival times of the stream"),)
