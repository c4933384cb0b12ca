"""Class P: request parameters dropped or altered on the way to the provider."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.defect import Defect
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


PARAMETERS = (
    Defect(
        name="max-tokens-ignored",
        catalogue="P01",
        group="P",
        statement="max_tokens and max_completion_tokens do not reach the provider",
        shown_by="chat and model requests with a limit below 20 tokens",
        source="atoma-infer#228",
        rules=_without("max_tokens", "max_completion_tokens"),
    ),
    Defect(
        name="stop-ignored",
        catalogue="P02",
        group="P",
        statement="stop strings do not reach the provider",
        shown_by="chat requests whose stop string occurs in the answer",
        source="ocp#470",
        rules=_without("stop"),
    ),
    Defect(
        name="logprobs-ignored",
        catalogue="P04",
        group="P",
        statement="logprobs does not reach the provider",
        shown_by="chat requests with logprobs",
        source="ocp#470",
        rules=_without("logprobs", "top_logprobs"),
    ),
    Defect(
        name="tools-stripped",
        catalogue="P10",
        group="P",
        statement="tools do not reach the provider: the answer is text",
        shown_by="chat requests whose tool_choice demands a call",
        source="quill-router#130, otari#152",
        rules=_without("tools", "tool_choice", "parallel_tool_calls"),
    ),
    Defect(
        name="model-prefix-not-stripped",
        catalogue="P14",
        group="P",
        statement="baseten/ stays in front of a compat model: the provider answers 404",
        shown_by="every compat request",
        source="constructed",
        rules=_prefix_kept,
    ),
    Defect(
        name="response-format-stripped",
        catalogue="own",
        group="P",
        statement="response_format does not reach the provider: the answer is prose",
        shown_by="chat requests with response_format json_object or json_schema",
        source="quill-router#130",
        rules=_without("response_format"),
    ),
)
