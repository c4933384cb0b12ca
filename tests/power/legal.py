"""Generated defects that may stay alive: what is legal to meet, or what no client can see, and why.

The first row that fits gives the reason. A row says nothing about mutants that are killed anyway.
"""

import re
from typing import NamedTuple

from harness.defects.mutants.mutant import Mutant


class LegalRow(NamedTuple):
    """Operators, places and conditions, as patterns for whole names, and why they may stay."""

    operators: str
    places: str
    reason: str
    conditions: str = ".*"


TEXTS = "other|double|shorter|case|trim|escaped|ascii|decomposed"
ABSENT = "drop|null|empty"

LEGAL: tuple[LegalRow, ...] = (
    LegalRow(
        "header-(case|cut|garble)", "cf-ray|x-baseten-request-id", "an id without published form"
    ),
    LegalRow(
        "header-(drop|empty)",
        "cf-ray|cf-aig-request-id|cf-aig-step|x-baseten-request-id",
        "no document promises the field on every answer (variant few-headers)",
    ),
    LegalRow("header-case", "content-type", "media types have no case (RFC 9110, section 8.3.1)"),
    LegalRow("byte-line", "0|100", "white space around a JSON text or between events"),
    LegalRow(
        ABSENT, r"\w+(\.choices\.\d)?\.usage\.\w+_details(\..*)?", "optional in CompletionUsage"
    ),
    LegalRow("object", r"\w+\.usage\.\w+_details", "an object of other, unknown names"),
    LegalRow(
        "other|double|empty",
        r"\w+\.usage\.\w+_details\.\w+",
        "within its total, a count that only the provider knows",
    ),
    LegalRow(
        ABSENT, r"(first|middle|last|finish|every)\.usage", "usage is null before its own chunk"
    ),
    LegalRow(
        "event-drop", "usage", "the finish chunk has the whole usage too (variant usage-on-finish)"
    ),
    LegalRow(".*", r"predict(\..*)?", "the answer of a model is any JSON (truss_server.py)"),
    LegalRow(TEXTS, r"\w+\.id", "an id without published form, for the whole answer"),
    LegalRow(f"{TEXTS}|empty", r"\w+\.created", "a time that only the server knows"),
    LegalRow(TEXTS, r".*\.tool_calls\.\d\.id", "an id without published form"),
    LegalRow(TEXTS, r"refusal\.(message|detail|error|type)", "free text"),
    LegalRow(
        "drop|null", r"refusal\.(type|code|error_code|detail)", "beside the message, optional"
    ),
    LegalRow(
        "drop",
        r"envelope\.(result|messages|name|httpCode|internalCode|message|description)",
        "forms with fewer fields were seen (variants envelope-four-fields, -seven-fields)",
    ),
    LegalRow(
        "null", r"envelope\.(result|messages)", "empty either way, and null in the REST envelope"
    ),
    LegalRow(TEXTS, r"envelope\.error\.0\.message", "free text"),
    LegalRow(".*", r".*\.logprobs\.refusal", "nullable, and omitted by engines that omit nulls"),
    LegalRow("drop|null", r".*\.logprobs(\.content\.\d)?\.(.*\.)?bytes", "nullable in the schema"),
    LegalRow(TEXTS, r".*\.top_logprobs\.\d\..*", "what else the model might have said"),
    LegalRow("other|double", r".*\.logprob", "a score that only the model knows"),
    LegalRow("status-4.*", "refusal", "no two public servers agree on one 4xx"),
    LegalRow("label-.*|header-.*", "refusal", "an answer outside the three routes"),
    LegalRow(
        "sent-.*|messages-.*|default|clamp",
        r"messages.*|prompt|seed|temperature|top_p|user|\w+_penalty",
        "only the provider sees it, and a real model need not repeat itself",
    ),
    LegalRow(
        "sent-.*|default|clamp",
        "n|logprobs|parallel_tool_calls|reasoning_effort|max_completion_tokens",
        "the documents allow the provider to refuse or ignore the field",
    ),
    LegalRow(
        "sent-.*",
        "stream_options.*",
        "without stream the documents disagree on the field",
        "plain",
    ),
    LegalRow(
        "sent-.*",
        r"tools\.0\.function\.parameters\.required",
        "a model may fill in an optional field all the same",
    ),
    LegalRow(
        "limit-.*",
        "gateway",
        "a window may end inside an attempt, so only what passes in both is judged",
        "every-.*",
    ),
    LegalRow(
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
