"""Checks of the model route, whose answers are any JSON, or any bytes."""

from harness.contract.clause import Finding
from harness.contract.evidence import fault
from harness.contract.observation import Observation
from harness.contract.reading import ABSENT


def _answered(seen: Observation) -> bool:
    accepted = seen.ok and seen.case.route == "model" and seen.case.sound
    return accepted and seen.exchange.whole and seen.reading is not None


def json_is_json(seen: Observation) -> Finding:
    """An answer labelled `application/json` is one JSON text, of any kind."""
    if not _answered(seen) or seen.response is None or seen.reading is None:
        return None
    if seen.response.media_type != "application/json" or not seen.response.body.strip():
        return None
    if seen.reading.document is not ABSENT and not seen.reading.malformed:
        return ()
    body = seen.response.body
    came = f" {seen.reading.json_error or 'an event stream'}: {body[:120]!r}"
    return (fault("one JSON text", came, "body", body),)


def label_is_known(seen: Observation) -> Finding:
    """The answer is JSON, raw bytes or an event stream, and labelled so."""
    if not _answered(seen) or seen.response is None:
        return None
    known = ("application/json", "application/octet-stream", "text/event-stream", "text/plain")
    if seen.response.media_type in known:
        return ()
    body = seen.response.body
    return (fault(f"one of {', '.join(known)}", seen.headers.get("content-type"), "label", body),)
