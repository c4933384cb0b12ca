"""Token counts: missing, of another type, or not what was said."""

from harness.defects.edits import (
    Document,
    choices,
    document_of,
    event_of,
    finishing,
    having,
    in_usage,
    is_done,
    on_chat,
    on_events,
    on_plain,
    on_stream,
    part_of,
)
from harness.defects.rows import rows
from harness.gateway.served import Served
from harness.wire import Chunk, Response

_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
_RENAMED = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}


def _alone(event: Chunk) -> bool:
    """Whether the event is the chunk for usage alone."""
    return (document_of(event) or {}).get("choices") == []


def _bare(event: Chunk) -> Chunk:
    head, mark, _ = event.data.rpartition(b',"usage":')
    return Chunk(head + b"}\n\n", event.at_ns) if mark else event


def _behind_done(events: list[Chunk]) -> list[Chunk]:
    last = [_bare(event) for event in events if not _alone(event) and not is_done(event)]
    done = [event for event in events if is_done(event)]
    return [*last, *done, *filter(_alone, events)]


usage_after_done = on_events(_behind_done)
usage_zero = on_chat(in_usage(having(**dict.fromkeys(_COUNTS, 0))))
total_off = having(total_tokens=lambda count: count + 1)


def _totalled(usage: Document, **counts: int) -> Document:
    """The usage with other counts and a total that still fits."""
    changed = {**usage, **counts}
    return {**changed, "total_tokens": changed["prompt_tokens"] + changed["completion_tokens"]}


def _as_text(usage: Document) -> Document:
    return {name: str(value) if name in _COUNTS else value for name, value in usage.items()}


def _details_as_text(usage: Document) -> Document:
    details = usage.get("prompt_tokens_details")
    if isinstance(details, dict):
        details["cached_tokens"] = str(details.get("cached_tokens", 0))
    return usage


def _reasoning_exceeds(usage: Document) -> Document:
    details = {"reasoning_tokens": usage["completion_tokens"] + 1}
    return {**usage, "completion_tokens_details": details}


def _cached_exceeds(usage: Document) -> Document:
    return {**usage, "prompt_tokens_details": {"cached_tokens": usage["prompt_tokens"] + 1}}


def _inflated(usage: Document) -> Document:
    return _totalled(usage, completion_tokens=usage["completion_tokens"] * 10 + 400)


def _sides_swapped(usage: Document) -> Document:
    completion, prompt = usage["prompt_tokens"], usage["completion_tokens"]
    return _totalled(usage, prompt_tokens=prompt, completion_tokens=completion)


def _one_short(usage: Document) -> Document:
    return _totalled(usage, completion_tokens=max(0, usage["completion_tokens"] - 1))


def _shrinking(events: list[Chunk]) -> list[Chunk]:
    """Usage that is smaller at the end than in the middle."""

    def changed(event: Chunk, left: int) -> Chunk:
        document = document_of(event)
        if not document or not isinstance(document.get("usage"), dict):
            return event
        document["usage"] = _totalled(document["usage"], completion_tokens=left)
        return event_of(document, event.at_ns)

    return [changed(event, len(events) - number) for number, event in enumerate(events)]


def usage_of_the_one_before(served: Served) -> Response:
    """The usage of the request before, whatever that was."""
    before, seen = served.memory.get("usage"), list[Document]()

    def replaced(usage: Document) -> Document:
        seen.append(usage)
        return usage if before is None else before

    response = on_chat(in_usage(replaced))(served)
    if seen:
        served.memory["usage"] = seen[-1]
    return response


def _reasoning_uncounted(document: Document) -> Document:
    """Reasoning is billed, but not as reasoning: its own count is 0."""
    thought = any(part_of(choice).get("reasoning_content") for choice in choices(document))
    none = having(completion_tokens_details={"reasoning_tokens": 0})
    return in_usage(none)(document) if thought else document


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


