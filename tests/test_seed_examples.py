"""The examples of Cloudflare's Baseten page, against the stand-in on a real socket.

developers.cloudflare.com/ai-gateway/usage/providers/baseten/. Only the host and the {placeholders}
are replaced. The JavaScript examples are in tests/javascript, word for word.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.server import LocalGateway

HOST = "https://gateway.ai.cloudflare.com"
JAVASCRIPT = Path(__file__).parent / "javascript"
MODEL = "openai/gpt-oss-120b"

CHAT = """\
curl https://gateway.ai.cloudflare.com/v1/{account_id}/{gateway_id}/baseten/v1/chat/completions \\
--header 'Authorization: Bearer {baseten_api_token}' \\
--header 'Content-Type: application/json' \\
--data '{
"model": "openai/gpt-oss-120b",
"messages": [
{
"role": "user",
"content": "What is Cloudflare?"
}
]
}'
"""
PREDICT = """\
curl https://gateway.ai.cloudflare.com/v1/{account_id}/{gateway_id}/baseten/model/{model_id} \\
--header 'Authorization: Bearer {baseten_api_token}' \\
--header 'Content-Type: application/json' \\
--data '{
"prompt": "What is Cloudflare?",
"max_tokens": 100
}'
"""
CHAT_PATH = "/v1/{account_id}/{gateway_id}/baseten/v1/chat/completions"
COMPAT_PATH = "/v1/{account_id}/{gateway_id}/compat/chat/completions"
COMPAT_MODEL = "baseten/{model}"


@pytest.fixture(scope="module")
def local() -> Iterator[LocalGateway]:
    with LocalGateway(Gateway(Config())) as running:
        yield running


@pytest.fixture(autouse=True)
def without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def filled(example: str, local: LocalGateway) -> str:
    """The example with the stand-in's host and identity."""
    values = {
        HOST: local.url,
        "{account_id}": "acc",
        "{gateway_id}": "gw",
        "{baseten_api_token}": "baseten-key",
        "{model_id}": "abcd1234",
        "{model}": MODEL,
    }
    for placeholder, value in values.items():
        example = example.replace(placeholder, value)
    return example


def run(arguments: list[str], *, given: str = "", folder: Path | None = None) -> str:
    done = subprocess.run(
        arguments, input=given, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def shell(command: str) -> Any:
    if shutil.which("curl") is None:
        pytest.fail("curl is missing; install the package curl (apt-get install curl)")
    return json.loads(run(["/bin/sh", "-c", command]))


def node(script: str) -> str:
    program = shutil.which("node")
    if program is None or shutil.which("npm") is None:
        pytest.fail(
            "node or npm is missing; install the packages nodejs and npm, version 20 or later"
        )
    if not (JAVASCRIPT / "node_modules" / "openai").is_dir():
        pytest.fail("the npm package openai is missing; run: npm ci --prefix tests/javascript")
    return run([program, "--input-type=module"], given=script, folder=JAVASCRIPT)


def assert_completion(document: Any, *, model: str = MODEL) -> None:
    assert document["object"] == "chat.completion"
    assert document["model"] == model
    (choice,) = document["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]
    assert choice["finish_reason"] == "stop"
    usage = document["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_the_chat_call_with_curl(local: LocalGateway) -> None:
    assert_completion(shell(filled(CHAT, local)))


def test_the_compat_call_with_curl(local: LocalGateway) -> None:
    command = CHAT.replace(CHAT_PATH, COMPAT_PATH).replace(f'"{MODEL}"', f'"{COMPAT_MODEL}"')

    assert_completion(shell(filled(command, local)))


def test_the_model_call_with_curl(local: LocalGateway) -> None:
    assert shell(filled(PREDICT, local))


def test_the_javascript_sdk_example(local: LocalGateway) -> None:
    printed = node(filled((JAVASCRIPT / "openai_sdk.mjs").read_text(), local))

    assert "object: 'chat.completion'" in printed
    assert f"model: '{MODEL}'" in printed


def test_the_javascript_fetch_example(local: LocalGateway) -> None:
    printed = node(filled((JAVASCRIPT / "fetch.mjs").read_text(), local))

    assert printed.strip() not in ("", "{}", "undefined")
    assert "error" not in printed


@pytest.mark.parametrize("path", ["baseten", "baseten/v1"])
def test_the_python_sdk_plain(local: LocalGateway, path: str) -> None:
    with openai.OpenAI(api_key="baseten-key", base_url=f"{local.url}/v1/acc/gw/{path}") as client:
        completion = client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "What is Cloudflare?"}]
        )

    assert_completion(completion.model_dump())


def test_the_python_sdk_streaming(local: LocalGateway) -> None:
    with (
        openai.OpenAI(api_key="baseten-key", base_url=f"{local.url}/v1/acc/gw/compat") as client,
        client.chat.completions.create(
            model=f"baseten/{MODEL}",
            messages=[{"role": "user", "content": "What is Cloudflare?"}],
            stream=True,
            stream_options={"include_usage": True},
        ) as stream,
    ):
        chunks = list(stream)

    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage is not None
