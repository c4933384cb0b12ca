"""The universal endpoint (developers.cloudflare.com/ai-gateway/usage/universal/)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.edits import with_body, with_header
from harness.defects.rows import Decisions, deciding, rows
from harness.gateway.rules import Rules
from harness.gateway.served import Served
from harness.gateway.universal import UniversalStep
from harness.gateway.upstream.errors import encode
from harness.wire import Response

_STEP = "cf-aig-step"
_FALLBACK = "a list of steps of which the first fails"
_ERROR = encode({"error": {"message": "Model not found", "type": "NotFoundError", "code": 404}})


def _on_root(served: Served) -> bool:
    return served.arrival.request.path.strip("/").count("/") == 2


def _asked(served: Served) -> list[Any] | None:
    """The list of steps that was asked for; None for any other request."""
    if not _on_root(served):
        return None
    try:
        found = json.loads(served.arrival.request.body)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _on_steps(edit: Callable[[Response, list[Any]], Response]) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        asked = _asked(served)
        return served.response if asked is None else edit(served.response, asked)

    return respond


def _on_fallback(edit: Callable[[Response], Response]) -> Callable[[Served], Response]:
    """A defect of what a later step than the first answers."""

    def edited(response: Response, _asked: list[Any]) -> Response:
        later = response.status == 200 and response.headers.get(_STEP) != "0"
        return edit(response) if later else response

    return _on_steps(edited)


def _numbered(number: Callable[[int, list[Any]], int]) -> Callable[[Served], Response]:
    def edit(response: Response, asked: list[Any]) -> Response:
        told = response.headers.get(_STEP)
        return with_header(response, _STEP, str(number(int(told), asked))) if told else response

    return _on_steps(edit)


def _key_of_first(steps: tuple[UniversalStep, ...]) -> tuple[UniversalStep, ...]:
    return tuple(replace(step, headers=steps[0].headers) for step in steps)


def _query_of_first(steps: tuple[UniversalStep, ...]) -> tuple[UniversalStep, ...]:
    return tuple(replace(step, query=steps[0].query) for step in steps)


def _plain(steps: tuple[UniversalStep, ...]) -> tuple[UniversalStep, ...]:
    gone = ("stream", "stream_options")
    return tuple(
        replace(step, query={n: v for n, v in step.query.items() if n not in gone})
        if isinstance(step.query, dict)
        else step
        for step in steps
    )


def _ignored(rules: Rules) -> Rules:
    """No answer hands over to the next step."""
    return replace(rules, falls_back=lambda _answer, _config: False, timeouts_fall_back=False)


def _wrapped(response: Response, _asked: list[Any]) -> Response:
    if response.status != 200 or response.media_type != "application/json":
        return response
    body = b'{"success":true,"errors":[],"messages":[],"result":' + response.body + b"}"
    return with_body(response, body)


def _key_echoed(response: Response, asked: list[Any]) -> Response:
    """The steps' header fields come back as one."""
    echoed = json.dumps([step.get("headers") for step in asked if isinstance(step, dict)])
    return with_header(response, "x-steps", echoed)


def _accepted(response: Response, _asked: list[Any]) -> Response:
    return replace(response, status=200) if response.status >= 400 else response


def _object_served(served: Served) -> Response:
    """Anything but a list is answered by an empty object."""
    refused = served.call is None and served.response.status == 400
    if not refused or not _on_root(served) or _asked(served) is not None:
        return served.response
    return replace(with_body(served.response, b"{}"), status=200)


def _labelled_json(response: Response) -> Response:
    return with_header(response, "content-type", "application/json")


UNIVERSAL = rows(
    "universal",
    (
        "universal-fallback-ignored",
        "the first step's error is the answer, though another step follows",
        Decisions(_ignored),
        "universal-timeout universal-fallback",
    ),
    (
        "universal-timeout-final",
        "a step that takes too long ends the request",
        deciding(timeouts_fall_back=False),
        "universal-timeout",
    ),
    (
        "universal-two-steps",
        "no more than two steps are tried",
        deciding(steps=lambda steps: steps[:2]),
        "universal-fallback",
    ),
    (
        "universal-last-answers",
        "the last step answers, whatever the others do",
        deciding(steps=lambda steps: steps[-1:]),
        "universal-first",
    ),
    (
        "universal-key-of-first",
        "every step is sent with the first one's key",
        deciding(steps=_key_of_first),
        "universal-fallback",
    ),
    (
        "universal-query-of-first",
        "every step is sent with the first one's query",
        deciding(steps=_query_of_first),
        "universal-timeout",
    ),
    (
        "universal-stream-lost",
        "stream does not pass a step",
        deciding(steps=_plain),
        "universal-step",
    ),
    (
        "universal-step-zero",
        "cf-aig-step is always 0",
        _numbered(lambda _told, _asked: 0),
        "universal-step-number",
    ),
    (
        "universal-step-from-one",
        "cf-aig-step counts from 1",
        _numbered(lambda told, _asked: told + 1),
        "universal-step-number",
    ),
    (
        "universal-step-last",
        "cf-aig-step names the last step of the list",
        _numbered(lambda _told, asked: len(asked) - 1),
        "universal-step-number",
    ),
    (
        "universal-error-in-200",
        "a fallback brings the first step's error, as a success",
        _on_fallback(lambda r: _labelled_json(with_body(r, _ERROR))),
        "universal-step",
    ),
    (
        "universal-headers-of-first",
        "a fallback's answer is labelled like the first step's error",
        _on_fallback(_labelled_json),
        "universal-step",
    ),
    (
        "universal-wrapped",
        "a step's answer is inside Cloudflare's envelope",
        _on_steps(_wrapped),
        "universal-step",
    ),
    (
        "universal-key-echoed",
        "the provider's keys come back in a header field",
        _on_steps(_key_echoed),
        "universal-step",
    ),
    (
        "universal-failure-as-200",
        "where every step fails the last error has the status 200",
        _on_steps(_accepted),
        "universal-all-fail",
    ),
    (
        "universal-object-served",
        "a body that is no list of steps is answered by 200",
        _object_served,
        "universal-refuses",
    ),
)
