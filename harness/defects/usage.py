"""Class U: usage, billing and metadata."""

from collections.abc import Callable

from harness.defects.defect import Defect
from harness.defects.edits import (
    Document,
    document_of,
    is_done,
    on_both,
    on_documents,
    on_events,
)
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


USAGE = (
    Defect(
        name="no-usage-chunk",
        catalogue="U01",
        group="U",
        statement="include_usage is ignored: no chunk has usage",
        shown_by="streamed chat answers with include_usage",
        source="constructed",
        respond=no_usage_chunk,
    ),
    Defect(
        name="usage-after-done",
        catalogue="U04",
        group="U",
        statement="usage comes after [DONE]",
        shown_by="streamed chat answers with include_usage",
        source="constructed",
        respond=usage_after_done,
    ),
    Defect(
        name="reasoning-exceeds-completion",
        catalogue="U07",
        group="U",
        statement="reasoning_tokens is larger than completion_tokens",
        shown_by="every chat answer with usage",
        source="vercel/ai, Baseten example of Kimi-K3",
        respond=_on_usage(_over_reasoned),
    ),
    Defect(
        name="usage-strings",
        catalogue="U08",
        group="U",
        statement="token counts are strings",
        shown_by="every chat answer with usage",
        source="basetenlabs/baseten-switch usage.go",
        respond=_on_usage(_as_strings),
    ),
    Defect(
        name="usage-other-keys",
        catalogue="U10",
        group="U",
        statement="usage is called input_tokens and output_tokens",
        shown_by="every chat answer with usage",
        source="constructed (translation on a unified route)",
        respond=_on_usage(_translated),
    ),
    Defect(
        name="usage-total-wrong",
        catalogue="own",
        group="U",
        statement="total_tokens is not the sum of its parts",
        shown_by="every chat answer with usage",
        source="constructed",
        respond=_on_usage(_off_by_one),
    ),
    Defect(
        name="stream-counts-more",
        catalogue="own",
        group="U",
        statement="a stream counts one completion token more than the plain answer",
        shown_by="streamed chat answers with usage, beside the same one in plain",
        source="new-api#2952, cloudflare/ai#550: counts that do not match",
        respond=lambda served: on_documents(served, _one_more),
    ),
    Defect(
        name="usage-zero",
        catalogue="own",
        group="U",
        statement="every token count is 0",
        shown_by="every chat answer with usage",
        source="constructed (usage lost in translation)",
        respond=usage_zero,
    ),
)
