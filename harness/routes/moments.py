"""When things happened in one answer, noted while it is read."""

from harness.measure.timeline import Timeline
from harness.routes.completion import ANSWER, OUTPUT, REASONING, ROLE, USAGE
from harness.wire import End


class Moments:
    """An accumulator of one answer's moments, in nanoseconds after sending.

    Each is the latest time at which it can have happened; of those that metrics use the earliest is
    kept too, in the field that ends in `_since` (`outputs` and `outputs_since` by output).
    """

    __slots__ = (
        "first_answer",
        "first_answer_since",
        "first_byte",
        "first_byte_since",
        "first_event",
        "first_output",
        "first_output_since",
        "first_reasoning",
        "first_role",
        "headers",
        "outputs",
        "outputs_since",
        "usage",
    )

    def __init__(self) -> None:
        self.headers: int | None = None
        self.first_byte: int | None = None
        self.first_event: int | None = None
        self.first_role: int | None = None
        self.first_reasoning: int | None = None
        self.first_output: int | None = None
        self.first_answer: int | None = None
        self.first_byte_since = self.first_output_since = self.first_answer_since = 0
        self.outputs: list[int] = []
        self.outputs_since: list[int] = []
        self.usage: int | None = None

    def note(self, carried: int, at_ns: int, since_ns: int | None = None) -> None:
        """Note what a document carried, in the bits of `completion`."""
        if carried & OUTPUT:
            since_ns = at_ns if since_ns is None else since_ns
            self.outputs.append(at_ns)
            self.outputs_since.append(since_ns)
            if self.first_output is None:
                self.first_output, self.first_output_since = at_ns, since_ns
            if carried & ANSWER and self.first_answer is None:
                self.first_answer, self.first_answer_since = at_ns, since_ns
            if carried & REASONING and self.first_reasoning is None:
                self.first_reasoning = at_ns
        if carried & ROLE and self.first_role is None:
            self.first_role = at_ns
        if carried & USAGE:
            self.usage = at_ns

    def note_byte(self, at_ns: int, since_ns: int) -> None:
        """Note the first body byte."""
        self.first_byte, self.first_byte_since = at_ns, since_ns

    @property
    def coalesced(self) -> int:
        """Outputs that share a receive time with the one before."""
        outputs = self.outputs
        return sum(1 for i in range(1, len(outputs)) if outputs[i] == outputs[i - 1])

    def timeline(
        self, sent_ns: int, scheduled_ns: int | None, *, end: End, end_at_ns: int
    ) -> Timeline:
        """The moments on the clock of `sent_ns`."""

        def on_clock(at_ns: int | None) -> int | None:
            return None if at_ns is None else sent_ns + at_ns

        return Timeline(
            sent_ns=sent_ns,
            scheduled_ns=scheduled_ns,
            headers_ns=on_clock(self.headers),
            first_byte_ns=on_clock(self.first_byte),
            first_event_ns=on_clock(self.first_event),
            first_role_ns=on_clock(self.first_role),
            first_reasoning_ns=on_clock(self.first_reasoning),
            first_output_ns=on_clock(self.first_output),
            first_answer_ns=on_clock(self.first_answer),
            outputs_ns=tuple([sent_ns + at_ns for at_ns in self.outputs]),
            usage_ns=on_clock(self.usage),
            done_ns=on_clock(end_at_ns) if end is End.COMPLETE else None,
            closed_ns=on_clock(end_at_ns) if end in (End.CUT, End.RESET) else None,
        )
