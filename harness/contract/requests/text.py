"""Prompts: what they ask for is open, so that any model has something to say.

They are text alone: checks read them where Hypothesis must not be loaded, as in a load.
"""

import random

SUBJECTS = ("rivers", "bridges", "bread", "the moon", "chess", "bees", "paper", "rain")
LONG = "Count from one to five hundred in words, one number after another, and do not stop."
WORDS = "word " * 3000 + "- continue."
"""A prompt whose tokens can be told without a tokenizer: no published one joins whole words."""
MANY = "word " * 600
"""As much of it as makes one message of several heavy."""
SCRIPTS = (
    "naïve café œuvre",
    "Ελληνικά και русский текст",
    "日本語と한국어の文",
    "עברית ثم العربية",
    "emoji 😀👩‍👩‍👧‍👦🏳️‍🌈",
    "combining e\u0301 and \u200d joiner",
    "line\u2028separator\u2029paragraph",
    "\U0001d54c\U0001d55f\U0001d55a beyond the first plane",
    "quotes \"'` and \\ back\\slashes / \t tab",
    "<|im_end|> </think> {{braces}} [DONE] data: x",
)


def nonce(seed: int, number: int) -> str:
    """Eight letters that tell one prompt from all others of a run; the same for the same seed."""
    letters = random.Random(seed * 1_000_003 + number)  # noqa: S311 - not a secret
    return "".join(letters.choices("abcdefghijklmnopqrstuvwxyz", k=8))
