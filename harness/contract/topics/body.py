"""A body as bytes: whole, not empty, UTF-8, one JSON text."""

from harness.contract.answer.reading import ABSENT
from harness.contract.clause import EvidenceGrade, Finding, Level
from harness.contract.fault import event, fault, told
from harness.contract.observation import Observation
from harness.contract.topics.sources import ALL, CHAT, CHUNK, COMPLETION
from harness.contract.topics.topic import Topic
from harness.errors import TransportKind
from harness.wire import End

_JSON_TYPES = ("application/json", "application/problem+json", "text/event-stream")
KNOWN = ("identity", "gzip", "x-gzip", "deflate")

topic = Topic("body", routes=ALL, evidence=EvidenceGrade.SPECIFIED)


@topic.exchange(
    "body-whole",
    Level.MUST,
    why="A cut answer looks whole to openai-node 7 and hangs openai-node 4; Python "
    "raises an untyped error.",
    source="RFC 9112, section 6",
)
def ends_as_framed(seen: Observation) -> Finding:
    """A body ends where its framing announced it.

    A silence in the middle of an answer is a matter of time; behind a whole answer it shows that
    the framing announced more. What we cut off ourselves says nothing.
    """
    response, error = seen.response, seen.exchange.error
    ours = error is not None and error.kind is TransportKind.CLIENT_LIMIT
    if response is None or ours or (error is not None and _fell_silent(seen)):
        return None
    if error is None and response.end is End.COMPLETE:
        return ()
    came = f"{error.kind.value}: {error}" if error else f"{response.end.value}"
    wanted = "the body that its framing announced"
    return (told(wanted, came, "the end of the body", response.body[-200:]),)


@topic.exchange(
    "body-in-time",
    Level.SHOULD,
    why="Bytes that drip keep every read timeout from firing: the caller waits for ever.",
    evidence=EvidenceGrade.PRACTICE,
    source="developers.cloudflare.com/support/troubleshooting/http-status-codes/",
)
def ends_in_time(seen: Observation) -> Finding:
    """An answer of at most 512 tokens that has begun ends before the client gives up."""
    response, error = seen.response, seen.exchange.error
    limit = seen.case.asked.get("max_tokens")
    if response is None or not isinstance(limit, int) or not 0 < limit <= 512:
        return None
    if error is None or not _fell_silent(seen) or not response.chunks:
        return ()
    came = f"{len(response.body)} bytes in {response.end_at_ns / 1e9:.0f} s, and no end"
    return (told(f"{limit} tokens in time", came, "the end of the body", response.body[-200:]),)


def _fell_silent(seen: Observation) -> bool:
    """Whether the run's patience ended before the answer did."""
    error, reading = seen.exchange.error, seen.reading
    if error is None or error.kind not in (TransportKind.TOTAL_TIMEOUT, TransportKind.IDLE_TIMEOUT):
        return False
    if error.kind is TransportKind.TOTAL_TIMEOUT or reading is None:
        return True
    whole = any(e.done for e in reading.events) or isinstance(reading.document, dict)
    return not whole


@topic.exchange(
    "status-200",
    Level.MUST,
    why="Clients that compare with 200 throw away an answer under 202 or 206.",
    source=COMPLETION,
)
def is_answered_by_200(seen: Observation) -> Finding:
    """An accepted request is answered by 200."""
    if not seen.ok or not seen.case.sound:
        return None
    return () if seen.status == 200 else (told("HTTP 200", f"HTTP {seen.status}", "status"),)


@topic.exchange(
    "body-not-empty",
    Level.MUST,
    why="OpenAI SDKs iterate an empty stream without an exception: the caller sees an "
    "empty answer.",
    source=COMPLETION,
)
def is_not_empty(seen: Observation) -> Finding:
    """An accepted request has a body."""
    if not seen.ok or seen.response is None or not seen.case.sound or not seen.exchange.whole:
        return None
    if seen.response.body.strip():
        return ()
    return (fault("a body", seen.response.body, f"HTTP {seen.status} body"),)


@topic.exchange(
    "body-utf8",
    Level.MUST,
    why="Python raises UnicodeDecodeError in mid-stream; JavaScript puts U+FFFD in "
    "place of the text without a word.",
    source="RFC 8259, section 8.1",
)
def is_utf8(seen: Observation) -> Finding:
    """JSON and event streams are UTF-8."""
    if not seen.ok or seen.reading is None or not _is_text(seen):
        return None
    coding = (seen.headers.get("content-encoding") or "identity").strip().lower()
    if coding not in KNOWN and seen.reading.malformed:
        wanted = "a content coding that every client knows, as none was asked for"
        return (fault(wanted, coding, "header content-encoding", seen.reading.body),)
    return tuple(
        fault("UTF-8", data, f"body offset {offset}", data)
        for offset, data in seen.reading.malformed
    )


