"""A model whose context is smaller than the prompts of the contract."""

import json

import pytest

from harness.contract.clause import Result
from harness.contract.requests.text import WORDS
from harness.contract.run.context import fitted, limit_of
from tests.contract.answers import asked, seen
from tests.contract.runs import explore

LLAMA = {"error": {"code": 400, "type": "exceed_context_size_error", "n_ctx": 1024}}
VLLM = {
    "message": "This model's maximum context length is 2048 tokens. However, you requested 3016"
}


@pytest.mark.parametrize(("body", "limit"), [(LLAMA, 1024), (VLLM, 2048)])
def test_the_limit_is_what_the_refusal_says(body: dict[str, object], limit: int) -> None:
    case = asked(messages=[{"role": "user", "content": WORDS}])

    assert limit_of(seen(case, body, status=400)) == limit


def test_a_short_request_fits_into_every_context() -> None:
    assert limit_of(seen(asked(), LLAMA, status=400)) is None
    case = asked(messages=[{"role": "user", "content": WORDS}])
    assert limit_of(seen(case, {"error": "no"}, status=400)) is None


def test_only_the_filler_of_a_prompt_is_made_shorter() -> None:
    case = asked(messages=[{"role": "user", "content": f"{WORDS} Ünï"}], max_tokens=16)

    shorter = fitted(case, 1024)

    text = shorter.asked["messages"][0]["content"]
    assert text.endswith("- continue. Ünï")
    assert 500 < text.count("word ") < 1024 - 16
    assert fitted(shorter, 1024) == shorter
    assert len(json.dumps(shorter.asked)) // 5 < 1024


def test_a_small_context_is_no_broken_route_and_is_written_down() -> None:
    run = explore(variant="small-context")

    entries = run.ledger.entries.values()
    assert [e.clause.id for e in entries if e.result is Result.FAIL] == []
    told = [text for e in entries if e.clause.id == "record-context" for text in e.records]
    assert told == ["1024 tokens"]
    refused = [each for each in run.sender.seen if each.too_long]
    assert 0 < len(refused) <= 4
