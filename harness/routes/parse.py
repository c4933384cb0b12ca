"""A whole response in, its answer out; for those who do not read as it arrives."""

from harness.routes.answer import Answer
from harness.routes.body import asks_stream
from harness.routes.chat import ChatParser
from harness.routes.model import ModelParser
from harness.routes.route import Route
from harness.wire import Request, Response


def parser(
    route: str,
    *,
    sent_ns: int,
    scheduled_ns: int | None = None,
    asked_stream: bool,
    keep_events: bool = True,
    keep_text: bool = True,
) -> ChatParser | ModelParser:
    """The parser of a route's answers."""
    kind = ModelParser if Route(route) is Route.MODEL else ChatParser
    return kind(
        sent_ns=sent_ns,
        scheduled_ns=scheduled_ns,
        asked_stream=asked_stream,
        route=str(route),
        keep_events=keep_events,
        keep_text=keep_text,
    )


def parse(
    route: str,
    request: Request,
    response: Response,
    *,
    sent_ns: int = 0,
    scheduled_ns: int | None = None,
) -> Answer:
    """Read a response that was recorded; `sent_ns` is the clock that its times count from."""
    reading = parser(
        route,
        sent_ns=sent_ns,
        scheduled_ns=scheduled_ns,
        asked_stream=asks_stream(request.body),
    )
    reading.head(response.status, response.headers, response.head_at_ns)
    for chunk in response.chunks:
        reading.feed(chunk)
    return reading.finish(response.end, response.end_at_ns)
