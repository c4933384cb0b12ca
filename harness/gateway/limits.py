"""Request counting in fixed and sliding windows (ai-gateway/features/rate-limiting/).

Fixed windows align to the clock: a 60 s window starts at the full minute. A sliding count is the
previous window weighted by what of it is still inside: `prev * (S - t) / S + cur`.
"""

from harness.gateway.config import RateLimit

_SECOND_NS = 1_000_000_000


class Limiter:
    """Admits or refuses; `now_ns` is Unix time. Refused requests count only if `count_refused`."""

    def __init__(self, limit: RateLimit, *, count_refused: bool = False) -> None:
        self.limit = limit
        self._count_refused = count_refused
        self._window = 0
        self._current = 0
        self._previous = 0

    def admit(self, now_ns: int, *, spare: int = 0) -> bool:
        """Whether the request at `now_ns` is within the limit plus `spare`; counts it."""
        self._advance(now_ns // (self.limit.seconds * _SECOND_NS))
        admitted = self._load(now_ns) < self.limit.limit + spare
        if admitted or self._count_refused:
            self._current += 1
        return admitted

    def _advance(self, window: int) -> None:
        if window == self._window:
            return
        self._previous = self._current if window == self._window + 1 else 0
        self._current = 0
        self._window = window

    def _load(self, now_ns: int) -> float:
        if self.limit.technique == "fixed":
            return self._current
        length_ns = self.limit.seconds * _SECOND_NS
        left = (length_ns - now_ns % length_ns) / length_ns
        return self._previous * left + self._current
