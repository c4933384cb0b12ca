"""Datasets of other tools: their columns are read, or named with what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.load.conversation import ConversationTurn
from harness.load.prompts import read_prompts

QUESTION = [{"role": "user", "content": "hi"}]
SHAREGPT = [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]


def written(folder: Path, *lines: Any) -> Path:
    path = folder / "dataset.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


@pytest.mark.parametrize(
    ("line", "read"),
    [
        # vLLM, --dataset-name custom
        ({"prompt": "hi", "output_tokens": 9}, {"prompt": "hi", "max_tokens": 9}),
        # guidellm
        (
            {"prompt": "hi", "prompt_tokens_count": 3, "output_tokens_count": 9},
            {"prompt": "hi", "max_tokens": 9},
        ),
        ({"text": "hi", "output_tokens_count": 9}, {"prompt": "hi", "max_tokens": 9}),
        # AIPerf and GenAI-Perf
        ({"text": "hi", "session_id": "s", "delay": 3}, {"prompt": "hi"}),
        ({"text_input": "hi", "output_length": 9}, {"prompt": "hi", "max_tokens": 9}),
        # OpenAI's batch files
        (
            {
                "custom_id": "1",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"model": "gpt", "messages": QUESTION, "max_tokens": 7},
            },
            {"messages": QUESTION, "max_tokens": 7},
        ),
        # ShareGPT
        ({"id": "1", "conversations": SHAREGPT}, {"messages": QUESTION}),
        (
            {"conversations": [{"from": "system", "value": "be brief"}, *SHAREGPT]},
            {"messages": [{"role": "system", "content": "be brief"}, *QUESTION]},
        ),
    ],
    ids=lambda value: " ".join(value),
)
def test_a_known_dataset_is_read_by_its_own_columns(
    tmp_path: Path, line: dict[str, Any], read: dict[str, Any]
) -> None:
    assert read_prompts(written(tmp_path, line)) == (read,)


def test_the_turns_of_aiperf_are_read_with_their_delays(tmp_path: Path) -> None:
    line = {"session_id": "s", "turns": [{"text": "hi"}, {"text": "and?", "delay": 1500}]}

    assert read_prompts(written(tmp_path, line)) == (
        {"turns": [ConversationTurn("hi"), ConversationTurn("and?", wait_s=1.5)]},
    )


def test_a_line_that_says_its_own_limit_keeps_it(tmp_path: Path) -> None:
    line = {"prompt": "hi", "output_tokens": 9, "max_tokens": 5}

    assert read_prompts(written(tmp_path, line)) == ({"prompt": "hi", "max_tokens": 5},)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ({"texts": ["a", "b"]}, '"texts" is AIPerf\'s batches; write one line with "prompt"'),
        ({"instruction": "hi"}, '"instruction" is a column of guidellm; rename it to "prompt"'),
        (
            {"timestamp": 0, "input_length": 4, "output_length": 2, "hash_ids": [1]},
            '"hash_ids" is a line of a trace; give the file to --trace',
        ),
        ({"conversations": [{"from": "gpt", "value": "hi"}]}, "nobody asks anything in it"),
        ({"custom_id": "1", "body": {"input": "hi"}}, 'expected an object with "prompt"'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_known_dataset_that_cannot_be_read_is_named(
    tmp_path: Path, line: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(UsageError, match=f"line 2: .*{complaint}"):
        read_prompts(written(tmp_path, {"prompt": "a"}, line))
