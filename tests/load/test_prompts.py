"""What is asked, and what it may cost."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.load.prompts import Prompt, Prompts, read_prompts, words
from harness.routes.route import ROUTES


def prompts(*given: Prompt, stream: bool = True) -> Prompts:
    return Prompts(
        model="m", stream=stream, max_output_tokens=7, prompt_tokens=40, prompts=tuple(given)
    )


def opening(body: dict[str, Any]) -> str:
    if "prompt" in body:
        return str(body["prompt"])
    content = body["messages"][0]["content"]
    return str(content if isinstance(content, str) else content[0]["text"])


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "prompt",
    [
        {"prompt": "hi"},
        {"messages": [{"role": "system", "content": "be brief"}, {"role": "user"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
        {"messages": [{"role": "assistant", "content": None}]},
    ],
)
def test_every_prompt_begins_with_its_nonce(route: str, prompt: Prompt) -> None:
    body = prompts(prompt).body(route, index=0, nonce="run-3")

    assert opening(body).startswith("[run-3]")


def test_a_chat_body_asks_for_usage_when_it_is_streamed() -> None:
    streamed = prompts().body("native", index=0, nonce="n")
    plain = prompts(stream=False).body("compat", index=0, nonce="n")

    assert streamed["stream_options"] == {"include_usage": True}
    assert (streamed["model"], streamed["max_tokens"], streamed["stream"]) == ("m", 7, True)
    assert "stream_options" not in plain


def test_the_model_route_gets_a_bare_prompt() -> None:
    body = prompts({"prompt": "hi", "top_k": 3}).body("model", index=0, nonce="n")

    assert body == {"prompt": "[n] hi", "max_tokens": 7, "stream": True, "top_k": 3}


def test_fields_of_a_line_win_over_the_options() -> None:
    made = prompts({"prompt": "hi", "max_tokens": 99, "temperature": 1})

    body = made.body("native", index=0, nonce="n")

    assert (body["max_tokens"], body["temperature"]) == (99, 1)
    assert made.most_output(body) == 99


def test_prompts_take_turns() -> None:
    made = prompts({"prompt": "one"}, {"prompt": "two"})

    openings = [made.body("model", index=index, nonce="n")["prompt"] for index in range(3)]

    assert openings == ["[n] one", "[n] two", "[n] one"]


@given(st.integers(20, 5000), st.integers(0, 100))
def test_a_made_prompt_has_about_the_wanted_length(tokens: int, seed: int) -> None:
    made = words(tokens, seed)

    assert abs(len(made.split()) - tokens) <= 12
    assert made == words(tokens, seed)


def test_a_file_of_prompts_is_read_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text(json.dumps({"prompt": "a"}) + "\n\n" + json.dumps({"messages": [{}]}) + "\n")

    assert read_prompts(file) == ({"prompt": "a"}, {"messages": [{}]})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "expected at least one line"),
        ("{]\n", "line 1: not JSON"),
        ('{"prompt": "a"}\n{"prompt": 3}\n', "line 2: expected an object"),
        ('{"messages": []}\n', "line 1: expected an object"),
        ('[1]\n{"prompt": "a"}', "line 1: expected an object"),
        ('{"messages": ["hi"]}\n', "line 1: expected an object"),
        ('{"prompt": "a"}\n\n{"prompt": "a", "x": NaN}', "line 3: not JSON: NaN is no number"),
        ('{"prompt": "a", "x": [-Infinity]}', "line 1: not JSON: -Infinity is no number"),
        ('{"prompt": "a", "x": 1e999}', "line 1: not JSON: 1e999 is beyond every number"),
        ('{"prompt": "a", "x": ' + "[" * 100_000, "line 1: not JSON"),
        ('\u2028\n{"prompt": "a"}', "line 1: not JSON"),
    ],
)
def test_a_bad_file_of_prompts_is_refused_with_the_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text(text, "utf-8")

    with pytest.raises(UsageError, match=complaint):
        read_prompts(file)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_ends_at_a_line_feed_and_nowhere_else(tmp_path: Path, end: str) -> None:
    text = "a\u2028b\u2029c\u0085d\u000be\u001cf"
    file = tmp_path / "prompts.jsonl"
    line = json.dumps({"prompt": text}, ensure_ascii=False)
    file.write_bytes((line.replace(": ", ":\r ") + end + line).encode())

    assert read_prompts(file) == ({"prompt": text}, {"prompt": text})


def test_a_byte_order_mark_before_the_first_line_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"prompt": "a"}\n', "utf-8-sig")

    assert read_prompts(file) == ({"prompt": "a"},)


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ([{"id": "x", "conversations": []}, {"id": "y"}], "one JSON document, an array of 2"),
        ({"prompt": "a"}, "one JSON document over several lines"),
    ],
)
def test_a_file_that_is_one_json_document_is_told_from_json_lines(
    tmp_path: Path, document: Any, found: str
) -> None:
    file = tmp_path / "sharegpt.json"
    file.write_text(json.dumps(document, indent=1))

    with pytest.raises(UsageError, match=f"expected JSON lines, .* this is {found}"):
        read_prompts(file)


@pytest.mark.parametrize("route", ["native", "compat"])
def test_a_line_decides_for_itself_whether_it_asks_for_a_stream(route: str) -> None:
    plain = prompts({"prompt": "hi", "stream": False})
    streamed = prompts({"prompt": "hi", "stream": True}, stream=False)

    assert "stream_options" not in plain.body(route, index=0, nonce="n")
    assert streamed.body(route, index=0, nonce="n")["stream_options"] == {"include_usage": True}
    assert not plain.streams(plain.body(route, index=0, nonce="n"))
    assert streamed.streams(streamed.body(route, index=0, nonce="n"))


def test_a_line_without_a_stream_asks_for_no_usage_of_one() -> None:
    line = {"prompt": "hi", "stream_options": {"include_usage": True}}

    for route in ROUTES:
        assert "stream_options" not in prompts(line, stream=False).body(route, index=0, nonce="n")
        assert "stream_options" in prompts(line).body(route, index=0, nonce="n")


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"stream": False, "stream_options": {}}, '"stream_options" with "stream": false'),
        ({"stream": "yes"}, "\"stream\": expected true or false, got 'yes'"),
        ({"stream": None}, '"stream": expected true or false, got None'),
    ],
)
@pytest.mark.parametrize("of_a_turn", [False, True])
def test_a_stream_that_no_server_takes_is_refused_with_its_line(
    tmp_path: Path, fields: dict[str, Any], complaint: str, of_a_turn: bool
) -> None:
    line = {"turns": [{"content": "a", **fields}]} if of_a_turn else {"prompt": "a", **fields}
    file = tmp_path / "prompts.jsonl"
    file.write_text("\n" + json.dumps(line))

    with pytest.raises(UsageError, match=f"jsonl, line 2: {complaint}"):
        read_prompts(file)


def test_a_missing_file_of_prompts_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"jsonl: cannot be read: No such file or directory$"):
        read_prompts(tmp_path / "nowhere.jsonl")


def test_the_model_route_gets_what_its_deployment_takes() -> None:
    inputs = ({"text": "hello"}, {"text": "good bye"})
    made = Prompts(
        model="m", stream=True, max_output_tokens=7, prompt_tokens=40, model_input=inputs
    )

    bodies = [made.body("model", index=index, nonce="n") for index in range(3)]

    assert bodies == [{"text": "hello"}, {"text": "good bye"}, {"text": "hello"}]
    assert made.place(0) != made.place(1)
    assert "messages" in made.body("native", index=0, nonce="n")
