"""Requests that disturb each other: in flight together, or one after the other."""

from collections.abc import Callable
from dataclasses import replace

from harness.defects.answers import anything, on
from harness.defects.edits import having, on_chat, with_body, with_chunks, with_header
from harness.defects.http import BAD_GATEWAY
from harness.defects.rows import rows
from harness.gateway import envelope
from harness.gateway.served import LEFT, Edit, Served
from harness.gateway.timing import shifted
from harness.wire import Chunk, Response

CROWD = 4
"""So many in flight are too many for a gateway that fails in company."""
_STALL_NS = 10_000_000_000
_STREAM = "the last stream"


def _kind(served: Served) -> str | None:
    """Route and form of an answer, so that one can stand for another; None for errors."""
    if served.call is None or served.response.status != 200:
        return None
    return f"{served.call.target.route} {served.call.stream}"


def _overlapping(served: Served) -> Response | None:
    """The answer of the same kind that is still being sent when this request arrives."""
    kind = _kind(served)
    before = served.memory.get(f"last {kind}")
    if kind is not None:
        ends_ns = served.arrival.at_ns + served.response.end_at_ns
        served.memory[f"last {kind}"] = (served.response, ends_ns)
    if before is None or before[1] <= served.arrival.at_ns:
        return None
    answer: Response = before[0]
    return answer


def _answers_swapped(served: Served) -> Response:
    """A request in flight with another one gets that one's body."""
    other = _overlapping(served)
    return with_chunks(served.response, other.chunks) if other else served.response