@topic.exchange(
    "body-charset",
    Level.MUST,
    why="A client that obeys the label decodes the answer into other characters.",
    source="RFC 8259, section 8.1",
)
def names_its_charset_rightly(seen: Observation) -> Finding:
    """A charset parameter names UTF-8."""
    value = seen.headers.get("content-type")
    judged = seen.ok or (seen.response is not None and seen.response.media_type in _JSON_TYPES)
    if not judged or value is None or "charset=" not in value.lower():
        return None
    charset = value.lower().partition("charset=")[2].partition(";")[0].strip(' "')
    if charset in ("utf-8", "utf8"):
        return ()
    return (fault("charset=utf-8 or none", value, "header content-type"),)


def _is_text(seen: Observation) -> bool:
    media = seen.response.media_type if seen.response else ""
    return seen.chat or media in ("application/json", "text/event-stream")


@topic.exchange(
    "body-encoded-once",
    Level.SHOULD,
    why="Users read `AprÃ¨s` for `Après`, and no schema complains.",
    evidence=EvidenceGrade.OBSERVED,
    source="ai-dynamo/dynamo#12630; Blaizzy/mlx-vlm#1076",
)
def is_encoded_once(seen: Observation) -> Finding:
    """Text is encoded in UTF-8 once, not twice.

    Other text is hardly ever valid UTF-8 when it is read so; two characters of it never are.
    """
    reading = seen.reading
    if not seen.ok or reading is None or reading.body.isascii() or reading.malformed:
        return None
    text = reading.body.decode("utf-8", "surrogateescape")
    once = next(filter(None, (_read_back(text, coding) for coding in ("latin-1", "cp1252"))), "")
    strange = [letter for letter in once if not letter.isascii()]
    if len(strange) < 2:
        return ()
    at = next(n for n, letter in enumerate(text) if not letter.isascii())
    came = text[at : at + 40]
    return (fault("".join(strange[:10]), came, "text encoded twice", came.encode()),)


def _read_back(text: str, coding: str) -> str:
    """What the text was before it was decoded by `coding`; empty when it never was."""
    try:
        return text.encode(coding).decode("utf-8")
    except UnicodeError:
        return ""


@topic.exchange(
    "body-names-once",
    Level.SHOULD,
    why="Readers that keep the first value and readers that keep the last disagree.",
    source="RFC 8259, section 4",
)
def names_stand_once(seen: Observation) -> Finding:
    """No object of an answer has a name twice."""
    reading = seen.reading
    if reading is None or (reading.document is ABSENT and not reading.events):
        return None
    named = [("body", reading.doubled), *((event(e.number), e.doubled) for e in reading.events)]
    return tuple(fault("each name once", name, where) for where, name in named if name)[:2]


@topic.exchange(
    "plain-one-json",
    Level.MUST,
    why="With an event stream, HTML or `data: [DONE]` behind the object, SDKs return a "
    "string in place of a completion.",
    routes=CHAT,
    source=COMPLETION,
)
def is_one_json_text(seen: Observation) -> Finding:
    """A plain answer is one JSON object and nothing else."""
    if not seen.good or seen.case.stream or seen.reading is None or not seen.exchange.whole:
        return None
    reading = seen.reading
    if isinstance(reading.document, dict):
        return ()
    if not reading.body.strip():
        return None
    if reading.streamed:
        return (told("one JSON object", "an event stream", "body", reading.body),)
    if reading.document is ABSENT:
        return (told("one JSON object", str(reading.json_error), "body", reading.body),)
    return (fault("one JSON object", reading.document, "body", reading.body),)


@topic.exchange(
    "stream-is-stream",
    Level.MUST,
    why="SDKs find no event in HTML or JSON and yield zero chunks without an exception.",
    routes=CHAT,
    source=CHUNK,
)
def is_a_stream_when_asked(seen: Observation) -> Finding:
    """`stream: true` is answered by server-sent events."""
    if not seen.good or not seen.case.stream or seen.reading is None or not seen.exchange.whole:
        return None
    if seen.reading.streamed and seen.reading.events:
        return ()
    return (fault("server-sent events", seen.reading.body, "body", seen.reading.body),)
