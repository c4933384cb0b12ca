"""Checks of rejections, graded, because no two servers agree on one status and shape."""

from collections.abc import Iterator
from typing import Any

from harness.contract.case import Expect
from harness.contract.clause import Finding, Record, Scene
from harness.contract.evidence import fault, is_int, is_text, shown
from harness.contract.observation import Observation

SHAPES = ("envelope", "policy", "openai", "flat", "predict", "string")
_ENVELOPE = ("success", "result", "messages", "error", "name", "httpCode", "internalCode")


def _judged(seen: Observation) -> bool:
    wanted = seen.case.expect is Expect.REJECT and seen.status is not None
    return wanted and not seen.passing


def is_rejected(seen: Observation) -> Finding:
    """A request that every document calls invalid is not answered as if it were valid."""
    if not _judged(seen):
        return None
    if seen.rejected:
        return ()
    body = seen.response.body if seen.response else b""
    return (fault(f"a rejection ({seen.case.topic})", f" HTTP {seen.status}", "status", body),)


def is_the_callers_fault(seen: Observation) -> Finding:
    """The rejection is a 4xx: retrying clients send a 5xx again."""
    if not _judged(seen) or not seen.rejected:
        return None
    if seen.status is not None and seen.status < 500:
        return ()
    return (fault(f"4xx ({seen.case.topic})", f" HTTP {seen.status}", "status"),)


def _error(seen: Observation) -> bool:
    return seen.rejected and seen.exchange.whole and seen.case.method == "POST"


def says_what_is_wrong(seen: Observation) -> Finding:
    """An error answer is JSON with a message in it."""
    if not _error(seen) or seen.reading is None or seen.passing or _is_a_page(seen):
        return None
    if any(_messages(seen.reading.document)):
        return ()
    return (fault("JSON with a message", seen.reading.body, f"HTTP {seen.status}"),)


def _is_a_page(seen: Observation) -> bool:
    """Whether this is the HTML page of an edge that failed, which SDKs report by its status."""
    failure = seen.answer.failure if seen.answer else None
    return (seen.status or 0) >= 500 and failure is not None and failure.shape == "html"


def _messages(document: Any) -> Iterator[str]:
    """Every text that one of the known error shapes would show to a user."""
    if not isinstance(document, dict):
        return
    for value in (document.get("message"), document.get("detail"), document.get("error")):
        if is_text(value):
            yield str(value)
    nested = document.get("error") or document.get("errors") or document.get("detail")
    for item in nested if isinstance(nested, list) else [nested]:
        if isinstance(item, dict) and (is_text(item.get("message")) or is_text(item.get("msg"))):
            yield str(item.get("message") or item.get("msg"))


def has_a_documented_shape(seen: Observation) -> Finding:
    """An error has one of the published forms: the gateway's, OpenAI's or one of Baseten's."""
    failure = seen.answer.failure if seen.answer else None
    if not _error(seen) or failure is None or seen.passing or _is_a_page(seen):
        return None
    if failure.shape in SHAPES:
        return ()
    body = seen.response.body if seen.response else b""
    return (fault(f"one of {', '.join(SHAPES)}", f" {failure.shape}: {shown(body)}", "body", body),)


def is_labelled_json(seen: Observation) -> Finding:
    """An error in JSON says so."""
    if not _error(seen) or seen.response is None or not any(_messages(_document(seen))):
        return None
    if seen.response.media_type in ("application/json", "application/problem+json"):
        return ()
    if seen.case.stream and seen.response.media_type == "text/event-stream":
        return ()  # some servers label by what was asked for; the status says that it is an error
    return (fault("application/json", seen.headers.get("content-type"), "header content-type"),)


def repeats_its_status(seen: Observation) -> Finding:
    """A status inside the body (`code`, `httpCode`) is the status of the answer."""
    document = _document(seen)
    if not _error(seen) or not isinstance(document, dict):
        return None
    nested = document.get("error")
    inner = {
        "httpCode": document.get("httpCode"),
        "code": document.get("code"),
        "error.code": nested.get("code") if isinstance(nested, dict) else None,
    }
    stated = {k: v for k, v in inner.items() if is_int(v) and 400 <= v < 600}
    if not stated:
        return None
    return tuple(
        fault(f"HTTP {value} as {name} says", f" HTTP {seen.status}", "status")
        for name, value in stated.items()
        if value != seen.status
    )


def gateway_says_who_refused(scene: Scene) -> Finding:
    """The gateway's own refusal: `success` false, `error` an array of code and message."""
    seen = scene.get("unknown_gateway")
    if seen is None or not _error(seen):
        return None
    document = _document(seen)
    if not isinstance(document, dict):
        return (fault("the gateway's envelope", document, "body of an unknown gateway's refusal"),)
    listed = document.get("error")
    first = listed[0] if isinstance(listed, list) and listed else None
    whole = isinstance(first, dict) and is_int(first.get("code")) and is_text(first.get("message"))
    if not whole or document.get("success") is not False:
        wanted = "success false, error: [{code, message}]"
        return (fault(wanted, document, "body of an unknown gateway's refusal"),)
    inner = document.get("internalCode")
    if isinstance(first, dict) and is_int(inner) and inner != first.get("code"):
        return (fault(f"error[0].code {inner}, as internalCode says", first["code"], "$.error"),)
    return ()


def envelope_is_whole(seen: Observation) -> Finding:
    """The gateway's error has its documented keys, and `error` is an array of code and message."""
    document = _document(seen)
    if not _error(seen) or not isinstance(document, dict) or document.get("success") is not False:
        return None
    listed = document.get("error")
    if not isinstance(listed, list):
        return None
    first = listed[0] if listed else None
    if isinstance(first, dict) and is_int(first.get("code")) and is_text(first.get("message")):
        return ()
    return (fault("error[0] with code and message", listed, "$.error"),)


def status_of_a_rejection(seen: Observation) -> Finding:
    """Records how a rejection is answered."""
    if not _judged(seen) or not seen.rejected:
        return None
    failure = seen.answer.failure if seen.answer else None
    return Record(f"{seen.case.topic}: {seen.status} {failure.shape if failure else '-'}")


def _document(seen: Observation) -> Any:
    return seen.reading.document if seen.reading else None
