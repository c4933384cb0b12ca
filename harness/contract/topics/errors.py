"""Rejections, graded, because no two servers agree on one status and shape."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.contract.case import Expect
from harness.contract.clause import EvidenceGrade, Finding, Level, Profile, Recorded
from harness.contract.fault import fault, is_int, is_text, numbers, shown, told
from harness.contract.observation import PASSING, Observation
from harness.contract.topics.places import MissingScene
from harness.contract.topics.sources import ALL, BASETEN_ERRORS, CHAT
from harness.contract.topics.topic import Topic

SHAPES = ("envelope", "policy", "openai", "flat", "predict", "string")
FIELD_TYPES: Mapping[str, tuple[str, Any]] = {
    "code": ("integer or string", int | str | None),
    "type": ("string", str | None),
    "param": ("string", str | None),
}
ERROR_CODES = (
    "timeout",
    "client_error",
    "model_unavailable",
    "model_not_ready",
    "model_does_not_exist",
    "rate_limited",
    "payload_too_large",
    "unauthorized",
    "application_error",
    "internal_baseten_error",
)
"""The values of `error_code` in Baseten's published inference API."""
FEW = 3
"""So many requests say something about all of their kind."""

topic = Topic("errors", routes=ALL, evidence=EvidenceGrade.DOCUMENTED, source=BASETEN_ERRORS)


def _judged(seen: Observation) -> bool:
    wanted = seen.case.expect is Expect.REJECT and seen.status is not None
    return wanted and not seen.passing


@topic.exchange(
    "error-rejected", Level.MUST, why="A typo is billed and answered as something else."
)
def is_rejected(seen: Observation) -> Finding:
    """A request that every document calls invalid is rejected."""
    if not _judged(seen):
        return None
    if seen.rejected:
        return ()
    body = seen.body
    return (told(f"a rejection ({seen.case.topic})", f"HTTP {seen.status}", "status", body),)


@topic.exchange("error-4xx", Level.MUST, why="SDKs send a 5xx twice more.")
def is_the_callers_fault(seen: Observation) -> Finding:
    """The rejection is a 4xx."""
    if not _judged(seen) or not seen.rejected:
        return None
    if seen.status is not None and seen.status < 500:
        return ()
    return (told(f"4xx ({seen.case.topic})", f"HTTP {seen.status}", "status"),)


@topic.run(
    "error-not-outage",
    Level.MUST,
    why="SDKs repeat a 502 or 524 twice; the user waits, and never sees what was wrong.",
)
def refusals_are_no_outages(seen: Sequence[Observation]) -> Finding:
    """Invalid requests are not answered like an outage while valid ones are served.

    One such answer may be an outage of its moment; not half of many, beside valid requests of which
    hardly any meets one.
    """
    bad = [s for s in seen if s.case.expect is Expect.REJECT and s.status is not None]
    good = [s for s in seen if s.case.expect is Expect.ACCEPT and s.status is not None]
    out, down = ([s for s in part if _edge(s)] for part in (bad, good))
    if len(bad) < FEW or len(good) < FEW or len(down) * 10 > len(good):
        return None
    if len(out) < FEW or len(out) * 2 < len(bad):
        return ()
    statuses = sorted({s.status for s in out if s.status is not None})
    came = f"HTTP {statuses}, {len(out)} of {len(bad)} times"
    body = out[0].body
    wanted, where = f"4xx ({out[0].case.topic})", "status of invalid requests"
    return (told(wanted, came, where, body, requests=numbers(out)),)


def _edge(seen: Observation) -> bool:
    return seen.status in PASSING and seen.status is not None and seen.status >= 500


def _error(seen: Observation) -> bool:
    return seen.rejected and seen.exchange.whole and seen.case.method == "POST"


@topic.exchange("error-parsable", Level.MUST, why="The user sees `400 status code (no body)`.")
def says_what_is_wrong(seen: Observation) -> Finding:
    """An error is JSON with a message."""
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


