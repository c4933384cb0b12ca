"""Text that arrives changed, shortened or with something added."""

import html
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from harness.defects.edits import (
    Document,
    boths,
    choices,
    content_of,
    content_positions,
    document_of,
    documents,
    event_of,
    has_calls,
    part_of,
    plains,
    streams,
    with_text,
)
from harness.defects.rows import rows
from harness.gateway.served import Served
from harness.wire import Chunk, Response

_TEXT, _STREAM, _PLAIN = (
    "every chat answer with text",
    "every streamed chat answer with text",
    "every plain chat answer with text",
)
_QUOTES = str.maketrans({'"': "\u201d", "'": "\u2019"})


def _changed(change: Callable[[str], str]) -> Callable[[Served], Response]:
    return boths(lambda document: with_text(document, change))


def _in_stream(change: Callable[[str], str]) -> Callable[[Served], Response]:
    return documents(lambda document: with_text(document, change))


def _in_plain(change: Callable[[str], str]) -> Callable[[Served], Response]:
    return plains(lambda document: with_text(document, change))


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def _without_emoji(text: str) -> str:
    return "".join(c for c in text if ord(c) <= 0xFFFF)


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")


def _mojibake(text: str) -> str:
    return text.encode("utf-8").decode("latin-1")


def _collapsed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _double_escaped(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _first_delta(prefix: str) -> Callable[[list[Chunk]], list[Chunk]]:
    """Something before the first text of a stream."""

    def edited(events: list[Chunk]) -> list[Chunk]:
        positions = content_positions(events)[:1]
        return [
            event_of(with_text(document_of(e) or {}, lambda t: prefix + t), e.at_ns)
            if n in positions
            else e
            for n, e in enumerate(events)
        ]

    return edited


def _last_delta(suffix: str) -> Callable[[list[Chunk]], list[Chunk]]:
    """Something behind the last text of a stream."""

    def edited(events: list[Chunk]) -> list[Chunk]:
        positions = content_positions(events)[-1:]
        return [
            event_of(with_text(document_of(e) or {}, lambda t: t + suffix), e.at_ns)
            if n in positions
            else e
            for n, e in enumerate(events)
        ]

    return edited


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
    until = positions[len(positions) // 2]
    first = positions[0]
    again = [Chunk(event.data, events[until].at_ns) for event in events[first:until]]
    return [*events[:until], *again, *events[until:]]


def _halved(text: str) -> str:
    return text[: max(1, len(text) // 2)]


def _reasoning_as_content(document: Document) -> Document:
    for choice in choices(document):
        part = part_of(choice)
        thought = part.pop("reasoning_content", None)
        if thought:
            part["content"] = thought + (part.get("content") or "")
    return document


def _think_tag(document: Document) -> Document:
    def tagged(text: str) -> str:
        return "Let me see.</think>" + text

    return document if has_calls(document) else with_text(document, tagged)


def _logprobs_shifted(document: Document) -> Document:
    for choice in choices(document):
        odds: dict[str, Any] = choice.get("logprobs") or {}
        for entry in odds.get("content") or ():
            entry["token"] = entry["token"].upper() + "?"
    return document


def _logprob_positive(document: Document) -> Document:
    for choice in choices(document):
        odds: dict[str, Any] = choice.get("logprobs") or {}
        for entry in odds.get("content") or ():
            entry["logprob"] = abs(entry["logprob"]) + 0.5
    return document


def _duplicated_words(events: list[Chunk]) -> list[Chunk]:
    """Every third text delta twice."""
    third = set(content_positions(events)[2::3])
    return [e for n, e in enumerate(events) for _ in range(2 if n in third else 1)]


def _deltas_cut(events: list[Chunk]) -> list[Chunk]:
    """Two characters of each delta."""
    return [
        event_of(with_text(document_of(e) or {}, lambda t: t[:2]), e.at_ns)
        if len(content_of(document_of(e))) > 2
        else e
        for e in events
    ]


TEXT = rows(
    "I",
    (
        "normalised-text",
        "composed characters are decomposed in streams",
        _in_stream(_decomposed),
        "logprobs-spell json-schema given-values",
        "I10, ai-dynamo/dynamo#12630",
    ),
    (
        "emoji-loss",
        "characters outside the BMP are missing from streams",
        _in_stream(_without_emoji),
        "logprobs-spell json-schema given-values",
        "I10, mlx-vlm#1076, exo#1691",
    ),
    (
        "question-marks",
        "characters outside ASCII become question marks in plain answers",
        _in_plain(_ascii),
        "logprobs-spell given-values stream-equals-plain reasoning-stream-equal",
    ),
    (
        "mojibake",
        "streams are decoded as latin-1 and encoded again",
        _in_stream(_mojibake),
        "body-encoded-once logprobs-spell json-schema given-values",
    ),
    (
        "double-escaped",
        "characters outside ASCII become escape sequences as text",
        _in_plain(_double_escaped),
        "logprobs-spell stream-equals-plain reasoning-stream-equal",
    ),
    (
        "html-entities",
        "<, > and & become HTML entities in streams",
        _in_stream(html.escape),
        "json-mode json-schema",
    ),
    (
        "curly-quotes",
        "straight quotes become curly in plain answers",
        _in_plain(lambda text: text.translate(_QUOTES)),
        "logprobs-spell json-mode",
    ),
    (
        "whitespace-collapsed",
        "runs of white space become one space in plain answers",
        _in_plain(_collapsed),
        "logprobs-spell json-schema given-values",
    ),
    (
        "lower-cased",
        "plain answers are in lower case",
        _in_plain(str.lower),
        "logprobs-spell given-values stream-equals-plain reasoning-stream-equal",
    ),
    (
        "special-token-leak",
        "the text ends with <|im_end|>",
        lambda served: (
            streams(_last_delta("<|im_end|>"))(served)
            if served.streamed
            else _in_plain(lambda text: text + "<|im_end|>")(served)
        ),
        "no-template-token json-mode json-schema",
        "I11, LightLLM#130",
    ),
    (
        "think-tag-leak",
        "plain answers begin with a thought and </think>",
        plains(_think_tag),
        "no-template-token",
        "I11, LightLLM#130",
    ),
    (
        "retry-splice",
        "half of a first try, then the whole second try",
        streams(_spliced),
        "role-once usage-cumulative json-mode",
        "I14",
    ),
    (
        "chunks-swapped",
        "two text deltas change places",
        streams(_swapped),
        "usage-cumulative json-schema given-values",
    ),
    (
        "tail-lost",
        "the last text delta is missing",
        streams(_tail_lost),
        "role-first json-mode json-schema",
    ),
    (
        "deltas-cut",
        "each delta keeps two characters",
        streams(_deltas_cut),
        "logprobs-spell json-mode json-schema",
    ),
    (
        "every-third-twice",
        "every third delta comes twice",
        streams(_duplicated_words),
        "logprobs-count json-mode json-schema",
    ),
    (
        "plain-halved",
        "plain answers lose their second half",
        _in_plain(_halved),
        "stream-equals-plain reasoning-stream-equal",
    ),
    (
        "advertised",
        "a sentence is added to plain answers",
        _in_plain(lambda text: text + " Powered by this gateway."),
        "logprobs-spell stream-equals-plain reasoning-stream-equal",
    ),
    (
        "greeting-added",
        "streams begin with words of the gateway",
        streams(_first_delta("Sure! ")),
        "logprobs-spell json-mode json-schema",
    ),
    (
        "reasoning-as-content",
        "reasoning is told as content in streams",
        documents(_reasoning_as_content),
        "reasoning-stream-equal",
        "docs.baseten.co/inference/model-apis/reasoning",
    ),
    (
        "logprobs-of-other-text",
        "logprobs belong to other tokens",
        boths(_logprobs_shifted),
        "logprobs-bytes",
    ),
    (
        "logprobs-positive",
        "log probabilities are above 0",
        boths(_logprob_positive),
        "logprobs-shape",
    ),
)
