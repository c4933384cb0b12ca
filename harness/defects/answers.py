"""Edits of whole answers: which ones an edit is about, and what becomes of status, fields and body.

An edit is `on(failed, status(500))`: a question about an answer, and what is made of it.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.edits import Change, with_body, with_header
from harness.gateway.served import Edit, Served
from harness.gateway.upstream.errors import encode
from harness.wire import Headers, Response

Holds = Callable[[Served], bool]
Remake = Callable[[Response], Response]
PROVIDER_ID = "x-baseten-request-id"
"""The field that only the provider's answers have."""


def where(holds: Holds, edit: Edit) -> Edit:
    """The edit of the answers of which something holds."""
    return lambda served: edit(served) if holds(served) else served.response


def on(holds: Holds, *remakes: Remake) -> Edit:
    """The answers of which something holds, made anew, step by step."""

    def edit(served: Served) -> Response:
        response = served.response
        for remake in remakes:
            response = remake(response)
        return response

    return where(holds, edit)


def anything(_: Served) -> bool:
    """Every answer."""
    return True


def streamed(served: Served) -> bool:
    """A successful stream of events."""
    return served.streamed


def completed(served: Served) -> bool:
    """A successful plain chat completion."""
    return served.completed


def succeeded(served: Served) -> bool:
    """An answer with status 200."""
    return served.response.status == 200


def failed(served: Served) -> bool:
    """An error, whoever made it."""
    return served.response.status >= 400


def refused(served: Served) -> bool:
    """A refusal of the provider."""
    return failed(served) and PROVIDER_ID in served.response.headers


def by_gateway(served: Served) -> bool:
    """A refusal of the gateway's own."""
    return failed(served) and PROVIDER_ID not in served.response.headers


def hit(served: Served) -> bool:
    """An answer that is said to come from the cache."""
    return served.response.headers.get("cf-aig-cache-status") == "HIT"


def with_status(code: int) -> Holds:
    """The answers with a status."""
    return lambda served: served.response.status == code


def asked_as(*, stream: bool) -> Holds:
    """The answers to requests for a stream, or for a plain answer."""
    return lambda served: served.call is not None and served.call.stream is stream


def of_route(name: str) -> Holds:
    """The answers of a route."""
    return lambda served: served.call is not None and served.call.target.route == name


def labelled(media_type: str) -> Holds:
    """The answers with a media type."""
    return lambda served: served.response.media_type == media_type


def both(*questions: Holds) -> Holds:
    """The answers of which all of it holds."""
    return lambda served: all(holds(served) for holds in questions)


def status(code: int) -> Remake:
    """Another status."""
    return lambda response: replace(response, status=code)


def header(name: str, value: str) -> Remake:
    """A header field set."""
    return lambda response: with_header(response, name, value)


def label(media_type: str) -> Remake:
    """Another media type."""
    return header("content-type", media_type)


def changed_header(name: str, change: Callable[[str], str]) -> Remake:
    """A header field changed, where there is one."""

    def remake(response: Response) -> Response:
        value = response.headers.get(name)
        return response if value is None else with_header(response, name, change(value))

    return remake


def without_headers(*names: str) -> Remake:
    """No header field of these names."""
    return lambda response: replace(
        response, headers=Headers(f for f in response.headers if f[0].lower() not in names)
    )


def further_headers(*fields: tuple[str, str]) -> Remake:
    """Header fields behind those that are there."""
    return lambda response: replace(response, headers=Headers((*response.headers.fields, *fields)))


def body(data: bytes) -> Remake:
    """Another body."""
    return lambda response: with_body(response, data)


def rewritten(change: Callable[[bytes], bytes]) -> Remake:
    """The body changed as bytes."""
    return lambda response: with_body(response, change(response.body))


def document(change: Change) -> Remake:
    """The JSON object of a body changed; a body that is none stays as it is."""

    def remake(response: Response) -> Response:
        try:
            found: Any = json.loads(response.body)
        except ValueError:
            return response
        return with_body(response, encode(change(found))) if isinstance(found, dict) else response

    return remake


def page(code: int, data: bytes) -> tuple[Remake, ...]:
    """A web page in place of the answer, with its status."""
    return status(code), body(data), label("text/html")


def first_kept(name: str) -> Edit:
    """One value of a header field for all requests: the first one's."""

    def edit(served: Served) -> Response:
        value = served.response.headers.get(name)
        if value is None:
            return served.response
        return with_header(served.response, name, served.memory.setdefault(name, value))

    return edit
