"""`doctor` names the set-up faults that people report most, and what to do about each."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

import harness.cli
from harness.cli import advice
from harness.defects.make import make_gateway
from harness.gateway.config import Config
from harness.gateway.server import LocalGateway
from harness.gateway.timing import Timing
from harness.routes.failure import parse_failure
from harness.settings import load_settings, resolve_target
from harness.wire import Headers

MS = 1_000_000
URL = "http://127.0.0.1:1/v1/acc/gw"


def told(status: int, body: object, **environment: str) -> str:
    text = body if isinstance(body, str) else json.dumps(body)
    target = resolve_target(URL, load_settings(environment=environment), environment=environment)
    return advice.of_answer(parse_failure(status, Headers(), text.encode()), target)


def envelope(code: int, status: int, message: str) -> Mapping[str, object]:
    return {
        "success": False,
        "result": [],
        "messages": [],
        "error": [{"code": code, "message": message}],
        "name": "AiGatewayError",
        "httpCode": status,
        "internalCode": code,
    }


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (400, 2001, "Please configure AI Gateway", "CLOUDFLARE_GATEWAY_ID"),
        (429, 2003, "Rate limited", "the gateway's own rate limit"),
        (400, 2005, "Failed to get response from provider", "--routes direct,native"),
        (400, 2008, "Invalid provider", "compat was asked for baseten/openai/gpt-oss-120b"),
        (400, 2008, "Model not found: a/b", "compat was asked for baseten/openai/gpt-oss-120b"),
        (400, 2019, "Chat completion bad format", "check BASETEN_MODEL"),
        (400, 2019, "Compatibility endpoint: v1 is not supported.", "GATEWAY_BASE_URL"),
        (401, 2009, "Unauthorized", "set CF_AIG_TOKEN"),
        (424, 2016, "blocked", "guardrails"),
        (429, 2018, "Wholesale Rate limited", "set BASETEN_API_KEY"),
        (402, 2021, "credits", "set BASETEN_API_KEY"),
        (400, 2030, "blocked", "data loss prevention"),
        (429, 2045, "Spend limit exceeded: rule 'a'", "spend limit"),
    ],
)
def test_a_code_of_the_gateway_has_its_remedy(
    status: int, code: int, message: str, expected: str
) -> None:
    assert expected in told(status, envelope(code, status, message))


def test_a_model_that_has_a_prefix_already_is_named_without_it() -> None:
    said = told(400, envelope(2008, 400, "Invalid provider"), BASETEN_MODEL="baseten/a/b")

    assert said.startswith("BASETEN_MODEL is Baseten's own id, a/b:")


def test_a_token_that_was_refused_is_told_from_one_that_is_missing() -> None:
    refused = envelope(2009, 401, "Unauthorized")

    assert "permission AI Gateway Run" in told(401, refused, CF_AIG_TOKEN="a" * 40)
    swapped = told(401, refused, CF_AIG_TOKEN="a" * 40, BASETEN_API_KEY="a" * 40)
    assert "the same as BASETEN_API_KEY" in swapped


@pytest.mark.parametrize("key", ["your-key", "YOUR_API_KEY", "<token>", "xxxx", "sk-test", "abc"])
def test_a_placeholder_takes_the_place_of_a_stored_key(key: str) -> None:
    refused = {"message": "Invalid API key", "type": "Unauthorized", "code": 401}

    assert "looks like a placeholder" in told(401, refused, BASETEN_API_KEY=key)


def test_a_key_that_looks_real_is_only_to_be_checked() -> None:
    refused = {"message": "Invalid API key", "type": "Unauthorized", "code": 401}

    said = told(401, refused, BASETEN_API_KEY="Ab3dE5gH.9Kj2LmN4pQ6rS8tU0vW1xY3z")

    assert said == "check BASETEN_API_KEY, or unset it to use the gateway's stored key"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (403, "error code: 1010", "edge refuses this client"),
        (403, {"success": False, "error": {"message": "Access denied by policy"}}, "a policy"),
        (524, "<html><title>524: A timeout occurred</title></html>", "ask for a stream"),
        (404, {"message": "no such model", "type": "Not Found", "code": 404}, "BASETEN_MODEL"),
        (422, {"error": "field text is required"}, "takes another input"),
    ],
)
def test_a_refusal_of_somebody_else_has_its_remedy(
    status: int, body: object, expected: str
) -> None:
    assert expected in told(status, body)


@contextmanager
def served(config: Config, defect: str | None = None) -> Iterator[str]:
    with LocalGateway(make_gateway(config, defect=defect)) as gateway:
        yield gateway.url


def doctor(capsys: pytest.CaptureFixture[str], url: str) -> str:
    assert harness.cli.execute(["doctor", "--target", url]) == 0
    return capsys.readouterr().out


def test_a_cache_of_the_dashboard_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    with served(Config(cache_ttl=60)) as url:
        assert "note: the gateway answers equal questions from its cache" in doctor(capsys, url)


def test_a_stream_that_is_held_back_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    with served(Config(timing=Timing(ttft_ns=300 * MS, itl_ns=20 * MS)), "full-buffering") as url:
        assert "note: the stream of native came in one piece: guardrails" in doctor(capsys, url)


def test_a_gateway_without_either_has_no_note(capsys: pytest.CaptureFixture[str]) -> None:
    with served(Config(timing=Timing(ttft_ns=50 * MS, itl_ns=5 * MS))) as url:
        assert "note:" not in doctor(capsys, url)
