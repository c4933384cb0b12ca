"""Checks of a body as bytes: whole, not empty, UTF-8, one JSON text."""

from harness.contract.clause import Finding
from harness.contract.evidence import fault
from harness.contract.observation import Observation
from harness.contract.reading import ABSENT
from harness.errors import TransportKind
from harness.wire import End

KNOWN = ("identity", "gzip", "x-gzip", "deflate")


def ends_as_framed(seen: Observation) -> Finding:
    """Every body ends as its own framing says (RFC 9112, section 6).

    A silence in the middle of an answer is a matter of time; behind a whole answer it shows that
    the framing announced more.
    """
    response, error = seen.response, seen.exchange.error
    if response is None or (error is not None and _fell_silent(seen)):
        return None
    if error is None and response.end is End.COMPLETE:
        return ()
    came = f" {error.kind.value}: {error}" if error else f" {response.end.value}"
    wanted = "the body that its framing announced"
    return (fault(wanted, came, "the end of the body", response.body[-200:]),)


def ends_in_time(seen: Observation) -> Finding:
    """An answer of at most 512 tokens that has begun is over before the run's time for it is."""
    response, error = seen.response, seen.exchange.error
    limit = seen.case.asked.get("max_tokens")
    if response is None or not isinstance(limit, int) or not 0 < limit <= 512:
        return None
    if error is None or not _fell_silent(seen) or not response.chunks:
        return ()
    came = f" {len(response.body)} bytes in {response.end_at_ns / 1e9:.0f} s, and no end"
    return (fault(f"{limit} tokens in time", came, "the end of the body", response.body[-200:]),)


def _fell_silent(seen: Observation) -> bool:
    """Whether the run's patience ended before the answer did."""
    error, reading = seen.exchange.error, seen.reading
    if error is None or error.kind not in (TransportKind.TOTAL_TIMEOUT, TransportKind.IDLE_TIMEOUT):
        return False
    if error.kind is TransportKind.TOTAL_TIMEOUT or reading is None:
        return True
    whole = any(e.done for e in reading.events) or isinstance(reading.document, dict)
    return not whole


def is_not_empty(seen: Observation) -> Finding:
    """An accepted request has an answer."""
    if not seen.ok or seen.response is None or not seen.case.sound or not seen.exchange.whole:
        return None
    if seen.response.body.strip():
        return ()
    return (fault("a body", seen.response.body, f"HTTP {seen.status} body"),)


def is_answered_by_200(seen: Observation) -> Finding:
    """An accepted request is answered by 200, the only success that is documented."""
    if not seen.ok or not seen.case.sound:
        return None
    return () if seen.status == 200 else (fault("HTTP 200", f" HTTP {seen.status}", "status"),)


def announces_one_length(seen: Observation) -> Finding:
    """Content-Length is one number, however often it is sent (RFC 9112, section 6.3)."""
    lengths = seen.headers.get_all("content-length")
    if seen.response is None or not lengths:
        return None
    values = {part.strip() for length in lengths for part in length.split(",")}
    if len(values) > 1 or not all(value.isdigit() for value in values):
        return (fault("one Content-Length", list(lengths), "header content-length"),)
    return ()


def is_utf8(seen: Observation) -> Finding:
    """JSON and event streams are UTF-8 (RFC 8259, section 8.1; WHATWG HTML, section 9.2.5)."""
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


def is_one_json_text(seen: Observation) -> Finding:
    """A plain chat answer is one JSON object and nothing else."""
    if not seen.good or seen.case.stream or seen.reading is None or not seen.exchange.whole:
        return None
    reading = seen.reading
    if isinstance(reading.document, dict):
        return ()
    if not reading.body.strip():
        return None
    if reading.streamed:
        return (fault("one JSON object", " an event stream", "body", reading.body),)
    came = reading.document if reading.document is not ABSENT else f" {reading.json_error}"
    return (fault("one JSON object", came, "body", reading.body[:200]),)


def is_a_stream_when_asked(seen: Observation) -> Finding:
    """`stream: true` is answered by server-sent events."""
    if not seen.good or not seen.case.stream or seen.reading is None or not seen.exchange.whole:
        return None
    if seen.reading.streamed and seen.reading.events:
        return ()
    return (fault("server-sent events", seen.reading.body, "body", seen.reading.body),)


def names_its_charset_rightly(seen: Observation) -> Finding:
    """A charset in Content-Type is UTF-8, because JSON has no other (RFC 8259, section 8.1)."""
    value = seen.headers.get("content-type")
    if not seen.ok or value is None or "charset=" not in value.lower():
        return None
    charset = value.lower().partition("charset=")[2].partition(";")[0].strip(' "')
    if charset in ("utf-8", "utf8"):
        return ()
    return (fault("charset=utf-8 or none", value, "header content-type"),)


def _is_text(seen: Observation) -> bool:
    media = seen.response.media_type if seen.response else ""
    return seen.chat or media in ("application/json", "text/event-stream")
