"""Class U, continued: counts that are wrong, missing or somebody else's."""

from collections.abc import Callable
from typing import Any

from harness.defects.defect import defect
from harness.defects.edits import (
    Document,
    boths,
    choices,
    document_of,
    event_of,
    on_both,
    part_of,
    plains,
    streams,
)
from harness.gateway.served import Served
from harness.wire import Chunk, Response

_CHAT, _STREAM, _PLAIN = (
    "every chat answer with usage",
    "streamed chat answers with usage",
    "every plain chat answer",
)


def _counts(edit: Callable[[Document], Document]) -> Callable[[Document], Document]:
    def edited(document: Document) -> Document:
        if isinstance(document.get("usage"), dict):
            document["usage"] = edit(document["usage"])
        return document

    return edited


def _totalled(usage: Document, **counts: Any) -> Document:
    """The usage with other counts and a total that still fits."""
    changed = {**usage, **counts}
    return {**changed, "total_tokens": changed["prompt_tokens"] + changed["completion_tokens"]}


def _cached_too_many(usage: Document) -> Document:
    return {**usage, "prompt_tokens_details": {"cached_tokens": usage["prompt_tokens"] + 1}}


def _doubled(usage: Document) -> Document:
    return _totalled(usage, completion_tokens=usage["completion_tokens"] * 2)


def _tenfold(usage: Document) -> Document:
    return _totalled(usage, completion_tokens=usage["completion_tokens"] * 10 + 400)


def _swapped(usage: Document) -> Document:
    return _totalled(
        usage,
        prompt_tokens=usage["completion_tokens"],
        completion_tokens=usage["prompt_tokens"],
    )


def _negative(usage: Document) -> Document:
    return _totalled(usage, completion_tokens=-usage["completion_tokens"])


def _one_short(usage: Document) -> Document:
    return _totalled(usage, completion_tokens=max(0, usage["completion_tokens"] - 1))


def _length_early(document: Document) -> Document:
    for choice in choices(document):
        if choice.get("finish_reason") == "stop":
            choice["finish_reason"] = "length"
    return document


def _shrinking(events: list[Chunk]) -> list[Chunk]:
    """Usage that is smaller at the end than in the middle."""
    edited = []
    for number, event in enumerate(events):
        document = document_of(event)
        if document and isinstance(document.get("usage"), dict):
            left = max(1, len(events) - number)
            document["usage"] = _totalled(document["usage"], completion_tokens=left)
            event = event_of(document, event.at_ns)
        edited.append(event)
    return edited


def usage_of_the_one_before(served: Served) -> Response:
    """The usage of the request before, whatever that was."""
    before = served.memory.get("usage")
    seen: list[Document] = []

    def edited(document: Document) -> Document:
        if isinstance(document.get("usage"), dict):
            seen.append(document["usage"])
            if before is not None:
                document["usage"] = before
        return document

    response = on_both(served, edited)
    if seen:
        served.memory["usage"] = seen[-1]
    return response


def _text_usage_kept(document: Document) -> Document:
    """Reasoning is billed, but not as reasoning: its own count is 0."""
    usage = document.get("usage")
    thought = any(part_of(choice).get("reasoning_content") for choice in choices(document))
    if thought and isinstance(usage, dict):
        usage["completion_tokens_details"] = {"reasoning_tokens": 0}
    return document


def _alone(event: Chunk) -> bool:
    """Whether the event is the chunk for usage alone."""
    return (document_of(event) or {}).get("choices") == []


def _early(events: list[Chunk]) -> list[Chunk]:
    """The usage chunk and the one before it change places."""
    for number in range(1, len(events)):
        if _alone(events[number]):
            before, after = events[number - 1], events[number]
            pair = [Chunk(after.data, before.at_ns), Chunk(before.data, after.at_ns)]
            return [*events[: number - 1], *pair, *events[number + 1 :]]
    return events


def _bare(events: list[Chunk]) -> list[Chunk]:
    """The usage chunk with neither a choice nor usage; the finish chunk still has it."""
    return [
        event_of({**(document_of(event) or {}), "usage": None}, event.at_ns)
        if _alone(event)
        else event
        for event in events
    ]


def _reported_twice(events: list[Chunk]) -> list[Chunk]:
    return [each for event in events for each in (event,) * (1 + _alone(event))]


BILLING = (
    defect(
        "cached-exceeds-prompt",
        "U11",
        "cached_tokens exceeds prompt_tokens",
        _CHAT,
        boths(_counts(_cached_too_many)),
    ),
    defect(
        "length-not-max",
        "U13",
        "finish_reason is length although the limit was not reached",
        "chat answers that end by themselves",
        boths(_length_early),
        source="atoma-infer#228",
    ),
    defect(
        "usage-counts-retry",
        "U14",
        "tokens are counted twice, as of a retry",
        _CHAT,
        boths(_counts(_doubled)),
    ),
    defect(
        "usage-inflated",
        "L13",
        "ten times the tokens are reported",
        _CHAT,
        boths(_counts(_tenfold)),
    ),
    defect(
        "usage-swapped",
        "own",
        "prompt and completion counts change places",
        _CHAT,
        boths(_counts(_swapped)),
        group="U",
    ),
    defect(
        "usage-negative",
        "own",
        "completion_tokens is negative",
        _CHAT,
        boths(_counts(_negative)),
        group="U",
    ),
    defect(
        "usage-floats",
        "own",
        "counts are fractions",
        _CHAT,
        boths(_counts(lambda usage: {**usage, "prompt_tokens": usage["prompt_tokens"] + 0.5})),
        group="U",
    ),
    defect(
        "usage-short",
        "own",
        "one completion token is not counted",
        _CHAT,
        boths(_counts(_one_short)),
        group="U",
    ),
    defect(
        "usage-null-plain",
        "own",
        "a plain answer's usage is null",
        _PLAIN,
        plains(lambda document: {**document, "usage": None}),
        group="U",
    ),
    defect(
        "usage-list",
        "own",
        "usage is a list",
        _CHAT,
        boths(lambda d: {**d, "usage": [d["usage"]]} if d.get("usage") else d),
        group="U",
    ),
    defect(
        "usage-shrinks",
        "own",
        "usage falls during a stream",
        _STREAM,
        streams(_shrinking),
        group="U",
    ),
    defect(
        "usage-of-the-one-before",
        "own",
        "usage is that of the request before",
        "chat answers after the first",
        usage_of_the_one_before,
        group="U",
    ),
    defect(
        "usage-prompt-zero-stream",
        "own",
        "a stream's prompt costs nothing",
        _STREAM,
        lambda served: (
            boths(_counts(lambda u: _totalled(u, prompt_tokens=0)))(served)
            if served.streamed
            else served.response
        ),
        group="U",
    ),
    defect(
        "reasoning-not-counted",
        "own",
        "reasoning is said and its count is 0",
        "answers with reasoning",
        plains(_text_usage_kept),
        group="U",
    ),
    defect(
        "usage-chunk-early",
        "own",
        "the usage chunk comes before the finish chunk",
        _STREAM,
        streams(_early),
        group="U",
    ),
    defect(
        "usage-chunk-bare",
        "own",
        "the usage chunk has no usage",
        _STREAM,
        streams(_bare),
        group="U",
    ),
    defect(
        "usage-chunk-twice",
        "own",
        "the usage chunk comes twice",
        _STREAM,
        streams(_reported_twice),
        group="U",
    ),
)
