"""A plain chat answer against the published completion object."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from harness.contract.answer.reading import ABSENT
from harness.contract.clause import EvidenceGrade, Fault, Finding, Level
from harness.contract.fault import event, fault, is_int, is_text, told
from harness.contract.observation import Observation
from harness.contract.topics.sources import CHAT, COMPLETION
from harness.contract.topics.topic import Topic

_DATE = re.compile(r"[-@]\d{4}-?\d{2}-?\d{2}")

topic = Topic("plain", routes=CHAT, evidence=EvidenceGrade.SPECIFIED, source=COMPLETION)


def document_of(seen: Observation) -> dict[str, Any] | None:
    """The JSON object of a whole, accepted, plain chat answer, or None."""
    wanted = seen.good and not seen.case.stream and seen.exchange.whole
    document = seen.reading.document if wanted and seen.reading else None
    return document if isinstance(document, dict) else None


@topic.exchange(
    "plain-object",
    Level.MUST,
    why="Clients that dispatch on it, and strict validation, refuse the answer.",
)
def is_a_completion_object(seen: Observation) -> Finding:
    """`object` is `chat.completion`."""
    document = document_of(seen)
    if document is None:
        return None
    if document.get("object") == "chat.completion":
        return ()
    return (fault("object 'chat.completion'", document.get("object", document), "$.object"),)


@topic.exchange(
    "plain-fields", Level.MUST, why="`choices[0]` raises IndexError or TypeError far from the call."
)
def has_required_fields(seen: Observation) -> Finding:
    """id, created, model and a non-empty choices array have their specified types."""
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


@topic.exchange("plain-choices", Level.MUST, why="SDKs hand out None for the message or its role.")
def choices_are_messages(seen: Observation) -> Finding:
    """A choice has its index, a message of role assistant and a finish reason."""
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


@topic.exchange("plain-content", Level.MUST, why="String methods fail on the caller's side.")
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


@topic.exchange(
    "plain-not-error", Level.MUST, why="No client retries or raises: SDKs check the status only."
)
def is_not_an_error(seen: Observation) -> Finding:
    """A 2xx answer is not an error report."""
    document = document_of(seen)
    if document is None:
        return None
    error = document.get("error") or document.get("errors")
    if not error and document.get("success") is not False:
        return ()
    return (fault(f"an answer, as HTTP {seen.status} says", error or document, "$"),)


@topic.exchange("plain-bare", Level.MUST, why="SDKs return an object whose choices are None.")
def is_not_wrapped(seen: Observation) -> Finding:
    """The completion is the body itself, not the `result` of an envelope."""
    document = document_of(seen)
    if document is None:
        return None
    if "choices" in document or not ({"success", "result"} & document.keys()):
        return ()
    return (fault("`choices` at the top", sorted(document), "$"),)


@topic.exchange(
    "created-seconds",
    Level.MUST,
    why="Milliseconds put the answer thousands of years ahead in logs and caches.",
)
def created_is_in_seconds(seen: Observation) -> Finding:
    """`created` is Unix time in seconds."""
    if not seen.good or not seen.documents:
        return None
    values = [(n, d["created"]) for n, d in seen.documents if is_int(d.get("created"))]
    if not values:
        return None
    wrong = [(n, value) for n, value in values if not 0 <= value < 100_000_000_000]
    return tuple(fault("seconds since 1970", value, f"event {n}") for n, value in wrong[:1])


@topic.run(
    "id-unique", Level.MUST, why="Stores keyed by id overwrite one conversation with another."
)
def ids_are_unique(seen: Sequence[Observation]) -> Finding:
    """Two answers never share an id, but for a cache HIT."""
    first: dict[str, int] = {}
    counted = 0
    for s in seen:
        fresh = s.good and (s.cache_status or "").upper() != "HIT" and s.documents
        name = s.documents[0][1].get("id") if fresh else None
        if not is_text(name):
            continue
        counted += 1
        if name in first:
            came = f"{name!r} in requests {first[name]} and {s.number}"
            both = (first[str(name)], s.number)
            return (told("an id of its own for each answer", came, "id", requests=both),)
        first[str(name)] = s.number
    return () if counted > 1 else None


@topic.exchange(
    "model-is-asked", Level.MUST, why="A silent fallback bills and evaluates another model."
)
def the_model_is_the_one_asked(seen: Observation) -> Finding:
    """The answer names the model that was asked for, with or without a prefix."""
    asked = seen.case.asked.get("model")
    names = [(n, d["model"]) for n, d in seen.documents if is_text(d.get("model"))]
    if not seen.good or not is_text(asked) or not names:
        return None
    number, name = names[0]
    if _related(str(asked), name):
        return ()
    return (fault(f"model {asked!r}", name, f"model of {event(number)}"),)


def _related(asked: str, named: str) -> bool:
    wanted, got = asked.lower().rpartition("/")[2], named.lower().rpartition("/")[2]
    return bool(got) and (wanted in got or got in wanted)


@topic.exchange(
    "model-whole",
    Level.SHOULD,
    why="Callers look up prices and limits by the name that they asked for.",
    evidence=EvidenceGrade.PRACTICE,
)
def the_model_is_named_whole(seen: Observation) -> Finding:
    """The model is named whole, whatever the route does with prefixes.

    Another model altogether is judged by `the_model_is_the_one_asked`.
    """
    asked = seen.case.asked.get("model")
    names = [(n, d["model"]) for n, d in seen.documents if is_text(d.get("model"))]
    if not seen.good or not is_text(asked) or not names or not _related(asked, names[0][1]):
        return None
    wanted = asked.lower().rpartition("/")[2]
    number, name = names[0]
    got = name.lower().rpartition("/")[2]
    if got == wanted or (got.startswith(wanted) and _DATE.fullmatch(got[len(wanted) :])):
        return ()
    return (fault(f"model {asked!r}, whole", name, f"model of {event(number)}"),)
