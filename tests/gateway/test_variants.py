"""Named variants: each changes the answer, always in the same way, and keeps what it means."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.defects.make import make_gateway
from harness.defects.table import DEFECTS
from harness.defects.variants import VARIANTS
from harness.errors import UsageError
from harness.gateway.config import Config, RateLimit
from harness.wire import Request

Ask = Callable[..., Request]

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"tools": [TOOL], "parallel_tool_calls": True},
    {"reasoning_effort": "low"},
    {"temperature": 9},
    {"messages": [{"role": "user", "content": "word " * 1100}]},
]


def _session(chat: Ask, predict: Ask, variant: str | None) -> list[str]:
    gateway = make_gateway(Config(rate_limit=RateLimit(24, 60)), variant=variant)
    asked = [
        chat({**document, "stream": stream}, route=route)
        for document in DOCUMENTS
        for stream in (False, True)
        for route in ("native", "compat")
    ]
    broken = Request("POST", "/v1/acc/gw/nobody/x", chat().headers, b"{}")
    steps = Request("POST", "/v1/acc/gw", chat().headers, b"[]")
    asked += [predict(), chat(key=None), broken, steps]
    later = [chat()] * 8
    answers = [gateway.handle(request, 0) for request in asked]
    return [repr(a) for a in (*answers, *(gateway.handle(r, 60 * 10**9) for r in later))]


@pytest.mark.parametrize("name", [*VARIANTS])
def test_a_variant_shows_and_is_deterministic(chat: Ask, predict: Ask, name: str) -> None:
    plain, varied = _session(chat, predict, None), _session(chat, predict, name)

    assert varied != plain
    assert varied == _session(chat, predict, name)


def test_there_are_enough_variants_with_papers_and_names_of_their_own() -> None:
    assert len(VARIANTS) >= 25
    assert not VARIANTS.keys() & DEFECTS.keys()
    for name, variant in VARIANTS.items():
        assert name == variant.name == name.lower().replace("_", "-")
        assert variant.statement
        assert variant.why
        assert variant.source


def test_an_unknown_variant_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="serve --list variants has all"):
        make_gateway(variant="none-of-these")


def test_a_compat_answer_names_the_model_that_was_asked_for_where_the_variant_says_so(
    chat: Ask,
) -> None:
    gateway = make_gateway(variant="prefixed-model")

    response = gateway.handle(chat({"stream": True}, route="compat"), 0)

    assert response.body.count(b'"model":"baseten/openai/gpt-oss-120b"') == len(response.chunks) - 1


def test_a_coded_answer_is_only_for_those_who_take_it(chat: Ask) -> None:
    gateway = make_gateway(variant="gzip")

    refused = gateway.handle(chat(headers={"accept-encoding": "zstd"}), 0)

    assert "content-encoding" not in refused.headers
    assert "content-encoding" in gateway.handle(chat(), 0).headers


def test_a_defect_and_a_variant_go_together(chat: Ask) -> None:
    gateway = make_gateway(defect="missing-done", variant="crlf")

    body = gateway.handle(chat({"stream": True}), 0).body

    assert b"\r\n\r\n" in body
