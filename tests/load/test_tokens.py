"""Prompts of an exact length, counted by the tokenizer of a file."""

import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli import execute
from harness.errors import UsageError
from harness.load.asked import prompts_of
from harness.load.plan import Identity, LoadPlan
from harness.load.sender import RequestSender
from harness.load.ticket import Ticket
from harness.load.tokens import EXTRA, Tokenizer, read_tokenizer
from harness.routes.address import Address
from tests.bench import tokenizer as byte_by_byte

installed = pytest.mark.skipif(
    importlib.util.find_spec("tokenizers") is None, reason=f"tokenizers is missing: {EXTRA}"
)


class Encoded:
    """What an encoding library gives for a text."""

    def __init__(self, ids: list[str]) -> None:
        self.ids = ids


class Pieces:
    """A library whose tokens are at most so many characters of each word."""

    def __init__(self, most: int) -> None:
        self._most = most

    def encode(self, text: str, *, add_special_tokens: bool) -> Encoded:
        """Cut a text into tokens."""
        assert not add_special_tokens
        words = text.replace(" ", "\0 ").split("\0")
        cut = self._most
        return Encoded([word[at : at + cut] for word in words for at in range(0, len(word), cut)])


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(40, 300), st.integers(0, 10**9), st.integers(0, 99))
def test_a_prompt_has_exactly_its_tokens_with_its_nonce(
    most: int, tokens: int, number: int, seed: int
) -> None:
    tokenizer, nonce = Tokenizer(Path("t.json"), Pieces(most)), f"run-load-0-{number}"

    prompt = tokenizer.prompt(tokens, nonce=nonce, seed=seed)

    assert tokenizer.count(prompt) == tokens
    assert prompt.startswith(f"[{nonce}]")


def test_a_length_that_its_nonce_passes_says_what_to_do() -> None:
    tokenizer = Tokenizer(Path("t.json"), Pieces(1))

    with pytest.raises(UsageError, match=r"expected a prompt of 5 tokens.* has 12: ask for more"):
        tokenizer.prompt(5, nonce="run-load-0", seed=0)


@installed
def test_the_bytes_that_leave_have_exactly_their_tokens(tmp_path: Path) -> None:
    byte_by_byte.write(tmp_path / "tokenizer")
    path = tmp_path / "tokenizer" / "tokenizer.json"
    plan = LoadPlan(
        run_id="0123456789ab",
        folder="/f",
        address=Address("http://127.0.0.1:1"),
        model="m",
        prompt_lengths="uniform:100-200",
        tokenizer=str(path),
    )
    sender = RequestSender(plan, Identity(), worker="load-0", prompts=prompts_of(plan))
    tokenizer, drawn = read_tokenizer(path), plan.drawn()["prompt"]

    for seq in (0, 7, 900, 123_456):
        for route in ("native", "compat", "model"):
            body = json.loads(sender.request(Ticket(seq, route, "mixed", "steady")).body)
            text = body["prompt"] if route == "model" else body["messages"][0]["content"]
            assert tokenizer.count(text) == drawn[seq % len(drawn)]
            assert f"-{seq}]" in text
            assert not {"exact", "literal"} & body.keys()


@installed
def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text("{}", "utf-8")

    with pytest.raises(UsageError, match=r"t.json: expected a tokenizer.json of Hugging Face"):
        read_tokenizer(path)
    with pytest.raises(UsageError, match=r"gone.json: cannot be read"):
        read_tokenizer(tmp_path / "gone.json")


def test_without_the_library_the_load_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    read_tokenizer.cache_clear()

    code = execute(["load", "--tokenizer", str(tmp_path / "x.json"), "--no-calibrate"])

    assert code == 2
    told = " ".join(capsys.readouterr().err.split())
    assert f"--tokenizer needs the package tokenizers, which is not installed: {EXTRA}" in told


def test_prompts_of_a_file_have_lengths_of_their_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"prompt": "x"}\n', "utf-8")

    code = execute(["load", "--prompts", str(path), "--tokenizer", "t.json", "--no-calibrate"])

    assert code == 2
    assert "--tokenizer is for prompts of --prompt-tokens" in capsys.readouterr().err
