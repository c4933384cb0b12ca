"""A clock that moves only when somebody moves it."""


class VirtualClock:
    """Nanoseconds that pass when a schedule is played, not while the machine works.

    `now_ns` has the signature of `time.monotonic_ns`, so a transport takes either. A respx face and
    the transport in front of it share one object: an answer's chunks then arrive at their times.
    """

    __slots__ = ("_now_ns",)

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """The present moment."""
        return self._now_ns

    def advance(self, by_ns: int) -> None:
        """Let `by_ns` pass."""
        self.advance_to(self._now_ns + by_ns)

    def advance_to(self, at_ns: int) -> None:
        """Let time pass until `at_ns`; a moment that is already past changes nothing."""
        self._now_ns = max(self._now_ns, at_ns)
