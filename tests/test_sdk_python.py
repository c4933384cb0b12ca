"""OpenAI's Python SDK against the stand-in on a socket, on all three chat addresses."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionUserMessageParam
from pydantic import BaseModel

from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.server import LocalGateway

MODEL = "openai/gpt-oss-120b"
MESSAGES: list[ChatCompletionUserMessageParam] = [{"role": "user", "content": "What is new?"}]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Company(BaseModel):
    """What a JSON-schema request asks for."""

    name: str
    year: int


@pytest.fixture(scope="module")
def local() -> Iterator[LocalGateway]:
    with LocalGateway(Gateway(Config(gateway_token="gateway-token"))) as running:  # noqa: S106
        yield running


@pytest.fixture(params=["baseten", "baseten/v1", "compat"])
def client(
    request: pytest.FixtureRequest, local: LocalGateway, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[openai.OpenAI, str]]:
    """A client of one address, and what the model is called there."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with openai.OpenAI(
        api_key="baseten-key",
        base_url=f"{local.url}/v1/acc/gw/{request.param}",
        default_headers={"cf-aig-authorization": "Bearer gateway-token"},
        max_retries=0,
    ) as made:
        yield made, f"baseten/{MODEL}" if request.param == "compat" else MODEL


Named = tuple[openai.OpenAI, str]


def test_a_plain_request(client: Named) -> None:
    sdk, model = client

    completion = sdk.chat.completions.create(model=model, messages=MESSAGES)

    assert completion.choices[0].message.content
    assert completion.usage is not None


def test_a_streamed_request(client: Named) -> None:
    sdk, model = client

    with sdk.chat.completions.stream(
        model=model, messages=MESSAGES, stream_options={"include_usage": True}
    ) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()

    assert len(deltas) > 1
    assert final.choices[0].message.content == "".join(deltas)
    assert final.usage is not None


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_request(client: Named, streamed: bool) -> None:
    sdk, model = client
    asked: dict[str, Any] = {
        "model": model,
        "messages": MESSAGES,
        "tools": [{"type": "function", "function": {"name": "clock", "parameters": CITY}}],
        "tool_choice": "required",
    }

    if streamed:
        with sdk.chat.completions.stream(**asked) as stream:
            choice: Any = stream.get_final_completion().choices[0]
    else:
        choice = sdk.chat.completions.create(**asked).choices[0]

    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls[:1]
    assert call.function.name == "clock"
    assert isinstance(json.loads(call.function.arguments)["city"], str)


def test_a_json_schema_request(client: Named) -> None:
    sdk, model = client

    completion = sdk.chat.completions.parse(model=model, messages=MESSAGES, response_format=Company)

    parsed = completion.choices[0].message.parsed
    assert isinstance(parsed, Company)


def test_a_refusal_is_the_sdks_own_error(local: LocalGateway) -> None:
    with (
        openai.OpenAI(
            api_key="baseten-key", base_url=f"{local.url}/v1/acc/gw/compat", max_retries=0
        ) as sdk,
        pytest.raises(openai.AuthenticationError),
    ):
        sdk.chat.completions.create(model=f"baseten/{MODEL}", messages=MESSAGES)
