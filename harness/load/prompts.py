"""What is asked: prompts of a wanted length or from a file, each opened by a nonce.

The nonce comes first, because prompt caches of model servers match from the beginning.
"""

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from harness.errors import UsageError
from harness.load.conversation import Dialogue, conversation, opened
from harness.load.datasets import as_line
from harness.routes.route import Route

if TYPE_CHECKING:
    from harness.load.tokens import Tokenizer

BYTES_PER_TOKEN = 3
"""A cautious guess for a budget: the tokenizers of the models served need 3.5 to 5 of English."""

WORDS = ("time", "river", "stone", "light", "garden", "paper", "winter", "music", "bridge", "year")
"""Words of one token each in the usual tokenizers."""
TASK = "Continue this list of words with words of your own:"

MOST_IN_A_BLOCK = 100
"""A share of streams is kept to the hundredth."""

Prompt = Mapping[str, Any]
"""Fields of a request body: `messages` or `prompt`, and what else a line of the file holds.

Those of a trace and of a conversation have two fields that are not sent: `literal`, without a
nonce, and `session`. Where there is a tokenizer, one that is made has `exact`, its length in
tokens and a seed.
"""


def read_prompts(path: Path) -> tuple[Prompt, ...]:
    """The prompts of a file of JSON lines: one object a line with `prompt`, `messages` or `turns`.

    Lines of known datasets are read by their own columns. Every other field of a line goes into the
    request body as it is. A line ends at a line feed and nowhere else: text may hold U+2028 and
    U+0085. UsageError names the line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"--prompts {path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--prompts {path}: byte {error.start} is not UTF-8") from error
    try:
        prompts = [_prompt(n, line) for n, line in enumerate(text.split("\n"), 1) if _holds(line)]
    except UsageError as error:
        raise UsageError(f"--prompts {path}{_as_a_whole(text) or error}") from error
    if not prompts:
        raise UsageError(f"--prompts {path}: expected at least one line, got none")
    if len({"turns" in prompt for prompt in prompts}) > 1:
        raise UsageError(f'--prompts {path}: either all lines have "turns", or none')
    return tuple(prompts)


def lines_of(path: Path, option: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file of JSON lines with the numbers of their lines; UsageError names one."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{option} {path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{option} {path}: byte {error.start} is not UTF-8") from error
    for number, line in enumerate(text.split("\n"), 1):
        if not _holds(line):
            continue
        try:
            document = _JSON.decode(line.strip(" \t\r"))
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{option} {path}, line {number}: not JSON: {error}") from error
        if not isinstance(document, dict):
            raise UsageError(f"{option} {path}, line {number}: expected an object")
        yield number, document


def block(count: int, seed: object) -> str:
    """Words of about `count` tokens; the same seed gives the same ones."""
    rng = random.Random(str(seed))  # noqa: S311 - no secret
    return " ".join(rng.choices(WORDS, k=count))


def words(count: int, seed: int) -> str:
    """A prompt of about `count` tokens."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    return " ".join((TASK, *(rng.choice(WORDS) for _ in range(max(count - 12, 1)))))


class _Made(Sequence[Prompt]):
    """Prompts of these lengths, each made when it is asked for."""

    def __init__(self, lengths: Sequence[int], seed: int, *, exact: bool) -> None:
        self._exact = exact
        self._lengths = lengths
        self._seed = seed
        self._made: dict[int, Prompt] = {}

    def __len__(self) -> int:
        return len(self._lengths)

    def __getitem__(self, place: Any) -> Any:
        made = self._made.get(place)
        if made is None:
            made = self._make(self._lengths[place], self._seed + place)
            self._made[place] = made
        return made

    def _make(self, length: int, seed: int) -> Prompt:
        return {"exact": (length, seed)} if self._exact else {"prompt": words(length, seed)}


INPUT = "input of the deployment"
"""In a prompt: the whole body that the model route gets in its place."""


