"""Text that arrives changed, shortened or with something added."""

import html
import re
from collections.abc import Callable
from unicodedata import normalize

from harness.defects.edits import (
    Change,
    Document,
    content_positions,
    document_of,
    event_of,
    has_calls,
    in_choices,
    in_parts,
    in_text,
    on_chat,
    on_events,
    on_plain,
    on_stream,
)
from harness.defects.rows import rows
from harness.gateway.served import Served
from harness.wire import Chunk, Response

_QUOTES = str.maketrans({'"': "\u201d", "'": "\u2019"})
_TOKEN = "<|im_end|>"  # noqa: S105 - of a chat template


def _decomposed(text: str) -> str:
    return normalize("NFD", text)


def _without_emoji(text: str) -> str:
    return "".join(c for c in text if ord(c) <= 0xFFFF)


def _ascii(errors: str) -> Callable[[str], str]:
    return lambda text: text.encode("ascii", errors).decode("ascii")


def _thought(text: str) -> str:
    return f"Let me see.</think>{text}"


def _at_delta(place: int, change: Callable[[str], str]) -> Callable[[list[Chunk]], list[Chunk]]:
    """Another text in the first delta with text, or in the last."""

    def changed(events: list[Chunk]) -> list[Chunk]:
        positions = content_positions(events)
        if not positions:
            return events
        at = positions[place]
        other = in_text(change)(document_of(events[at]) or {})
        return [*events[:at], event_of(other, events[at].at_ns), *events[at + 1 :]]

    return changed


def _token_leaks(served: Served) -> Response:
    def leaking(text: str) -> str:
        return text + _TOKEN

    edit = on_events(_at_delta(-1, leaking)) if served.streamed else on_plain(in_text(leaking))
    return edit(served)


def _swapped(events: list[Chunk]) -> list[Chunk]:
    """Two text deltas in the middle change places, each at the other's time."""
    positions = content_positions(events)
    if len(positions) < 3:
        return events
    half = len(positions) // 2
    one, two = positions[half - 1], positions[half]
    edited = list(events)
    edited[one] = Chunk(events[two].data, events[one].at_ns)
    edited[two] = Chunk(events[one].data, events[two].at_ns)
    return edited


def _tail_lost(events: list[Chunk]) -> list[Chunk]:
    last = content_positions(events)[-1:]
    return [event for number, event in enumerate(events) if number not in last]


