"""What came back, read: the one value that checks, clients and recorders look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import Failure
from harness.measure.outcome import Outcome
from harness.measure.timeline import Timeline
from harness.routes.document import Problem, ProblemKind
from harness.routes.metadata import NO_METADATA, GatewayMetadata
from harness.routes.usage import Usage
from harness.sse import Comment, Event, Unterminated
from harness.wire import End, Headers

DONE = "[DONE]"
"""The data of the event that ends a chat stream, exactly."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call, its pieces put together; None where no piece named the field.

    `arguments` is the text that should be JSON, never decoded here.
    """

    index: int
    id: str | None = None
    type: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice, its deltas put together.

    `reasoning` is from `reasoning_content` or `reasoning`. `finish_reason` is the first one that is
    neither null nor empty; one that is no string is given as its JSON.
    """

    index: int
    role: str | None = None
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """One event, when its last byte arrived (nanoseconds after sending), and its JSON.

    `is_json` tells a document that is null from data that is none.
    """

    event: Event
    at_ns: int
    document: Any = None
    is_json: bool = False

    @property
    def is_done(self) -> bool:
        """Whether this is the `[DONE]` event."""
        return self.event.data == DONE


@dataclass(frozen=True, slots=True)
class TimedComment:
    """One comment line and when it ended, in nanoseconds after sending."""

    comment: Comment
    at_ns: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One response, read as far as it can be.

    `streamed` is whether it was an event stream or raw chunks, `asked_stream` whether one was asked
    for. `document` is the decoded body of a plain answer when `is_json`. `text` and its like are
    those of the first choice; on the model route `text` is also a raw or string answer.
    `failure` is set by an error status and by an error inside a success answer. `done` is whether
    `[DONE]` was seen; nothing after it is part of the answer. Times in `timeline` are absolute.
    """

    route: str
    status: int
    headers: Headers
    asked_stream: bool
    streamed: bool
    timeline: Timeline
    end: End
    choices: tuple[Choice, ...] = ()
    raw_text: str | None = None
    usage: Usage | None = None
    id: str | None = None
    model: str | None = None
    created: int | None = None
    object: str | None = None
    document: Any = None
    is_json: bool = False
    events: tuple[TimedEvent, ...] = ()
    comments: tuple[TimedComment, ...] = ()
    unterminated: Unterminated | None = None
    done: bool = False
    empty: bool = False
    failure: Failure | None = None
    problems: tuple[Problem, ...] = ()
    coalesced: int = 0
    metadata: GatewayMetadata = NO_METADATA

    @property
    def text(self) -> str:
        """The content of the first choice, or the text of a raw model answer."""
        if self.raw_text is not None:
            return self.raw_text
        return self.choices[0].text if self.choices else ""

    @property
    def reasoning(self) -> str:
        """The reasoning of the first choice."""
        return self.choices[0].reasoning if self.choices else ""

    @property
    def refusal(self) -> str:
        """The refusal of the first choice."""
        return self.choices[0].refusal if self.choices else ""

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls of the first choice."""
        return self.choices[0].tool_calls if self.choices else ()

    @property
    def finish_reason(self) -> str | None:
        """Why the first choice ended; None when it never said."""
        return self.choices[0].finish_reason if self.choices else None

    @property
    def finish_reasons(self) -> dict[int, str | None]:
        """Why each choice ended, by its index."""
        return {choice.index: choice.finish_reason for choice in self.choices}

    @property
    def finished(self) -> bool:
        """Whether there is a choice and every choice said why it ended."""
        return bool(self.choices) and all(choice.finish_reason for choice in self.choices)

    @property
    def outcome(self) -> Outcome:
        """`ok`, or the class of the error: the first of status, error inside, end, content."""
        return outcome_of(
            status=self.status,
            failure=self.failure,
            end=self.end,
            empty=self.empty,
            problems=self.problems,
            unfinished=self.streamed and self.route != "model" and not self.finished,
        )

    def problems_of(self, kind: ProblemKind) -> tuple[Problem, ...]:
        """The problems of one kind."""
        return tuple(problem for problem in self.problems if problem.kind is kind)


def outcome_of(
    *,
    status: int,
    failure: Failure | None,
    end: End,
    empty: bool,
    problems: Sequence[Problem],
    unfinished: bool,
) -> Outcome:
    """`ok`, or the class of the error: the first of status, error inside, end, content.

    `unfinished`: a stream in which a choice did not say why it ended.
    """
    by_status = Outcome.of_status(status)
    if by_status is not Outcome.OK:
        return by_status
    if failure is not None:
        return Outcome.IN_STREAM_ERROR
    if end is not End.COMPLETE:
        return _BY_END[end]
    if empty:
        return Outcome.EMPTY
    if any(problem.kind.lossy for problem in problems):
        return Outcome.MALFORMED
    return Outcome.INCOMPLETE_STREAM if unfinished else Outcome.OK


_BY_END = {
    End.CUT: Outcome.CUT,
    End.RESET: Outcome.RESET,
    End.OPEN: Outcome.IDLE_TIMEOUT,
}
