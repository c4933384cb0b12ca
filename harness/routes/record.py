"""Everything noted about one answer while it arrives, and the answer made of it at the end."""

from typing import Any

from harness.errors import Failure
from harness.measure.outcome import Outcome
from harness.routes.answer import Answer, TimedComment, TimedEvent, outcome_of
from harness.routes.completion import Completion
from harness.routes.document import (
    NotJson,
    Problem,
    ProblemKind,
    decode_body,
    decode_quickly,
)
from harness.routes.failure import parse_failure
from harness.routes.metadata import gateway_metadata
from harness.routes.moments import Moments
from harness.sse import Unterminated
from harness.wire import End, Headers


class Record:
    """What the parsers of all routes write into; one per answer.

    `position` is the index of the event being read, which `report` adds to a problem.
    """

    def __init__(
        self,
        route: str,
        *,
        sent_ns: int,
        scheduled_ns: int | None,
        asked_stream: bool,
        keep_text: bool = True,
    ) -> None:
        self.route = route
        self.status = 0
        self.headers = Headers()
        self.asked_stream = asked_stream
        self.streamed = False
        self.moments = Moments()
        self.completion = Completion(self.report, keep_text=keep_text)
        self.position: int | None = None
        self.problems: list[Problem] = []
        self.failure: Failure | None = None
        self.events: list[TimedEvent] = []
        self.comments: list[TimedComment] = []
        self.unterminated: Unterminated | None = None
        self.done = False
        self.document: Any = None
        self.is_json = False
        self.raw_text: str | None = None
        self._sent_ns = sent_ns
        self._scheduled_ns = scheduled_ns

    @property
    def successful(self) -> bool:
        """Whether the status promises an answer."""
        return 200 <= self.status < 300

    def outcome(self, end: End) -> Outcome:
        """`ok`, or the class of the error, of an answer that ended like this."""
        return outcome_of(
            status=self.status,
            failure=self.failure,
            end=end,
            empty=self.moments.first_byte is None,
            problems=self.problems,
            unfinished=self.unfinished,
        )

    @property
    def unfinished(self) -> bool:
        """Whether this is a chat stream in which a choice, or the only one, has not finished."""
        return self.streamed and self.route != "model" and not self.completion.finished

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters."""
        return (self.headers.get("content-type") or "").partition(";")[0].strip().lower()

    def head(self, status: int, headers: Headers, at_ns: int) -> None:
        """Note the head of the response."""
        self.status = status
        self.headers = headers
        self.moments.headers = at_ns

    def report(self, kind: ProblemKind, detail: str) -> None:
        """Note a problem of the event at hand, or of the body."""
        self.problems.append(Problem(kind, detail, self.position))

    def read_json(self, body: bytes) -> bool:
        """Decode a plain body; False, with a problem noted, when it is not JSON in UTF-8."""
        document = decode_quickly(body)
        if document is None:
            document, _, problems = decode_body(body)
            self.problems += problems
        if isinstance(document, NotJson):
            self.report(ProblemKind.INVALID_JSON, document.detail)
            return False
        self.document, self.is_json = document, True
        return True

    def read_failure(self, body: bytes) -> None:
        """Read a body that came with an error status."""
        self.failure = parse_failure(self.status, self.headers, body)
        document, _, _ = decode_body(body)
        if not isinstance(document, NotJson):
            self.document, self.is_json = document, True

    def answer(self, end: End, at_ns: int) -> Answer:
        """The answer that was noted."""
        self.position = None
        moments, completion = self.moments, self.completion
        choices = completion.choices()
        return Answer(
            route=self.route,
            status=self.status,
            headers=self.headers,
            asked_stream=self.asked_stream,
            streamed=self.streamed,
            timeline=moments.timeline(self._sent_ns, self._scheduled_ns, end=end, end_at_ns=at_ns),
            end=end,
            choices=choices,
            raw_text=self.raw_text,
            usage=completion.usage,
            id=completion.id,
            model=completion.model,
            created=completion.created,
            object=completion.object,
            document=self.document,
            is_json=self.is_json,
            events=tuple(self.events),
            comments=tuple(self.comments),
            unterminated=self.unterminated,
            done=self.done,
            empty=moments.first_byte is None,
            failure=self.failure,
            problems=tuple(self.problems),
            coalesced=moments.coalesced,
            metadata=gateway_metadata(self.headers),
        )
