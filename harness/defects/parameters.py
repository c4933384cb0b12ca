"""Class P: request parameters dropped or altered on the way to the provider."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.rows import Decisions, rows
from harness.gateway.call import Call
from harness.gateway.rules import Rules


def _without(*names: str) -> Callable[[Rules], Rules]:
    """Rules that forward the body without some of its fields."""

    def forward(_call: Call, document: Any) -> Any:
        if not isinstance(document, dict):
            return document
        return {name: value for name, value in document.items() if name not in names}

    return lambda rules: replace(rules, forward=forward)


def _prefix_kept(rules: Rules) -> Rules:
    return replace(rules, upstream_model=lambda model: model)


PARAMETERS = rows(
    "P",
    (
        "max-tokens-ignored",
        "max_tokens and max_completion_tokens do not reach the provider",
        Decisions(_without("max_tokens", "max_completion_tokens")),
        "max-tokens",
        "P01, atoma-infer#228",
    ),
    (
        "stop-ignored",
        "stop strings do not reach the provider",
        Decisions(_without("stop")),
        "stop-absent",
        "P02, ocp#470",
    ),
    (
        "logprobs-ignored",
        "logprobs does not reach the provider",
        Decisions(_without("logprobs", "top_logprobs")),
        "logprobs-given",
        "P04, ocp#470",
    ),
    (
        "tools-stripped",
        "tools do not reach the provider: the answer is text",
        Decisions(_without("tools", "tool_choice", "parallel_tool_calls")),
        "tool-required",
        "P10, quill-router#130, otari#152",
    ),
    (
        "model-prefix-not-stripped",
        "baseten/ stays in front of a compat model: the provider answers 404",
        Decisions(_prefix_kept),
        "route-answers",
        "P14",
    ),
    (
        "response-format-stripped",
        "response_format does not reach the provider: the answer is prose",
        Decisions(_without("response_format")),
        "json-mode json-schema",
        "quill-router#130",
    ),
)
