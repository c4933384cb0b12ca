"""Checks of a plain chat answer against the published completion object."""

from collections.abc import Iterator
from typing import Any

from harness.contract.clause import Fault, Finding
from harness.contract.evidence import fault, is_int, is_text
from harness.contract.observation import Observation
from harness.contract.reading import ABSENT


def document_of(seen: Observation) -> dict[str, Any] | None:
    """The JSON object of a whole, accepted, plain chat answer, or None."""
    wanted = seen.good and not seen.case.stream and seen.exchange.whole
    document = seen.reading.document if wanted and seen.reading else None
    return document if isinstance(document, dict) else None


def is_a_completion_object(seen: Observation) -> Finding:
    """`object` is `chat.completion`."""
    document = document_of(seen)
    if document is None:
        return None
    if document.get("object") == "chat.completion":
        return ()
    return (fault("object 'chat.completion'", document.get("object", document), "$.object"),)


def has_required_fields(seen: Observation) -> Finding:
    """id, created, model and choices are there, with the specified types."""
    document = document_of(seen)
    return None if document is None else tuple(_missing(document))


def _missing(document: dict[str, Any]) -> Iterator[Fault]:
    if not is_text(document.get("id")):
        yield fault("a non-empty string", document.get("id"), "$.id")
    if not is_int(document.get("created")):
        yield fault("integer seconds", document.get("created"), "$.created")
    if not is_text(document.get("model")):
        yield fault("a non-empty string", document.get("model"), "$.model")
    if not isinstance(document.get("choices"), list) or not document["choices"]:
        yield fault("a non-empty array", document.get("choices", ABSENT), "$.choices")


def choices_are_messages(seen: Observation) -> Finding:
    """Every choice has an index counted from 0, a message of the assistant and a finish reason."""
    document = document_of(seen)
    listed = document.get("choices") if document else None
    if not isinstance(listed, list) or not listed:
        return None
    return tuple(f for number, choice in enumerate(listed) for f in _choice(number, choice))[:4]


def _choice(number: int, choice: Any) -> Iterator[Fault]:
    where = f"$.choices[{number}]"
    if not isinstance(choice, dict):
        yield fault("an object", choice, where)
        return
    if choice.get("index") != number:
        yield fault(f"index {number}", choice.get("index"), where)
    if not is_text(choice.get("finish_reason")):
        yield fault("a finish reason", choice.get("finish_reason"), f"{where}.finish_reason")
    message = choice.get("message")
    if not isinstance(message, dict):
        yield fault("a message object", choice, f"{where}.message")
    elif message.get("role") != "assistant":
        yield fault("role 'assistant'", message.get("role"), f"{where}.message.role")


def content_is_text_or_null(seen: Observation) -> Finding:
    """`content` is a string or null."""
    document = document_of(seen)
    listed = document.get("choices") if document else None
    choices = listed if isinstance(listed, list) else []
    messages = [c.get("message") for c in choices if isinstance(c, dict)]
    contents = [m.get("content") for m in messages if isinstance(m, dict)]
    if not contents:
        return None
    wrong = [value for value in contents if not isinstance(value, str | None)]
    return tuple(fault("a string or null", value, "$.choices[].message.content") for value in wrong)


def is_not_an_error(seen: Observation) -> Finding:
    """A status of 2xx does not carry an error report in place of the answer."""
    document = document_of(seen)
    if document is None:
        return None
    error = document.get("error") or document.get("errors")
    if not error and document.get("success") is not False:
        return ()
    return (fault(f"an answer, as HTTP {seen.status} says", error or document, "$"),)


def is_not_wrapped(seen: Observation) -> Finding:
    """The answer is the body itself, not inside an envelope of `success` and `result`."""
    document = document_of(seen)
    if document is None:
        return None
    if "choices" in document or not ({"success", "result"} & document.keys()):
        return ()
    return (fault("`choices` at the top", sorted(document), "$"),)


def created_is_in_seconds(seen: Observation) -> Finding:
    """`created` is a Unix time in seconds."""
    if not seen.good or not seen.documents:
        return None
    values = [(n, d["created"]) for n, d in seen.documents if is_int(d.get("created"))]
    if not values:
        return None
    wrong = [(n, value) for n, value in values if not 0 <= value < 100_000_000_000]
    return tuple(fault("seconds since 1970", value, f"event {n}") for n, value in wrong[:1])
