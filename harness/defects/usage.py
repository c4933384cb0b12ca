"""Token counts: missing, of another type, or not what was said."""

from collections.abc import Callable
from typing import Any

from harness.defects.edits import (
    Document,
    boths,
    choices,
    document_of,
    event_of,
    is_done,
    on_both,
    on_documents,
    on_events,
    part_of,
    plains,
    streams,
)
from harness.defects.rows import rows
from harness.gateway.served import Served
from harness.wire import Chunk, Response

_RENAMED = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}


def _on_usage(edit: Callable[[Document], Document]) -> Callable[[Served], Response]:
    def edited(document: Document) -> Document:
        if isinstance(document.get("usage"), dict):
            document["usage"] = edit(document["usage"])
        return document

    return lambda served: on_both(served, edited)


def no_usage_chunk(served: Served) -> Response:
    """No usage anywhere in a stream."""
    return on_events(served, lambda events: [_bare(event) for event in events if not _only(event)])


def _only(event: Chunk) -> bool:
    document = document_of(event)
    return document is not None and document.get("choices") == []


def _bare(event: Chunk) -> Chunk:
    head, mark, _ = event.data.rpartition(b',"usage":')
    return Chunk(head + b"}\n\n", event.at_ns) if mark else event


def usage_after_done(served: Served) -> Response:
    """The usage chunk behind the end marker."""
    return on_events(served, _swapped)


def _swapped(events: list[Chunk]) -> list[Chunk]:
    last = [_bare(event) for event in events if not _only(event) and not is_done(event)]
    done = [event for event in events if is_done(event)]
    return [*last, *done, *(event for event in events if _only(event))]


def usage_zero(served: Served) -> Response:
    """All counts are zero in plain answers and streams."""
    return _on_usage(lambda usage: {**usage, **dict.fromkeys(_COUNTS, 0)})(served)


_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


def _off_by_one(usage: Document) -> Document:
    return {**usage, "total_tokens": usage["total_tokens"] + 1}


def _one_more(document: Document) -> Document:
    usage = document.get("usage")
    if isinstance(usage, dict):
        more = {name: usage[name] + 1 for name in ("completion_tokens", "total_tokens")}
        document["usage"] = {**usage, **more}
    return document


def _as_strings(usage: Document) -> Document:
    return {name: str(value) if name in _COUNTS else value for name, value in usage.items()}


def _translated(usage: Document) -> Document:
    return {_RENAMED[name]: usage[name] for name in _RENAMED}


def _over_reasoned(usage: Document) -> Document:
    return {
        **usage,
        "completion_tokens_details": {"reasoning_tokens": usage["completion_tokens"] + 1},
    }


USAGE = rows(
    "U",
    (
        "no-usage-chunk",
        "include_usage is ignored: no chunk has usage",
        no_usage_chunk,
        "usage-stream",
        "U01",
    ),
    (
        "usage-after-done",
        "usage comes after [DONE]",
        usage_after_done,
        "stream-done-last usage-stream",
        "U04",
    ),
    (
        "reasoning-exceeds-completion",
        "reasoning_tokens is larger than completion_tokens",
        _on_usage(_over_reasoned),
        "usage-details",
        "U07, vercel/ai, Baseten example of Kimi-K3",
    ),
    (
        "usage-strings",
        "token counts are strings",
        _on_usage(_as_strings),
        "usage-integers",
        "U08, basetenlabs/baseten-switch usage.go",
    ),
    (
        "usage-other-keys",
        "usage is called input_tokens and output_tokens",
        _on_usage(_translated),
        "usage-integers",
        "U10, translation on a unified route",
    ),
    (
        "usage-total-wrong",
        "total_tokens is not the sum of its parts",
        _on_usage(_off_by_one),
        "usage-sum",
    ),
    (
        "stream-counts-more",
        "a stream counts one completion token more than the plain answer",
        lambda served: on_documents(served, _one_more),
        "answer-costs-same",
        "new-api#2952, cloudflare/ai#550: counts that do not match",
    ),
    (
        "usage-zero",
        "every token count is 0",
        usage_zero,
        "usage-positive",
        "usage lost in translation",
    ),
)


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


def _sides_swapped(usage: Document) -> Document:
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


def _chunk_without_usage(events: list[Chunk]) -> list[Chunk]:
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
    *rows(
        "U",
        (
            "cached-exceeds-prompt",
            "cached_tokens exceeds prompt_tokens",
            boths(_counts(_cached_too_many)),
            "usage-details",
            "U11",
        ),
        (
            "length-not-max",
            "finish_reason is length although the limit was not reached",
            boths(_length_early),
            "length-at-limit",
            "U13, atoma-infer#228",
        ),
        (
            "usage-counts-retry",
            "tokens are counted twice, as of a retry",
            boths(_counts(_doubled)),
            "max-tokens",
            "U14",
        ),
        (
            "usage-swapped",
            "prompt and completion counts change places",
            boths(_counts(_sides_swapped)),
            "usage-details",
        ),
        (
            "usage-negative",
            "completion_tokens is negative",
            boths(_counts(_negative)),
            "usage-integers usage-details",
        ),
        (
            "usage-floats",
            "counts are fractions",
            boths(_counts(lambda usage: {**usage, "prompt_tokens": usage["prompt_tokens"] + 0.5})),
            "usage-integers",
        ),
        (
            "usage-short",
            "one completion token is not counted",
            boths(_counts(_one_short)),
            "usage-positive",
        ),
        (
            "usage-null-plain",
            "a plain answer's usage is null",
            plains(lambda document: {**document, "usage": None}),
            "usage-plain",
        ),
        (
            "usage-list",
            "usage is a list",
            boths(lambda d: {**d, "usage": [d["usage"]]} if d.get("usage") else d),
            "usage-stream",
        ),
        ("usage-shrinks", "usage falls during a stream", streams(_shrinking), "usage-cumulative"),
        (
            "usage-of-the-one-before",
            "usage is that of the request before",
            usage_of_the_one_before,
            "length-at-limit logprobs-count",
        ),
        (
            "usage-prompt-zero-stream",
            "a stream's prompt costs nothing",
            lambda served: (
                boths(_counts(lambda u: _totalled(u, prompt_tokens=0)))(served)
                if served.streamed
                else served.response
            ),
            "usage-positive",
        ),
        (
            "reasoning-not-counted",
            "reasoning is said and its count is 0",
            plains(_text_usage_kept),
            "usage-reasoning",
        ),
        (
            "usage-chunk-early",
            "the usage chunk comes before the finish chunk",
            streams(_early),
            "usage-chunk-last",
        ),
        (
            "usage-chunk-bare",
            "the usage chunk has no usage",
            streams(_chunk_without_usage),
            "usage-chunk-last",
        ),
        (
            "usage-chunk-twice",
            "the usage chunk comes twice",
            streams(_reported_twice),
            "usage-chunk-last",
        ),
    ),
    *rows(
        "L",
        (
            "usage-inflated",
            "ten times the tokens are reported",
            boths(_counts(_tenfold)),
            "max-tokens",
            "L13",
        ),
    ),
)
