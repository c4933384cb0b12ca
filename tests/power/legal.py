"""Generated defects that may stay alive: what is legal to meet, or what no client can see, and why.

The first row that fits gives the reason. A row says nothing about mutants that are killed anyway.
"""

import re
from typing import NamedTuple

from harness.defects.mutants.mutant import Mutant


class Row(NamedTuple):
    """Operators, places and conditions, as patterns for whole names, and why they may stay."""

    operators: str
    places: str
    reason: str
    conditions: str = ".*"


TEXTS = "other|double|shorter|case|trim|escaped|ascii|decomposed"
ABSENT = "drop|null|empty"

LEGAL: tuple[Row, ...] = (
    Row("header-(case|cut|garble)", "cf-ray|x-baseten-request-id", "an id without published form"),
    Row(
        "header-(drop|empty)",
        "cf-ray|cf-aig-request-id|cf-aig-step|x-baseten-request-id",
        "no document promises the field on every answer (variant few-headers)",
    ),
    Row("header-case", "content-type", "media types have no case (RFC 9110, section 8.3.1)"),
    Row("byte-line", "0|100", "white space around a JSON text or between events"),
    Row(ABSENT, r"\w+(\.choices\.\d)?\.usage\.\w+_details(\..*)?", "optional in CompletionUsage"),
    Row("object", r"\w+\.usage\.\w+_details", "an object of other, unknown names"),
    Row(
        "other|double|empty",
        r"\w+\.usage\.\w+_details\.\w+",
        "within its total, a count that only the provider knows",
    ),
    Row(ABSENT, r"(first|middle|last|finish|every)\.usage", "usage is null before its own chunk"),
    Row(
        "event-drop", "usage", "the finish chunk has the whole usage too (variant usage-on-finish)"
    ),
    Row(".*", r"predict(\..*)?", "the answer of a model is any JSON (truss_server.py)"),
    Row(TEXTS, r"\w+\.id", "an id without published form, for the whole answer"),
    Row(f"{TEXTS}|empty", r"\w+\.created", "a time that only the server knows"),
    Row(TEXTS, r".*\.tool_calls\.\d\.id", "an id without published form"),
    Row(TEXTS, r"refusal\.(message|detail|error|type)", "free text"),
    Row("drop|null", r"refusal\.(type|code|error_code|detail)", "beside the message, optional"),
    Row(
        "drop",
        r"envelope\.(result|messages|name|httpCode|internalCode|message|description)",
        "forms with fewer fields were seen (variants envelope-four-fields, -seven-fields)",
    ),
    Row("null", r"envelope\.(result|messages)", "empty either way, and null in the REST envelope"),
    Row(TEXTS, r"envelope\.error\.0\.message", "free text"),
    Row(".*", r".*\.logprobs\.refusal", "nullable, and omitted by engines that omit nulls"),
    Row("drop|null", r".*\.logprobs(\.content\.\d)?\.(.*\.)?bytes", "nullable in the schema"),
    Row(TEXTS, r".*\.top_logprobs\.\d\..*", "what else the model might have said"),
    Row("other|double", r".*\.logprob", "a score that only the model knows"),
    Row("status-4.*", "refusal", "no two public servers agree on one 4xx"),
    Row("label-.*|header-.*", "refusal", "an answer outside the three routes"),
    Row(
        "sent-.*|messages-.*|default|clamp",
        r"messages.*|prompt|seed|temperature|top_p|user|\w+_penalty",
        "only the provider sees it, and a real model need not repeat itself",
    ),
    Row(
        "sent-.*|default|clamp",
        "n|logprobs|parallel_tool_calls|reasoning_effort|max_completion_tokens",
        "the documents allow the provider to refuse or ignore the field",
    ),
    Row(
        "sent-.*",
        "stream_options.*",
        "without stream the documents disagree on the field",
        "plain",
    ),
    Row(
        "sent-.*",
        r"tools\.0\.function\.parameters\.required",
        "a model may fill in an optional field all the same",
    ),
    Row(
        "limit-.*",
        "gateway",
        "a window may end inside an attempt, so only what passes in both is judged",
        "every-.*",
    ),
    Row(
        "option-.*",
        "cf-aig-(collect-log|metadata|max-attempts|retry-delay|backoff)",
        "only the log, or a failing provider, shows it",
    ),
)


def reason(mutant: Mutant) -> str | None:
    """Why a mutant may stay alive; None when it has to be killed."""
    for row in LEGAL:
        fits = re.fullmatch(row.operators, mutant.operator)
        fits = fits and re.fullmatch(row.conditions, mutant.condition)
        if fits and re.fullmatch(row.places, mutant.place):
            return row.reason
    return None