USAGE = rows(
    "U",
    (
        "no-usage-chunk",
        "include_usage is ignored: no chunk has usage",
        on_events(lambda events: [_bare(event) for event in events if not _alone(event)]),
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
        on_chat(in_usage(_reasoning_exceeds)),
        "usage-details",
        "U07, vercel/ai, Baseten example of Kimi-K3",
    ),
    (
        "usage-strings",
        "token counts are strings",
        on_chat(in_usage(_as_text)),
        "usage-integers",
        "U08, basetenlabs/baseten-switch usage.go",
    ),
    (
        "usage-other-keys",
        "usage is called input_tokens and output_tokens",
        on_chat(in_usage(lambda usage: {_RENAMED[name]: usage[name] for name in _RENAMED})),
        "usage-integers",
        "U10, translation on a unified route",
    ),
    (
        "usage-total-wrong",
        "total_tokens is not the sum of its parts",
        on_chat(in_usage(total_off)),
        "usage-sum",
    ),
    (
        "stream-counts-more",
        "a stream counts one completion token more than the plain answer",
        on_stream(in_usage(lambda u: _totalled(u, completion_tokens=u["completion_tokens"] + 1))),
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
    (
        "cached-exceeds-prompt",
        "cached_tokens exceeds prompt_tokens",
        on_chat(in_usage(_cached_exceeds)),
        "usage-details",
        "U11",
    ),
    (
        "length-not-max",
        "finish_reason is length although the limit was not reached",
        on_chat(finishing("length", instead_of="stop")),
        "length-at-limit",
        "U13, atoma-infer#228",
    ),
    (
        "usage-counts-retry",
        "tokens are counted twice, as of a retry",
        on_chat(in_usage(lambda u: _totalled(u, completion_tokens=u["completion_tokens"] * 2))),
        "max-tokens",
        "U14",
    ),
    (
        "usage-swapped",
        "prompt and completion counts change places",
        on_chat(in_usage(_sides_swapped)),
        "usage-details",
    ),
    (
        "usage-negative",
        "completion_tokens is negative",
        on_chat(in_usage(lambda u: _totalled(u, completion_tokens=-u["completion_tokens"]))),
        "usage-integers usage-details",
    ),
    (
        "usage-floats",
        "counts are fractions",
        on_chat(in_usage(having(prompt_tokens=lambda count: count + 0.5))),
        "usage-integers",
    ),
    (
        "usage-short",
        "one completion token is not counted",
        on_chat(in_usage(_one_short)),
        "usage-positive",
    ),
    (
        "usage-null-plain",
        "a plain answer's usage is null",
        on_plain(having(usage=None)),
        "usage-plain",
    ),
    (
        "usage-list",
        "usage is a list",
        on_chat(lambda d: {**d, "usage": [d["usage"]]} if d.get("usage") else d),
        "usage-stream",
    ),
    ("usage-shrinks", "usage falls during a stream", on_events(_shrinking), "usage-cumulative"),
    (
        "usage-of-the-one-before",
        "usage is that of the request before",
        usage_of_the_one_before,
        "length-at-limit logprobs-count",
    ),
    (
        "usage-prompt-zero-stream",
        "a stream's prompt costs nothing",
        on_stream(in_usage(lambda usage: _totalled(usage, prompt_tokens=0))),
        "usage-positive",
    ),
    (
        "reasoning-not-counted",
        "reasoning is said and its count is 0",
        on_plain(_reasoning_uncounted),
        "usage-reasoning",
    ),
    (
        "usage-chunk-early",
        "the usage chunk comes before the finish chunk",
        on_events(_early),
        "usage-chunk-last",
    ),
    (
        "usage-chunk-bare",
        "the usage chunk has no usage",
        on_events(_chunk_without_usage),
        "usage-chunk-last",
    ),
    (
        "usage-chunk-twice",
        "the usage chunk comes twice",
        on_events(_reported_twice),
        "usage-chunk-last",
    ),
    (
        "usage-details-text",
        "cached_tokens is a string",
        on_chat(in_usage(_details_as_text)),
        "usage-details-integers",
    ),
) + rows(
    "L",
    (
        "usage-inflated",
        "ten times the tokens are reported",
        on_chat(in_usage(_inflated)),
        "max-tokens",
        "L13",
    ),
)
