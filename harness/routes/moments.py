"""When things happened in one answer, noted while it arrives."""

from harness.measure.timeline import Timeline
from harness.routes.completion import ANSWER, OUTPUT, REASONING, ROLE, USAGE
from harness.wire import End


class Moments:
    """An accumulator of one answer's moments, in nanoseconds after sending."""

    __slots__ = (
        "first_answer",
        "first_byte",
        "first_event",
        "first_output",
        "first_reasoning",
        "first_role",
        "headers",
        "outputs",
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
        self.outputs: list[int] = []
        self.usage: int | None = None

    def note(self, carried: int, at_ns: int) -> None:
        """Note what a document carried, in the bits of `completion`."""
        if carried & OUTPUT:
            self.outputs.append(at_ns)
            if self.first_output is None:
                self.first_output = at_ns
            if carried & REASONING and self.first_reasoning is None:
                self.first_reasoning = at_ns
            if carried & ANSWER and self.first_answer is None:
                self.first_answer = at_ns
        if carried & ROLE and self.first_role is None:
            self.first_role = at_ns
        if carried & USAGE:
            self.usage = at_ns

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
