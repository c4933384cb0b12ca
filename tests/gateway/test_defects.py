"""Named defects: each breaks what it says, always in the same way, and nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from harness.errors import UsageError
from harness.gateway.config import Config
from harness.gateway.defects import DEFECTS, suited
from harness.gateway.model import Gateway
from harness.wire import Request, Response

Ask = Callable[..., Request]

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"max_tokens": 4},
    {"tools": [TOOL], "parallel_tool_calls": True},
    {"logprobs": True},
    {"stop": " the"},
    {"response_format": {"type": "json_object"}},
    {"temperature": 9},
    {"model": "openai/unknown"},
]
CLASSES = set("TFSICUPEL") | {"cache", "auth", "rate"}


def _requests(chat: Ask, predict: Ask) -> Iterator[Request]:
    """A mixed session: every route, plain and streamed, good and bad, each twice."""
    token = {"cf-aig-authorization": "Bearer gateway-token"}
    yield from [chat(headers=token)] * 2
    yield chat(headers={**token, "cf-aig-skip-cache": "true"})
    yield chat(headers=token, key="Bearer other")
    for document in DOCUMENTS:
        for stream in (False, True):
            asked = {**document, "stream": stream}
            yield from [chat(asked, headers=token)] * 2
    yield from [predict(headers=token)] * 2
    yield chat(route="compat", headers=token)
    yield replace(chat(headers=token), url="/v1/acc/gw/nobody/v1/chat/completions")
    yield chat()
    for number in range(25):
        yield chat({"seed": number}, headers=token)


def _session(config: Config, requests: list[Request], defect: str | None) -> list[Response]:
    gateway = Gateway(config, defect=defect)
    second = 1_000_000_000
    times = [second * (number + 40 * (number > 40)) for number in range(len(requests))]
    return [gateway.handle(request, at) for request, at in zip(requests, times, strict=True)]


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_shows_in_a_mixed_session_and_is_deterministic(
    chat: Ask, predict: Ask, name: str
) -> None:
    config, requests = suited(Config(), name), list(_requests(chat, predict))

    clean = _session(config, requests, None)
    broken = _session(config, requests, name)

    shown = [one for one, other in zip(broken, clean, strict=True) if one != other]
    assert shown
    assert broken == _session(config, requests, name)


def test_every_class_has_a_defect_and_every_defect_its_papers() -> None:
    assert {defect.group for defect in DEFECTS.values()} == CLASSES
    for name, defect in DEFECTS.items():
        assert defect.name == name
        assert name == name.lower().replace("_", "-")
        assert defect.statement
        assert defect.shown_by
        assert defect.source
        assert defect.needs <= {"auth", "cache", "rate_limit"}


def test_an_unknown_defect_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="known are trunc-chunked-close"):
        Gateway(defect="none-of-these")


def test_a_suited_configuration_has_what_the_defect_needs_and_keeps_the_rest() -> None:
    assert suited(Config(), "gateway-token-ignored").gateway_token
    assert suited(Config(), "skip-cache-ignored").cache_ttl == 60
    assert suited(Config(), "rate-limit-ignored").rate_limit is not None
    assert suited(Config(cache_ttl=5), "skip-cache-ignored").cache_ttl == 5
    assert suited(Config(), "missing-done") == Config()


def test_the_log_names_the_defect(chat: Ask) -> None:
    gateway = Gateway(defect="missing-done")

    gateway.handle(chat(), 0)

    assert gateway.log[-1].defect == "missing-done"


def test_an_answer_for_one_key_is_given_to_another(chat: Ask) -> None:
    gateway = Gateway(suited(Config(), "cache-key-ignores-auth"), defect="cache-key-ignores-auth")

    gateway.handle(chat(), 0)

    assert gateway.handle(chat(key="Bearer other"), 10**9).status == 200