@topic.exchange(
    "error-shape", Level.SHOULD, why="Error handling written to the documents misses it."
)
def has_a_documented_shape(seen: Observation) -> Finding:
    """An error has one of the published forms."""
    failure = seen.answer.failure if seen.answer else None
    if not _error(seen) or failure is None or seen.passing or _is_a_page(seen):
        return None
    if failure.shape in SHAPES:
        return ()
    body = seen.body
    return (told(f"one of {', '.join(SHAPES)}", f"{failure.shape}: {shown(body)}", "body", body),)


@topic.exchange(
    "error-label",
    Level.SHOULD,
    why="SDKs show the raw text instead of the message.",
    evidence=EvidenceGrade.OBSERVED,
)
def is_labelled_json(seen: Observation) -> Finding:
    """An error in JSON is labelled so."""
    if not _error(seen) or seen.response is None or not any(_messages(seen.document)):
        return None
    if seen.response.media_type in ("application/json", "application/problem+json"):
        return ()
    if seen.case.stream and seen.response.media_type == "text/event-stream":
        return ()  # some servers label by what was asked for; the status says that it is an error
    return (fault("application/json", seen.headers.get("content-type"), "header content-type"),)


@topic.exchange(
    "error-label-streamed",
    Level.SHOULD,
    why="SDKs that read the label find no event, and tell neither error nor answer.",
    routes=CHAT,
    evidence=EvidenceGrade.SPECIFIED,
    source="WHATWG HTML, section 9.2.6",
)
def is_framed_as_labelled(seen: Observation) -> Finding:
    """An error labelled as an event stream is framed as one."""
    if not _error(seen) or not seen.case.stream or seen.response is None or seen.reading is None:
        return None
    body = seen.response.body
    if seen.response.media_type != "text/event-stream" or seen.reading.events:
        return ()
    return (fault("an event, or the label application/json", body, "body", body),)


@topic.exchange(
    "error-no-answer",
    Level.MUST,
    why="Clients throw away and ask again for an answer that was made and billed.",
    routes=("native", "compat"),
)
def is_no_answer(seen: Observation) -> Finding:
    """What the status calls an error is no completion."""
    if not seen.rejected or not seen.chat or seen.reading is None:
        return None
    documents = [document for _, document in seen.documents]
    answers = [d for d in documents if d.get("choices") and d.get("error") is None]
    if not answers:
        return ()
    body = seen.body
    return (fault("an error", answers[0], f"body of HTTP {seen.status}", body),)


@topic.run(
    "error-no-model-answer",
    Level.SHOULD,
    why="Clients throw away and ask again for an answer that was made and billed.",
    routes=("model",),
)
def is_no_answer_of_the_model(seen: Sequence[Observation]) -> Finding:
    """What the status calls an error has not the form of an accepted answer."""
    documents = [(s, d) for s in seen if isinstance(d := s.document, dict) and d]
    accepted = [d.keys() for s, d in documents if s.ok and s.case.sound]
    refused = [(s, d) for s, d in documents if s.rejected and not any(_messages(d))]
    if not accepted:
        return None
    return tuple(
        fault(
            "an error",
            document,
            f"body of HTTP {s.status}, request {s.number}",
            requests=(s.number,),
        )
        for s, document in refused
        if document.keys() in accepted
    )[:1]


@topic.exchange(
    "error-types",
    Level.SHOULD,
    why="Typed clients cannot read the error, and the user sees theirs instead.",
    evidence=EvidenceGrade.OBSERVED,
)
def fields_have_their_types(seen: Observation) -> Finding:
    """`code` of an error is an integer or a string, `type` and `param` are strings."""
    document = seen.document
    if not _error(seen) or not isinstance(document, dict):
        return None
    nested = document.get("error")
    places = [("$", document), *([("$.error", nested)] if isinstance(nested, dict) else [])]
    return tuple(
        fault(f"{name}: {kind}, or null", fields[name], f"{place}.{name}")
        for place, fields in places
        for name, (kind, types) in FIELD_TYPES.items()
        if isinstance(fields.get(name, ""), bool) or not isinstance(fields.get(name), types)
    )[:2]


