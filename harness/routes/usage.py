"""Token counts of one answer, from however many reports the answer carries."""

from dataclasses import dataclass
from typing import Any

LARGEST = 2**63 - 1
"""What a 64-bit column holds; a larger count is not a count."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts; None where no report named one.

    `completion_tokens` includes `reasoning_tokens`, `prompt_tokens` includes `cached_tokens`
    (OpenAI specification, CompletionUsage). Some servers break both sums; nothing is corrected.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None

    def maximum(self, other: "Usage") -> "Usage":
        """The larger count of each kind.

        Baseten reports cumulative usage on every chunk and again at the end, so the maximum is the
        total and the sum is not.
        """
        if self == other:
            return self
        return Usage(
            _larger(self.prompt_tokens, other.prompt_tokens),
            _larger(self.completion_tokens, other.completion_tokens),
            _larger(self.total_tokens, other.total_tokens),
            _larger(self.reasoning_tokens, other.reasoning_tokens),
            _larger(self.cached_tokens, other.cached_tokens),
        )


def parse_usage(document: Any) -> Usage | None:
    """The counts in a `usage` object; None when it holds not one count.

    Counts sent as decimal strings are read, since Baseten sends some so; the names of other APIs
    (`input_tokens`) are not, because on these routes they are a break of the format.
    """
    if not isinstance(document, dict):
        return None
    usage = Usage(
        count(document.get("prompt_tokens")),
        count(document.get("completion_tokens")),
        count(document.get("total_tokens")),
        _detail(document, "completion_tokens_details", "reasoning_tokens"),
        _detail(document, "prompt_tokens_details", "cached_tokens"),
    )
    return None if usage == NOTHING else usage


def count(value: Any) -> int | None:
    """A token count from an integer, a whole float or a decimal string; else None."""
    if type(value) is int:
        return value if 0 <= value <= LARGEST else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and 0 <= value < LARGEST else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    return None


NOTHING = Usage()


def _detail(document: dict[str, Any], group: str, name: str) -> int | None:
    details = document.get(group)
    return count(details.get(name)) if isinstance(details, dict) else None


def _larger(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
