"""Class U: usage, billing and metadata."""

from collections.abc import Callable

from harness.defects.edits import (
    Document,
    document_of,
    is_done,
    on_both,
    on_documents,
    on_events,
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