def _chunks_mixed(served: Served) -> Response:
    """A stream in flight with another one gets the second half of that one."""
    other = _overlapping(served)
    if other is None or not served.streamed:
        return served.response
    half = len(served.response.chunks) // 2
    mixed = (*served.response.chunks[:half], *other.chunks[len(other.chunks) // 2 :])
    end_ns = max(served.response.end_at_ns, *(chunk.at_ns for chunk in mixed))
    ordered = sorted(mixed, key=lambda chunk: chunk.at_ns)
    return replace(with_chunks(served.response, ordered), end_at_ns=end_ns)


def _refused_in_flight(served: Served) -> Response:
    """A request in flight with another one is answered by 503."""
    other = _overlapping(served)
    return replace(served.response, status=503) if other else served.response


def _page_in_company(served: Served) -> Response:
    """The fourth request in flight and each further one is answered by the edge's 502 page."""
    now_ns = served.arrival.at_ns
    ends = [end_ns for end_ns in served.memory.get("in flight", ()) if end_ns > now_ns]
    served.memory["in flight"] = [*ends, now_ns + served.response.end_at_ns]
    if len(ends) < CROWD - 1 or served.response.status != 200:
        return served.response
    return on(anything, *BAD_GATEWAY)(served)


def _answer_of_the_one_before(served: Served) -> Response:
    """From the second request of a kind on, each gets the answer to the one before."""
    kind = _kind(served)
    if kind is None:
        return served.response
    before = served.memory.get(f"before {kind}")
    served.memory[f"before {kind}"] = served.response
    if before is None:
        return served.response
    late_ns = max(served.response.end_at_ns, before.end_at_ns)
    return replace(with_chunks(served.response, before.chunks), end_at_ns=late_ns)


def _error_sticks(served: Served) -> Response:
    """The request after an error gets that error again."""
    before = served.memory.pop("error", None)
    if served.response.status >= 400:
        served.memory["error"] = served.response
    elif before is not None:
        return replace(with_chunks(served.response, before.chunks), status=before.status)
    return served.response


def _errors_named_before(served: Served) -> Response:
    """An error carries the event id of the request before it."""
    name = "cf-aig-event-id"
    own = served.response.headers.get(name)
    before = served.memory.get(name)
    if own is not None:
        served.memory[name] = own
    if served.response.status < 400 or own is None or before is None:
        return served.response
    return with_header(served.response, name, before)


def _id_by_the_second(served: Served) -> Response:
    """Ids are made of the second in which a request arrives."""
    second = served.arrival.now_ns // 1_000_000_000
    return on_chat(having(id=f"chatcmpl-{second}"))(served)


def _stray_bytes(served: Served) -> Response:
    """An error is longer than its Content-Length, and the connection goes on."""
    response = served.response
    if response.status < 400 or not response.body:
        return response
    shorter = with_header(response, "content-length", str(len(response.body) - 2))
    return with_header(shorter, "connection", "keep-alive")


def _after(edit: Callable[[Response, Response], Response]) -> Edit:
    """A defect of the first good answer after a client left; `edit` has it and the stream left."""

    def respond(served: Served) -> Response:
        response, before = served.response, served.memory.get(_STREAM)
        if served.streamed:
            served.memory[_STREAM] = response
        if response.status != 200 or before is None or not served.memory.pop(LEFT, False):
            return response
        return edit(response, before)

    return respond


def _going_on(response: Response, before: Response) -> Response:
    """The rest of the old stream comes before the new answer."""
    half = before.chunks[len(before.chunks) // 2 :]
    rest = [Chunk(chunk.data, response.head_at_ns) for chunk in half]
    return with_chunks(response, [*rest, *response.chunks])


def _again(response: Response, before: Response) -> Response:
    late_ns = max(response.end_at_ns, before.end_at_ns)
    return replace(with_chunks(response, before.chunks), end_at_ns=late_ns)


def _failing(response: Response, _before: Response) -> Response:
    body = envelope.PROVIDER_FAILED.body("full")
    return replace(with_body(response, body), status=500)


def _stalling(response: Response, _before: Response) -> Response:
    return shifted(response, _STALL_NS)


LEAVING = rows(
    "leaving",
    (
        "left-stream-goes-on",
        "the next answer begins with the rest of the left one",
        _after(_going_on),
        "after-leaving-own",
    ),
    (
        "left-answer-again",
        "the next request gets the answer that was left",
        _after(_again),
        "after-leaving-own",
    ),
    (
        "left-then-500",
        "the next request is answered by 500",
        _after(_failing),
        "after-leaving-answered",
    ),
    (
        "left-then-stalls",
        "the next request waits for ten seconds",
        _after(_stalling),
        "after-leaving-prompt",
    ),
)

CONCURRENCY = (
    *rows(
        "concurrency",
        (
            "keep-alive-desynchronised",
            "the last bytes of an error stand before the next answer on its connection",
            _stray_bytes,
            "error-parsable error-shape",
        ),
        (
            "page-in-company",
            "from the fourth request in flight on, each is answered by the edge's 502 page",
            _page_in_company,
            "company-answered",
        ),
        socket_only=True,
    ),
    *rows(
        "concurrency",
        (
            "answers-swapped",
            "a request in flight with another gets that one's answer",
            _answers_swapped,
            "id-unique together-own",
        ),
        (
            "chunks-mixed",
            "a stream in flight with another ends with that one's chunks",
            _chunks_mixed,
            "stream-one-id given-values",
        ),
        (
            "refused-in-flight",
            "a request in flight with another is answered by 503",
            _refused_in_flight,
            "together-answered",
        ),
        (
            "answer-of-the-one-before",
            "each request gets the answer to the one before",
            _answer_of_the_one_before,
            "id-unique json-mode",
            "connection desynchronised",
        ),
        (
            "error-sticks",
            "the request after an error gets that error",
            _error_sticks,
            "route-answers auth-recovers",
        ),
        (
            "errors-named-before",
            "errors carry the event id of the request before",
            _errors_named_before,
            "event-id-own",
        ),
        (
            "one-id",
            "all completions have the id chatcmpl-1",
            on_chat(having(id="chatcmpl-1")),
            "cache-fresh cache-key-model",
        ),
        (
            "id-by-the-second",
            "completions of one second share an id",
            _id_by_the_second,
            "cache-fresh cache-skip",
        ),
    ),
    *LEAVING,
)
