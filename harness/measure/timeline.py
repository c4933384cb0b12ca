"""When each thing happened in one request: the raw record that every metric is a view of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeline:
    """Moments of one request, CLOCK_MONOTONIC nanoseconds; None where it did not happen.

    `sent_ns` is just before the last byte of the request was handed to the kernel; `headers_ns` is
    the complete head, `first_byte_ns` the first body byte. `first_output_ns` is the first non-empty
    content, reasoning, refusal or tool call (model route: the first body byte); `first_answer_ns`
    is the same without reasoning. A role alone, an empty delta, a comment or a usage report is no
    output. `outputs_ns` holds every event that carried output; a plain completion puts out once,
    with its last byte. `usage_ns` is the last event with usage, `done_ns` the end of the message,
    None when it broke off, `closed_ns` the end of the connection where that ended the answer.
    """

    sent_ns: int
    scheduled_ns: int | None = None
    headers_ns: int | None = None
    first_byte_ns: int | None = None
    first_event_ns: int | None = None
    first_role_ns: int | None = None
    first_reasoning_ns: int | None = None
    first_output_ns: int | None = None
    first_answer_ns: int | None = None
    outputs_ns: tuple[int, ...] = ()
    usage_ns: int | None = None
    done_ns: int | None = None
    closed_ns: int | None = None

    @property
    def last_output_ns(self) -> int | None:
        """The last event that carried output."""
        return self.outputs_ns[-1] if self.outputs_ns else None
