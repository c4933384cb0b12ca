"""JavaScript clients against the stand-in on a socket: OpenAI's SDK, Cloudflare's provider."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.server import LocalGateway

FOLDER = Path(__file__).parent / "javascript"
MODEL = "openai/gpt-oss-120b"
KEY, TOKEN = "baseten-key", "gateway-token"


@pytest.fixture(scope="module")
def local() -> Iterator[LocalGateway]:
    with LocalGateway(Gateway(Config(gateway_token=TOKEN))) as running:
        yield running


@pytest.fixture(scope="module")
def open_gateway() -> Iterator[LocalGateway]:
    with LocalGateway(Gateway(Config())) as running:
        yield running


def node(script: str, package: str, **variables: str) -> Any:
    """What a script in tests/javascript prints, decoded."""
    program = shutil.which("node")
    if program is None or shutil.which("npm") is None:
        pytest.fail(
            "node or npm is missing; install the packages nodejs and npm, version 20 or later"
        )
    if not (FOLDER / "node_modules" / package).is_dir():
        pytest.fail(f"the npm package {package} is missing; run: npm ci --prefix tests/javascript")
    proxies = ("http_proxy", "https_proxy", "all_proxy")
    inherited = {name: v for name, v in os.environ.items() if name.lower() not in proxies}
    done = subprocess.run(
        [program, script],
        cwd=FOLDER,
        env={**inherited, "API_KEY": KEY, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("baseten", MODEL),
        ("baseten/v1", MODEL),
        ("compat", f"baseten/{MODEL}"),
    ],
)
def test_the_openai_sdk_completes_every_kind_of_request(
    path: str, model: str, open_gateway: LocalGateway
) -> None:
    seen = node("sdk.mjs", "openai", BASE_URL=f"{open_gateway.url}/v1/acc/gw/{path}", MODEL=model)

    assert seen["plain"]["text"]
    assert seen["streamed"]["text"]
    assert seen["streamed"]["finish"] == "stop"
    assert seen["streamed"]["usage"]["completion_tokens"] > 0
    assert seen["tool"]["name"] == "read_clock"
    assert isinstance(seen["tool"]["arguments"]["city"], str)
    assert seen["tool"]["finish"] == "tool_calls"
    assert set(seen["schema"]) == {"name", "year"}
    assert isinstance(seen["schema"]["year"], int)


def test_cloudflares_provider_completes_every_kind_of_request(local: LocalGateway) -> None:
    seen = node(
        "ai_gateway_provider.mjs",
        "ai-gateway-provider",
        ORIGIN=local.url,
        TOKEN=TOKEN,
        MODEL=MODEL,
    )

    assert seen["plain"]["text"]
    assert seen["plain"]["usage"]["totalTokens"] > 0
    assert seen["streamed"]["text"]
    assert seen["streamed"]["parts"] > 1
    assert seen["streamed"]["usage"]["outputTokens"] > 0
    assert seen["tool"]["name"] == "read_clock"
    assert isinstance(seen["tool"]["arguments"]["city"], str)
    assert set(seen["schema"]) == {"name", "year"}
    assert seen["fallback"]["text"]
    assert seen["fallback"]["step"] == "1"
    assert seen["unknown"] == "This AI gateway does not exist"
    assert "valid apiKey" in seen["unauthorized"]