class Prompts:
    """Makes the body of each request; the same plan and index make the same body.

    `prompt_lengths` and `output_lengths` are those of one request after another, `stream_share` is
    how many of them ask for a stream; a line of a file that says either for itself keeps it.
    `model_input` are the bodies of the model route, as they are, where the deployment takes no
    prompt.
    """

    def __init__(
        self,
        *,
        model: str,
        stream: bool,
        max_output_tokens: int,
        prompt_tokens: int,
        seed: int = 0,
        prompts: tuple[Prompt, ...] = (),
        prompt_lengths: tuple[int, ...] = (),
        output_lengths: tuple[int, ...] = (),
        stream_share: float | None = None,
        tokenizer: "Tokenizer | None" = None,
        model_input: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        made = _Made(prompt_lengths or (prompt_tokens,), seed, exact=tokenizer is not None)
        self._tokenizer = tokenizer
        self._prompts: Sequence[Prompt] = prompts or made
        self._inputs = tuple(model_input)
        self._output_lengths = output_lengths
        self._stream_share = stream_share
        self._seed = seed
        self._model = model
        self._max_output_tokens = max_output_tokens
        self._stream = stream

    def place(self, index: int) -> tuple[object, ...]:
        """What the request `index` gets: equal places, equal bodies but for the nonce."""
        own = self._own(index)
        input_place = index % len(self._inputs) if self._inputs else None
        options = (own.get(name) for name in ("max_tokens", "stream"))
        return (index % len(self._prompts), input_place, *options)

    def body(self, route: str, *, index: int, nonce: str) -> dict[str, Any]:
        """The request body for `route`, its prompt opened by the nonce."""
        return self.body_of(self.at(index), route, nonce=nonce)

    def body_of(self, asked: Prompt, route: str, *, nonce: str) -> dict[str, Any]:
        """The request body of a prompt."""
        prompt = dict(asked)
        taken = prompt.pop(INPUT, None)
        if route == Route.MODEL and taken is not None:
            return dict(taken)
        if self._tokenizer is not None and "exact" in prompt:
            tokens, seed = prompt.pop("exact")
            text = self._tokenizer.prompt(tokens, nonce=nonce, seed=seed)
            prompt |= {"prompt": text, "literal": True}
        literal = prompt.pop("literal", False) is True
        if literal:
            prompt.pop("session", None)
        text, messages = prompt.pop("prompt", None), prompt.pop("messages", None)
        body: dict[str, Any] = {"max_tokens": self._max_output_tokens, "stream": self._stream}
        if not self.streams({**body, **prompt}):
            prompt.pop("stream_options", None)
        if route == Route.MODEL and messages is None:
            return {"prompt": text if literal else f"[{nonce}] {text}", **body, **prompt}
        if messages is None:
            messages = [{"role": "user", "content": text}]
        body["messages"] = messages if literal else opened(messages, nonce)
        if route == Route.MODEL:
            return body | prompt
        if self.streams({**body, **prompt}):
            body["stream_options"] = {"include_usage": True}
        return {"model": self._model, "temperature": 0, **body, **prompt}

    def at(self, index: int) -> Prompt:
        """The prompt of the request `index`."""
        asked = {**self._own(index), **self._prompts[index % len(self._prompts)]}
        if self._inputs:
            asked[INPUT] = self._inputs[index % len(self._inputs)]
        return asked

    def _own(self, index: int) -> dict[str, Any]:
        """What the request `index` has for itself, unless its prompt says otherwise."""
        own: dict[str, Any] = {}
        if self._output_lengths:
            own["max_tokens"] = self._output_lengths[index % len(self._output_lengths)]
        if self._stream_share is not None:
            own["stream"] = streamed(index, share=self._stream_share, seed=self._seed)
        return own

    @property
    def opening(self) -> Prompt | None:
        """The first question of the first conversation, where these are conversations."""
        if not self.are_conversations:
            return None
        dialogue = Dialogue(self._prompts[0], 0, "")
        return dialogue.asked(next(iter(dialogue))[1])

    @property
    def each_by_itself(self) -> bool:
        """Whether a request is made anew for its nonce, which is a part of its length."""
        return self._tokenizer is not None

    @property
    def are_conversations(self) -> bool:
        """Whether each prompt is several questions, one after another."""
        return "turns" in self._prompts[0]

    def session(self, prompt: Prompt) -> str | None:
        """The session that a prompt belongs to, where it is of a trace or a conversation."""
        session = prompt.get("session") if prompt.get("literal") is True else None
        return None if session is None else str(session)

    def most_output(self, body: Mapping[str, Any]) -> int:
        """How many completion tokens a body allows."""
        asked = body.get("max_completion_tokens", body.get("max_tokens"))
        return asked if isinstance(asked, int) else self._max_output_tokens

    def streams(self, body: Mapping[str, Any]) -> bool:
        """Whether a body asks for a stream; a line of a file decides that for itself."""
        return body.get("stream") is True


def _holds(line: str) -> bool:
    return bool(line.strip(" \t\r"))


def _prompt(number: int, line: str) -> Prompt:
    """The prompt of a line; UsageError without the name of the file."""
    try:
        prompt = _JSON.decode(line.strip(" \t\r"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f", line {number}: not JSON: {error}") from error
    if isinstance(prompt, dict):
        prompt = as_line(prompt, number)
    if isinstance(prompt, dict) and "turns" in prompt:
        return conversation(prompt, number)
    good = isinstance(prompt, dict) and (
        isinstance(prompt.get("prompt"), str) or _are_messages(prompt.get("messages"))
    )
    if not good:
        raise UsageError(
            f', line {number}: expected an object with "prompt" or "messages", got {line[:200]!r}'
        )
    return dict(prompt)


def _are_messages(value: Any) -> bool:
    """Whether a nonce can open them."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _as_a_whole(text: str) -> str:
    """What to say of a file that is one JSON document, as ShareGPT's is; else nothing."""
    try:
        document = _JSON.decode(text.strip())
    except (ValueError, RecursionError):
        return ""
    if isinstance(document, list):
        found = f"one JSON document, an array of {len(document)}"
    elif "\n" in text.strip():
        found = "one JSON document over several lines"
    else:
        return ""
    return f': expected JSON lines, one object with "prompt" or "messages" in each; this is {found}'


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number that JSON has")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is beyond every number that can be sent")
    return value


_JSON = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def streamed(index: int, *, share: float, seed: int) -> bool:
    """Whether request `index` asks for a stream when `share` of all do, in shuffled blocks."""
    part = Fraction(share).limit_denominator(MOST_IN_A_BLOCK)
    block, position = divmod(index, part.denominator)
    return position in _streams(part.numerator, part.denominator, block=block, seed=seed)


@lru_cache(maxsize=64)
def _streams(many: int, of: int, *, block: int, seed: int) -> frozenset[int]:
    return frozenset(random.Random(f"{seed}:stream:{block}").sample(range(of), many))  # noqa: S311 - no secret
