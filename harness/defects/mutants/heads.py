"""Generated defects of status and header fields."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from harness.defects.mutants.answers import kind_of
from harness.gateway.served import Served
from harness.wire import Headers, Response

NAMES = (
    "content-type",
    "cf-aig-cache-status",
    "cf-aig-event-id",
    "cf-aig-log-id",
    "cf-aig-request-id",
    "cf-aig-step",
    "cf-ray",
    "x-baseten-request-id",
)
"""The documented fields, and the one by which Baseten's support finds a request."""
LABELS: Mapping[str, str] = {
    "html": "text/html",
    "text": "text/plain",
    "json": "application/json",
    "events": "text/event-stream",
    "octets": "application/octet-stream",
    "latin1": "application/json; charset=latin-1",
}
STATUSES = (201, 202, 204, 206, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 529)
CLASSES = ("ok", "stream", "refusal", "envelope")


def _with(response: Response, name: str, value: str | None) -> Response:
    if value == response.headers.get(name):
        return response
    headers = response.headers
    changed = headers.without(name) if value is None else headers.replacing(name, value)
    return replace(response, headers=changed)


def _twice(response: Response, name: str, value: str) -> Response:
    if value == value[::-1]:
        return response
    fields = ((name, value[::-1]), *response.headers.fields)
    return replace(response, headers=Headers(fields))


EDITS: Mapping[str, Callable[[Response, str, str], Response]] = {
    "header-drop": lambda response, name, _: _with(response, name, None),
    "header-empty": lambda response, name, _: _with(response, name, ""),
    "header-garble": lambda response, name, value: _with(response, name, value[::-1]),
    "header-case": lambda response, name, value: _with(response, name, value.swapcase()),
    "header-cut": lambda response, name, value: _with(response, name, value[:-1]),
    "header-twice": _twice,
}
STALE, FIXED = "header-stale", "header-fixed"
HEADER_OPERATORS = (*EDITS, STALE, FIXED)
STATUS_OPERATORS = tuple(f"status-{status}" for status in STATUSES)
LABEL_OPERATORS = tuple(f"label-{label}" for label in LABELS)
CODED = "encoding-claimed"


def edit_header(served: Served, name: str, operator: str) -> Response:
    """The answer with one header field edited, where it has it."""
    response = served.response
    value = response.headers.get(name)
    if value is None:
        return response
    if operator == STALE:
        before, served.memory[name] = served.memory.get(name, value), value
        return _with(response, name, before)
    if operator == FIXED:
        return _with(response, name, served.memory.setdefault(name, value))
    return EDITS[operator](response, name, value)


def class_of(served: Served) -> str:
    """The class of an answer: ok, stream, refusal (the provider's) or envelope (the gateway's)."""
    if served.response.status < 300:
        return "stream" if served.streamed else "ok"
    return kind_of(served.response) or "refusal"


def edit_head(served: Served, place: str, operator: str) -> Response:
    """The answers of a class with another status, label or coding."""
    response = served.response
    if class_of(served) != place:
        return response
    if operator == CODED:
        return _with(response, "content-encoding", "gzip")
    kind, _, value = operator.partition("-")
    if kind == "label":
        return _with(response, "content-type", LABELS[value])
    return replace(response, status=int(value))
