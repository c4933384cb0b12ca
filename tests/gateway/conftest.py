"""Requests for the stand-in gateway, and its streams as documents."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.wire import Headers, Request, Response

PATHS = {
    "native": "/v1/acc/gw/baseten/v1/chat/completions",
    "sdk": "/v1/acc/gw/baseten/chat/completions",
    "compat": "/v1/acc/gw/compat/chat/completions",
    "model": "/v1/acc/gw/baseten/model/abcd1234",
}
MODEL = "openai/gpt-oss-120b"


def _chat(
    document: Mapping[str, Any] | None = None,
    *,
    route: str = "native",
    key: str | None = "Bearer baseten-key",
    headers: Mapping[str, str] | None = None,
) -> Request:
    """A chat request on a route; `document` overrides fields, None removes one."""
    model = f"baseten/{MODEL}" if route == "compat" else MODEL
    messages = [{"role": "user", "content": "What is Cloudflare?"}]
    body = {"model": model, "messages": messages, **(document or {})}
    return _post(PATHS[route], body, key, headers or {})


def _predict(
    document: Any = None,
    *,
    key: str | None = "Bearer baseten-key",
    headers: Mapping[str, str] | None = None,
) -> Request:
    """A request on the model route with any JSON body."""
    body = {"prompt": "What is Cloudflare?", "max_tokens": 100} if document is None else document
    return _post(PATHS["model"], body, key, headers or {})


def _post(path: str, body: Any, key: str | None, headers: Mapping[str, str]) -> Request:
    fields = [("Content-Type", "application/json"), *headers.items()]
    fields += [("Authorization", key)] if key is not None else []
    return Request("POST", path, Headers(fields), json.dumps(body).encode())


def _documents(response: Response) -> list[dict[str, Any]]:
    """The JSON events of a stream, which has to be nothing but those and `[DONE]`."""
    assert response.media_type == "text/event-stream"
    *events, done, rest = response.body.decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


@pytest.fixture(scope="session")
def chat() -> Callable[..., Request]:
    return _chat


@pytest.fixture(scope="session")
def predict() -> Callable[..., Request]:
    return _predict


@pytest.fixture(scope="session")
def documents() -> Callable[[Response], list[dict[str, Any]]]:
    return _documents