def _spliced(events: list[Chunk]) -> list[Chunk]:
    """Half of the text, then all of it: a first try and the second."""
    positions = content_positions(events)
    if len(positions) < 4:
        return events
    first, until = positions[0], positions[len(positions) // 2]
    again = [Chunk(event.data, events[until].at_ns) for event in events[first:until]]
    return [*events[:until], *again, *events[until:]]


def _every_third_twice(events: list[Chunk]) -> list[Chunk]:
    third = set(content_positions(events)[2::3])
    return [e for n, e in enumerate(events) for _ in range(2 if n in third else 1)]


def _reasoning_as_content(part: Document) -> None:
    thought = part.pop("reasoning_content", None)
    if thought:
        part["content"] = thought + (part.get("content") or "")


def _in_logprobs(edit: Callable[[Document], object]) -> Change:
    """Every token of the log probabilities edited in place."""

    def edited(choice: Document) -> None:
        for entry in (choice.get("logprobs") or {}).get("content") or ():
            edit(entry)

    return in_choices(edited)


TEXT = rows(
    "I",
    (
        "normalised-text",
        "composed characters are decomposed in streams",
        on_stream(in_text(_decomposed)),
        "logprobs-spell json-schema given-values",
        "I10, ai-dynamo/dynamo#12630",
    ),
    (
        "emoji-loss",
        "characters outside the BMP are missing from streams",
        on_stream(in_text(_without_emoji)),
        "logprobs-spell json-schema given-values",
        "I10, mlx-vlm#1076, exo#1691",
    ),
    (
        "question-marks",
        "characters outside ASCII become question marks in plain answers",
        on_plain(in_text(_ascii("replace"))),
        "logprobs-spell given-values stream-equals-plain reasoning-stream-equal",
    ),
    (
        "mojibake",
        "streams are decoded as latin-1 and encoded again",
        on_stream(in_text(lambda text: text.encode().decode("latin-1"))),
        "body-encoded-once logprobs-spell json-schema given-values",
    ),
    (
        "double-escaped",
        "characters outside ASCII become escape sequences as text",
        on_plain(in_text(_ascii("backslashreplace"))),
        "logprobs-spell stream-equals-plain reasoning-stream-equal",
    ),
    (
        "html-entities",
        "<, > and & become HTML entities in streams",
        on_stream(in_text(html.escape)),
        "json-mode json-schema",
    ),
    (
        "curly-quotes",
        "straight quotes become curly in plain answers",
        on_plain(in_text(lambda text: text.translate(_QUOTES))),
        "logprobs-spell json-mode",
    ),
    (
        "whitespace-collapsed",
        "runs of white space become one space in plain answers",
        on_plain(in_text(lambda text: re.sub(r"\s+", " ", text))),
        "logprobs-spell json-schema given-values",
    ),
    (
        "lower-cased",
        "plain answers are in lower case",
        on_plain(in_text(str.lower)),
        "logprobs-spell given-values stream-equals-plain reasoning-stream-equal",
    ),
    (
        "special-token-leak",
        "the text ends with <|im_end|>",
        _token_leaks,
        "no-template-token json-mode json-schema",
        "I11, LightLLM#130",
    ),
    (
        "think-tag-leak",
        "plain answers begin with a thought and </think>",
        on_plain(lambda d: d if has_calls(d) else in_text(_thought)(d)),
        "no-template-token",
        "I11, LightLLM#130",
    ),
    (
        "retry-splice",
        "half of a first try, then the whole second try",
        on_events(_spliced),
        "role-once usage-cumulative json-mode",
        "I14",
    ),
    (
        "chunks-swapped",
        "two text deltas change places",
        on_events(_swapped),
        "usage-cumulative json-schema given-values",
    ),
    (
        "tail-lost",
        "the last text delta is missing",
        on_events(_tail_lost),
        "role-first json-mode json-schema",
    ),
    (
        "deltas-cut",
        "each delta keeps two characters",
        on_stream(in_text(lambda text: text[:2])),
        "logprobs-spell json-mode json-schema",
    ),
    (
        "every-third-twice",
        "every third delta comes twice",
        on_events(_every_third_twice),
        "logprobs-count json-mode json-schema",
    ),
    (
        "plain-halved",
        "plain answers lose their second half",
        on_plain(in_text(lambda text: text[: max(1, len(text) // 2)])),
        "stream-equals-plain reasoning-stream-equal",
    ),
    (
        "advertised",
        "a sentence is added to plain answers",
        on_plain(in_text(lambda text: f"{text} Powered by this gateway.")),
        "logprobs-spell stream-equals-plain reasoning-stream-equal",
    ),
    (
        "greeting-added",
        "streams begin with words of the gateway",
        on_events(_at_delta(0, lambda text: f"Sure! {text}")),
        "logprobs-spell json-mode json-schema",
    ),
    (
        "reasoning-as-content",
        "reasoning is told as content in streams",
        on_stream(in_parts(_reasoning_as_content)),
        "reasoning-stream-equal",
        "docs.baseten.co/inference/model-apis/reasoning",
    ),
    (
        "logprobs-of-other-text",
        "logprobs belong to other tokens",
        on_chat(_in_logprobs(lambda e: e.update(token=e["token"].upper() + "?"))),
        "logprobs-bytes",
    ),
    (
        "logprobs-positive",
        "log probabilities are above 0",
        on_chat(_in_logprobs(lambda e: e.update(logprob=abs(e["logprob"]) + 0.5))),
        "logprobs-shape",
    ),
)
