"""Prompts of an exact number of tokens, counted by a tokenizer of a file.

The library is no dependency of ours; it is imported when a tokenizer is read.
"""

import importlib
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.load.prompts import TASK, WORDS

EXTRA = "pip install 'gateway-harness[tokenizer]'"
_PIECES = (" time", " a", "a", ".", " x")
"""What may fill the last tokens: a tokenizer has one token for one of them."""


class Tokenizer:
    """Counts the tokens of texts as one model does; special tokens of a chat are not counted."""

    def __init__(self, path: Path, library: Any) -> None:
        self._path = path
        self._tokenizer = library
        self._words: list[str] | None = None
        self._tails: dict[tuple[int, int, int], str] = {}

    def count(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def prompt(self, tokens: int, *, nonce: str, seed: int) -> str:
        """A prompt that the nonce opens, of exactly so many tokens with it.

        What follows is the same after every nonce of as many tokens: a bracket ends it, so that no
        token is made of both.
        """
        opening = f"[{nonce}]"
        taken = self.count(opening)
        if taken > tokens:
            raise UsageError(
                f"--tokenizer {self._path}: expected a prompt of {tokens} tokens, but what opens "
                f"each and keeps it out of caches has {taken}: ask for more"
            )
        tail = self._tails.get((tokens, seed, taken))
        if tail is None:
            tail = self._made(opening, tokens, seed)[len(opening) :]
            self._tails[tokens, seed, taken] = tail
        return opening + tail

    def _made(self, opening: str, tokens: int, seed: int) -> str:
        longer = f"{opening} {TASK}"
        text = longer if self.count(longer) <= tokens else opening
        units = self._units()
        room = tokens - self.count(text)
        if units and room:
            rng = random.Random(seed)  # noqa: S311 - no secret
            filled = " ".join((text, *rng.choices(units, k=room)))
            if self.count(filled) == tokens:
                return filled
        return self._fitted(text, tokens, seed)

    def _units(self) -> list[str]:
        """The words that have one token each."""
        if self._words is None:
            start = self.count("a")
            self._words = [word for word in WORDS if self.count(f"a {word}") == start + 1]
        return self._words

    def _fitted(self, text: str, tokens: int, seed: int) -> str:
        """The text with words of several tokens, and what is left filled with single ones."""
        text = self._with_words(text, tokens, random.Random(seed))  # noqa: S311 - no secret
        missing = tokens - self.count(text)
        for piece in _PIECES:
            filled = text + piece * missing
            if self.count(filled) == tokens:
                return filled
        raise UsageError(
            f"--tokenizer {self._path}: found no text of exactly {tokens} tokens, only of "
            f"{tokens - missing}: leave --tokenizer out"
        )

    def _with_words(self, text: str, tokens: int, rng: random.Random) -> str:
        """The text with as many words as fit."""
        before = self.count(text)
        room = tokens - before
        words = rng.choices(WORDS, k=room)
        if not words:
            return text
        cost = max(self.count(" ".join((text, *words))) - before, 1) / len(words)
        kept = words[: int(room / cost)]
        while kept and self.count(" ".join((text, *kept))) > tokens:
            kept.pop()
        return " ".join((text, *kept))


@lru_cache(maxsize=1)
def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a `tokenizer.json`, as models bring it; UsageError where it is none."""
    try:
        library = importlib.import_module("tokenizers")
    except ImportError as error:
        needed = f"--tokenizer needs the package tokenizers, which is not installed: {EXTRA}"
        raise UsageError(needed) from error
    try:
        return Tokenizer(path, library.Tokenizer.from_str(path.read_text("utf-8")))
    except OSError as error:
        raise UsageError(f"--tokenizer {path}: cannot be read: {error.strerror}") from error
    except Exception as error:
        told = f"expected a tokenizer.json of Hugging Face, got {str(error)[:200]!r}"
        raise UsageError(f"--tokenizer {path}: {told}") from error
