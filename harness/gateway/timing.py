"""When the upstream's events happen: a schedule as data, drawn from a seed.

All times are integers in nanoseconds after the request arrived at the upstream.
"""

from dataclasses import dataclass, replace

from harness.gateway.rng import Rng
from harness.wire import Chunk, Response

_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Stall:
    """A pause of `duration_ns` before the output with number `before` (1 is the second output)."""

    before: int
    duration_ns: int


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the upstream takes and how much it says.

    `ttft_ns` is the time to the first token, `itl_ns` the time between two tokens; `jitter` moves
    each by up to that fraction, both ways. `tokens` fixes the natural length of every answer; None
    lets it vary with the request. `tokens_per_chunk` is how many tokens one event carries
    (speculative decoding sends several). `route_extra_ns` delays every answer of a route by a fixed
    time, `gateway_ns` is what an answer takes that never leaves the gateway.
    """

    ttft_ns: int = 5 * _MS
    itl_ns: int = 1 * _MS
    jitter: float = 0.0
    tokens: int | None = None
    tokens_per_chunk: int = 1
    stalls: tuple[Stall, ...] = ()
    gateway_ns: int = 200_000
    route_extra_ns: tuple[tuple[str, int], ...] = ()

    def extra_ns(self, route: str) -> int:
        """The fixed delay of a route."""
        return dict(self.route_extra_ns).get(route, 0)

    def schedule(self, count: int, rng: Rng) -> list[int]:
        """The times of `count` outputs, never decreasing; one time when there is no output."""
        now = self._moved(self.ttft_ns, rng)
        times = [now]
        stalls = {stall.before: stall.duration_ns for stall in self.stalls}
        for number in range(1, count):
            now += self._moved(self.itl_ns, rng) + stalls.get(number, 0)
            times.append(now)
        return times

    def _moved(self, duration_ns: int, rng: Rng) -> int:
        if not self.jitter:
            return duration_ns
        return max(0, round(duration_ns * (1 + self.jitter * (2 * rng.unit() - 1))))


def shifted(answer: Response, by_ns: int) -> Response:
    """The answer `by_ns` later."""
    if by_ns == 0:
        return answer
    return replace(
        answer,
        chunks=tuple(Chunk(chunk.data, chunk.at_ns + by_ns) for chunk in answer.chunks),
        head_at_ns=answer.head_at_ns + by_ns,
        end_at_ns=answer.end_at_ns + by_ns,
    )