@topic.exchange(
    "error-code-words",
    Level.SHOULD,
    why="Clients that retry `model_not_ready` and report the others choose wrongly.",
    evidence=EvidenceGrade.SPECIFIED,
    source="basetenlabs/baseten-go, specs/inference.json",
)
def error_code_is_listed(seen: Observation) -> Finding:
    """An `error_code` is one of the published ones."""
    document = seen.document
    if not _error(seen) or not isinstance(document, dict) or "error_code" not in document:
        return None
    if document["error_code"] in ERROR_CODES:
        return ()
    wanted = f"one of {', '.join(ERROR_CODES)}"
    return (fault(wanted, document["error_code"], "$.error_code"),)


@topic.exchange(
    "error-status",
    Level.MUST,
    why="Retries are decided by the wrong status: 429 as 500 is repeated, 529 as 400 is not.",
    source="cloudflare/ai#436; docs.baseten.co/inference/errors",
)
def repeats_its_status(seen: Observation) -> Finding:
    """A status inside the body equals the status of the answer."""
    document = seen.document
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
        told(f"HTTP {value} as {name} says", f"HTTP {seen.status}", "status")
        for name, value in stated.items()
        if value != seen.status
    )


@topic.exchange(
    "error-envelope",
    Level.MUST,
    why="ai-gateway-provider reads error[0].code to tell 2001 and 2009.",
    source="cloudflare/ai, packages/ai-gateway-provider",
)
def envelope_is_whole(seen: Observation) -> Finding:
    """The gateway's error has an array `error` with code and message."""
    document = seen.document
    if not _error(seen) or not isinstance(document, dict) or document.get("success") is not False:
        return None
    listed = document.get("error")
    if not isinstance(listed, list):
        return None
    first = listed[0] if listed else None
    if isinstance(first, dict) and is_int(first.get("code")) and is_text(first.get("message")):
        return ()
    return (fault("error[0] with code and message", listed, "$.error"),)


@topic.exchange(
    "error-envelope-types",
    Level.SHOULD,
    why="Clients that log `httpCode` or test `success` disagree with the others.",
    evidence=EvidenceGrade.OBSERVED,
    source="can1357/oh-my-pi#11327; devoxx/DevoxxGenieIDEAPlugin#1254",
)
def envelope_keeps_its_types(seen: Observation) -> Finding:
    """The fields beside the array say what it says, in the observed types."""
    document = seen.document
    if not _error(seen) or not isinstance(document, dict):
        return None
    listed = document.get("error")
    first = listed[0] if isinstance(listed, list) and listed else None
    if not isinstance(first, dict) or not is_int(first.get("code")):
        return None
    wanted: dict[str, list[Any]] = {
        "success": [False],
        "result": [None, [], {}],
        "messages": [None, []],
        "name": ["AiGatewayError"],
        "httpCode": [seen.status],
        "internalCode": [first["code"]],
        "message": [first.get("message")],
        "description": [first.get("message")],
    }
    present = {name: value for name, value in document.items() if name in wanted}
    present.setdefault("success", "nothing")
    return tuple(
        fault(f"{name} of {shown(wanted[name][0])}", value, f"$.{name}")
        for name, value in present.items()
        if not any(value == each and type(value) is type(each) for each in wanted[name])
    )[:2]


@topic.scene(
    "error-gateway-form",
    Level.SHOULD,
    why="ai-gateway-provider reads `error[0].code`; by any other form it fails untyped.",
    evidence=EvidenceGrade.OBSERVED,
    source="cloudflare/ai, packages/ai-gateway-provider",
    probe="missing",
    needs=("gateway_path",),
)
def gateway_says_who_refused(scene: MissingScene) -> Finding:
    """The gateway's own refusal is `success: false` with an array `error` of code and message, and
    one code.
    """
    seen = scene.gateway
    if seen is None or not _error(seen) or seen.passing:
        return None
    document = seen.document
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


@topic.exchange(
    "record-rejections",
    Level.RECORD,
    why="Nobody documents one status.",
    evidence=EvidenceGrade.OBSERVED,
    source="cloudflare/ai#436",
    profile=Profile.EXTENDED,
)
def status_of_a_rejection(seen: Observation) -> Finding:
    """How each invalid request is answered."""
    if not _judged(seen) or not seen.rejected:
        return None
    failure = seen.answer.failure if seen.answer else None
    return Recorded(f"{seen.case.topic}: {seen.status} {failure.shape if failure else '-'}")
