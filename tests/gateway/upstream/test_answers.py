"""Chat answers of the stand-in provider: plain and streamed, as one value in two forms."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.gateway.behaviour import Behaviour
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.timing import Timing
from harness.wire import Request, Response

Ask = Callable[..., Request]
Read = Callable[[Response], list[dict[str, Any]]]

EXPLICIT = {"include_usage": True, "continuous_usage_stats": False}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}
VARIATIONS = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(0, 5),
        "max_tokens": st.integers(1, 50),
        "stop": st.sampled_from([" the", "e", ["zzz"], ["t", ". "], "ghthou"]),
        "temperature": st.sampled_from([0, 1.5]),
        "logprobs": st.just(True),
        "reasoning_effort": st.sampled_from(["none", "minimal", "high"]),
        "tools": st.just([TOOL]),
        "parallel_tool_calls": st.booleans(),
        "response_format": st.just({"type": "json_object"}),
    },
)


def _completion(response: Response) -> dict[str, Any]:
    assert response.status == 200, response.body
    document: dict[str, Any] = json.loads(response.body)
    return document


def _folded(events: list[dict[str, Any]]) -> dict[str, Any]:
    """A stream put together as a client would: text, reasoning, calls, finish."""
    folded: dict[str, Any] = {"content": "", "reasoning": "", "calls": {}, "finish": None}
    for choice in (choice for event in events for choice in event["choices"]):
        delta = choice["delta"]
        folded["content"] += delta.get("content") or ""
        folded["reasoning"] += delta.get("reasoning_content") or ""
        folded["finish"] = choice.get("finish_reason") or folded["finish"]
        for call in delta.get("tool_calls", []):
            name, text = folded["calls"].get(call["index"], ("", ""))
            function = call["function"]
            name += function.get("name", "")
            folded["calls"][call["index"]] = (name, text + function["arguments"])
    return folded


@given(document=VARIATIONS, route=st.sampled_from(["native", "compat"]))
@settings(deadline=None)
def test_plain_and_streamed_answers_agree(
    chat: Ask, documents: Read, document: dict[str, Any], route: str
) -> None:
    gateway = Gateway()
    streaming = {**document, "stream": True, "stream_options": EXPLICIT}

    plain = _completion(gateway.handle(chat(document, route=route), 0))
    events = documents(gateway.handle(chat(streaming, route=route), 0))

    (choice,) = plain["choices"]
    message, folded = choice["message"], _folded(events)
    calls = [
        (call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls", [])
    ]
    assert folded["content"] == (message["content"] or "")
    assert folded["reasoning"] == message.get("reasoning_content", "")
    assert list(folded["calls"].values()) == calls
    assert folded["finish"] == choice["finish_reason"]
    assert events[-1]["usage"] == plain["usage"]


@given(document=VARIATIONS)
@settings(deadline=None)
def test_usage_adds_up_and_stays_within_the_limit(chat: Ask, document: dict[str, Any]) -> None:
    answer = _completion(Gateway().handle(chat(document), 0))

    usage, (choice,) = answer["usage"], answer["choices"]
    reasoned = usage["completion_tokens_details"]["reasoning_tokens"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert reasoned <= usage["completion_tokens"]
    assert usage["prompt_tokens_details"]["cached_tokens"] <= usage["prompt_tokens"]
    assert usage["completion_tokens"] <= document.get("max_tokens", 10**6)
    if choice["finish_reason"] == "length":
        assert usage["completion_tokens"] == document["max_tokens"]


def test_a_stream_has_one_id_one_time_and_ends_in_order(chat: Ask, documents: Read) -> None:
    events = documents(Gateway().handle(chat({"stream": True, "stream_options": EXPLICIT}), 0))

    *deltas, last, usage = events
    assert len({event["id"] for event in events}) == 1
    assert len({event["created"] for event in events}) == 1
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    assert [event["choices"][0]["delta"].get("role") for event in deltas][:2] == ["assistant", None]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert (usage["choices"], all("usage" not in event for event in deltas)) == ([], True)


def test_ids_differ_between_requests_that_are_alike(chat: Ask) -> None:
    gateway = Gateway()

    one, other = (_completion(gateway.handle(chat(), 0)) for _ in range(2))

    assert one["id"] != other["id"]
    assert one["choices"] == other["choices"]


def test_another_seed_gives_another_answer(chat: Ask) -> None:
    texts = {
        _completion(Gateway().handle(chat({"seed": seed}), 0))["choices"][0]["message"]["content"]
        for seed in range(10)
    }

    assert len(texts) == 10


def test_temperature_does_not_change_the_answer(chat: Ask) -> None:
    one, other = (
        _completion(Gateway().handle(chat({"temperature": value}), 0)) for value in (0, 1.9)
    )

    assert one["choices"] == other["choices"]


def test_a_smaller_limit_gives_the_beginning_of_the_same_text(chat: Ask) -> None:
    whole = _completion(Gateway().handle(chat(), 0))["choices"][0]["message"]["content"]

    part = _completion(Gateway().handle(chat({"max_tokens": 5}), 0))["choices"][0]

    assert whole.startswith(part["message"]["content"])
    assert part["finish_reason"] == "length"


def test_the_smaller_of_both_limits_counts(chat: Ask) -> None:
    limits = {"max_tokens": 9, "max_completion_tokens": 4}

    assert _completion(Gateway().handle(chat(limits), 0))["usage"]["completion_tokens"] == 4


def test_the_prompt_is_never_echoed(chat: Ask) -> None:
    nonce = "nonce-4711-schnabeltier"
    messages = [{"role": "user", "content": f"Repeat after me: {nonce}"}]

    response = Gateway().handle(chat({"messages": messages}), 0)

    assert nonce.encode() not in response.body


def test_short_answers_already_hold_characters_of_every_width(chat: Ask) -> None:
    answer = _completion(Gateway().handle(chat({"max_tokens": 4}), 0))

    text = answer["choices"][0]["message"]["content"]
    widths = {len(character.encode()) for character in text}
    assert widths == {1, 2, 3, 4}


@given(start=st.integers(0, 60), length=st.integers(1, 12))
@settings(deadline=None)
def test_a_stop_string_ends_the_text_wherever_tokens_are_cut(
    chat: Ask, start: int, length: int
) -> None:
    gateway = Gateway()
    whole = _completion(gateway.handle(chat(), 0))["choices"][0]["message"]["content"]
    stop = whole[start : start + length] or "absent"

    choice = _completion(gateway.handle(chat({"stop": stop}), 0))["choices"][0]

    before, found, _ = whole.partition(stop)
    assert (choice["message"]["content"] or "") == before
    assert choice["finish_reason"] == "stop"
    assert found or before == whole


def test_the_stop_string_that_ends_first_counts(chat: Ask) -> None:
    gateway = Gateway()
    whole = _completion(gateway.handle(chat(), 0))["choices"][0]["message"]["content"]
    early, late = whole[6:9], whole[20:30]

    choice = _completion(gateway.handle(chat({"stop": [late, early]}), 0))["choices"][0]

    assert choice["message"]["content"] == whole[: whole.index(early)]


def test_a_limit_before_the_stop_string_is_reported_as_length(chat: Ask) -> None:
    choice = _completion(Gateway().handle(chat({"stop": "zzz", "max_tokens": 3}), 0))["choices"][0]

    assert choice["finish_reason"] == "length"


@pytest.mark.parametrize(("effort", "tokens"), [("minimal", 4), ("low", 8), ("high", 32)])
def test_reasoning_comes_on_request_and_before_the_answer(
    chat: Ask, documents: Read, effort: str, tokens: int
) -> None:
    asked = chat({"reasoning_effort": effort, "stream": True, "stream_options": EXPLICIT})

    events = documents(Gateway().handle(asked, 0))

    kinds = [
        name
        for event in events
        for choice in event["choices"]
        for name in choice["delta"]
        if name != "role"
    ]
    assert kinds[:tokens] == ["reasoning_content"] * tokens
    assert set(kinds[tokens:]) == {"content"}
    assert events[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] == tokens


@pytest.mark.parametrize(
    ("document", "reasons"),
    [
        ({"chat_template_args": {"enable_thinking": True}}, True),
        ({"chat_template_args": {"enable_thinking": False}, "reasoning_effort": "high"}, False),
        ({"reasoning_effort": "none"}, False),
        ({}, False),
    ],
)
def test_reasoning_has_to_be_asked_for(chat: Ask, document: dict[str, Any], reasons: bool) -> None:
    message = _completion(Gateway().handle(chat(document), 0))["choices"][0]["message"]

    assert ("reasoning_content" in message) is reasons


def test_a_small_limit_leaves_reasoning_and_no_content(chat: Ask) -> None:
    choice = _completion(Gateway().handle(chat({"reasoning_effort": "high", "max_tokens": 8}), 0))[
        "choices"
    ][0]

    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"] is None
    assert choice["message"]["reasoning_content"]


@pytest.mark.parametrize("stream", [False, True])
def test_log_probabilities_belong_to_their_tokens(chat: Ask, documents: Read, stream: bool) -> None:
    response = Gateway().handle(chat({"logprobs": True, "top_logprobs": 3, "stream": stream}), 0)
    answers = documents(response) if stream else [_completion(response)]

    for choice in (choice for answer in answers for choice in answer["choices"]):
        text = (choice.get("delta") or choice.get("message") or {}).get("content")
        entries = (choice.get("logprobs") or {}).get("content") or []
        assert "".join(entry["token"] for entry in entries) == (text or "")
        for entry in entries:
            top = entry["top_logprobs"]
            assert bytes(entry["bytes"]).decode() == entry["token"]
            assert (top[0]["token"], len(top)) == (entry["token"], 3)
            assert [item["logprob"] for item in top] == sorted(
                (item["logprob"] for item in top), reverse=True
            )
            assert len({item["token"] for item in top}) == 3
            assert all(item["logprob"] <= 0 for item in top)


def test_streams_report_usage_as_the_options_say(chat: Ask, documents: Read) -> None:
    def usages(options: dict[str, Any] | None) -> list[bool]:
        document = {"stream": True} | ({"stream_options": options} if options else {})
        return ["usage" in event for event in documents(Gateway().handle(chat(document), 0))]

    assert all(usages(None))
    assert all(usages({"include_usage": True}))
    assert sum(usages(EXPLICIT)) == 1
    assert not any(usages({"include_usage": False}))


def test_usage_on_every_chunk_is_cumulative_and_ends_at_the_total(
    chat: Ask, documents: Read
) -> None:
    events = documents(Gateway().handle(chat({"stream": True}), 0))

    counts = [event["usage"]["completion_tokens"] for event in events]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert counts[-2] == counts[-1]


def test_several_choices_are_served_only_where_that_is_the_policy(
    chat: Ask, documents: Read
) -> None:
    refused = Gateway().handle(chat({"n": 2}), 0)
    serving = Gateway(Config(behaviour=Behaviour(n_policy="serve")))
    single = Gateway(Config(behaviour=Behaviour(n_policy="first-only")))

    served = _completion(serving.handle(chat({"n": 3}), 0))
    streamed = documents(serving.handle(chat({"n": 3, "stream": True}), 0))

    assert refused.status == 400
    assert [choice["index"] for choice in served["choices"]] == [0, 1, 2]
    assert len({choice["message"]["content"] for choice in served["choices"]}) == 3
    assert {c["index"] for event in streamed for c in event["choices"]} == {0, 1, 2}
    assert len(_completion(single.handle(chat({"n": 3}), 0))["choices"]) == 1


def test_the_length_can_be_fixed_for_load_tests(chat: Ask) -> None:
    gateway = Gateway(Config(timing=Timing(tokens=64)))

    for document in ({}, {"seed": 4}):
        assert _completion(gateway.handle(chat(document), 0))["usage"]["completion_tokens"] == 64


def test_ignoring_the_end_fills_the_limit(chat: Ask) -> None:
    document = {"ignore_eos": True, "max_tokens": 200}

    usage = _completion(Gateway().handle(chat(document), 0))["usage"]

    assert usage["completion_tokens"] == 200


def test_tokens_arrive_on_schedule_and_plain_answers_at_its_end(chat: Ask) -> None:
    timing = Timing(ttft_ns=50, itl_ns=10, tokens=5)
    gateway = Gateway(Config(timing=timing))

    stream = gateway.handle(chat({"stream": True}), 0)
    plain = gateway.handle(chat(), 0)

    assert [chunk.at_ns for chunk in stream.chunks] == [50, 60, 70, 80, 90, 90, 90, 90]
    assert (stream.head_at_ns, stream.end_at_ns) == (50, 90)
    assert (plain.head_at_ns, plain.end_at_ns) == (90, 90)


def test_one_event_can_carry_several_tokens(chat: Ask, documents: Read) -> None:
    one = Gateway(Config(timing=Timing(tokens=10)))
    many = Gateway(Config(timing=Timing(tokens=10, tokens_per_chunk=4)))

    singles, batches = (documents(g.handle(chat({"stream": True}), 0)) for g in (one, many))

    assert _folded(singles) == _folded(batches)
    assert (len(singles), len(batches)) == (12, 5)


@pytest.mark.parametrize(
    ("switches", "check"),
    [
        ({"early_headers": True}, lambda r: r.head_at_ns == 0),
        ({"keep_alive_comments": True}, lambda r: r.body.startswith(b":\n\n")),
        ({"role_chunk": "alone"}, lambda r: b'{"role":"assistant","content":""}' in r.body),
        ({"nulls": "send"}, lambda r: r.body.count(b'"finish_reason":null') > 3),
    ],
)
def test_legal_forms_of_a_stream_are_switches(
    chat: Ask, switches: dict[str, Any], check: Callable[[Response], bool]
) -> None:
    asked = chat({"stream": True})

    assert check(Gateway(Config(behaviour=Behaviour(**switches))).handle(asked, 0))
    assert not check(Gateway().handle(asked, 0))


def test_an_answer_costs_time_linear_in_its_tokens(chat: Ask) -> None:
    asked = {"ignore_eos": True, "max_tokens": 16_000, "stop": "zzz"}

    answer = _completion(Gateway().handle(chat(asked), 0))

    assert answer["usage"]["completion_tokens"] == 16_000
    assert re.search(r"\s", answer["choices"][0]["message"]["content"])
