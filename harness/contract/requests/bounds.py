"""Single request fields at, just inside and just outside their bounds, with the expected outcome.

The documents (Baseten's published schema, its frontend's validator, OpenAI) disagree on many
bounds, so the outcome is data: only where all agree that a value is invalid must it be refused.
"""

from typing import Any, NamedTuple

from harness.contract.case import Expect

ACCEPT, REJECT, EITHER = Expect.ACCEPT, Expect.REJECT, Expect.EITHER


class FieldBound(NamedTuple):
    """One value of one body field; `why` names the documents that say so.

    Some are asked for as a stream: a refusal must come before the stream has begun.
    """

    field: str
    value: Any
    expect: Expect
    why: str
    streamed: bool = False


ALL = "OpenAI, Baseten and its frontend agree"
NAMED = {"type": "function", "function": {"name": "nothing"}}

ON_BOTH: tuple[FieldBound, ...] = (
    FieldBound("messages", None, REJECT, ALL),
    FieldBound("messages", [], REJECT, f"minItems 1: {ALL}", streamed=True),
    FieldBound("max_tokens", 0, REJECT, f"at least 1: {ALL}"),
    FieldBound("temperature", "hot", REJECT, f"a number: {ALL}", streamed=True),
    FieldBound("messages", "hello", REJECT, f"an array: {ALL}"),
    FieldBound("temperature", -0.1, REJECT, f"at least 0: {ALL}", streamed=True),
    FieldBound("model", None, REJECT, f"required: {ALL}"),
)
"""Asked by compat too: the provider that judges them is the same, so a few tell."""
IN_EVERY_RUN: tuple[FieldBound, ...] = (
    *ON_BOTH,
    FieldBound("messages", [{"role": "wizard", "content": "hi"}], REJECT, f"a known role: {ALL}"),
    FieldBound("stream", "yes", REJECT, f"a boolean: {ALL}"),
    FieldBound("max_tokens", -1, REJECT, f"at least 1: {ALL}"),
    FieldBound(
        "temperature", 4.5, REJECT, "OpenAI and the frontend end at 2, Baseten's schema at 4"
    ),
    FieldBound("top_p", 1.1, REJECT, f"at most 1: {ALL}"),
    FieldBound("n", 0, REJECT, f"at least 1: {ALL}"),
    FieldBound("response_format", {"type": "poem"}, REJECT, f"a known type: {ALL}"),
    FieldBound("tools", [{"type": "function"}], REJECT, f"a function has a name: {ALL}"),
    FieldBound("messages", [{"content": "no role"}], REJECT, f"role is required: {ALL}"),
    FieldBound("temperature", 2.5, EITHER, "Baseten's schema accepts to 4, the frontend to 2"),
    FieldBound("stop", ["a1", "b2", "c3", "d4", "e5"], EITHER, "OpenAI 4 items, Baseten 32"),
    FieldBound(
        "stream_options", {"include_usage": True}, EITHER, "without stream: versions differ"
    ),
)
"""What must be refused, and what is recorded: native asks for all of them."""
OPTIONAL: tuple[FieldBound, ...] = (
    FieldBound("temperature", 0, ACCEPT, ALL),
    FieldBound("temperature", 2, ACCEPT, ALL),
    FieldBound("top_p", 1, ACCEPT, ALL),
    FieldBound("max_tokens", 1, ACCEPT, ALL),
    FieldBound("frequency_penalty", -2, ACCEPT, ALL),
    FieldBound("presence_penalty", 2, ACCEPT, ALL),
    FieldBound("stop", ["\n\n", "END", "STOP", "###"], ACCEPT, "four items: all agree"),
    FieldBound("seed", 2**31, ACCEPT, ALL),
    FieldBound("n", 1, ACCEPT, ALL),
    FieldBound("top_p", 0, EITHER, "Baseten's schema excludes 0, the frontend does not"),
    FieldBound("n", 2, EITHER, "Baseten 1, OpenAI 128"),
    FieldBound("frequency_penalty", 2.1, EITHER, "unbounded in Baseten's schema"),
    FieldBound("max_completion_tokens", 8, EITHER, "absent from Baseten's schema"),
    FieldBound("max_tokens", 262_145, EITHER, "Baseten's schema ends at 262144"),
    FieldBound("logit_bias", {"50256": -100}, EITHER, "prose only"),
    FieldBound("user", "", EITHER, "refused by the frontend only"),
    FieldBound("unknown_field", 1, EITHER, "frontend versions ignore or refuse it"),
    FieldBound("max_tokens", "16", EITHER, "an integer by all schemas; lenient readers convert it"),
    FieldBound("max_tokens", 1.5, REJECT, f"an integer: {ALL}"),
    FieldBound("top_p", -0.1, REJECT, f"at least 0: {ALL}", streamed=True),
    FieldBound("n", "two", REJECT, f"an integer: {ALL}"),
    FieldBound("seed", "seven", REJECT, f"an integer: {ALL}"),
    FieldBound("stop", [f"s{n}" for n in range(33)], REJECT, "OpenAI 4 items, Baseten 32"),
    FieldBound("tool_choice", "sometimes", REJECT, f"none, auto or required: {ALL}"),
    FieldBound("messages", [{"role": "user", "content": 7}], REJECT, f"text or parts: {ALL}"),
    FieldBound("messages", ["hello"], REJECT, f"objects: {ALL}", streamed=True),
    FieldBound("temperature", 1e308, REJECT, f"at most 4: {ALL}"),
    FieldBound("frequency_penalty", -2.1, EITHER, "unbounded in Baseten's schema"),
    FieldBound("presence_penalty", -2, ACCEPT, ALL),
    FieldBound("presence_penalty", 2.1, EITHER, "unbounded in Baseten's schema"),
    FieldBound("frequency_penalty", 2, ACCEPT, ALL),
    FieldBound("stop", [], EITHER, "OpenAI and Baseten 1 item, many servers take none"),
    FieldBound("stop", [""], EITHER, "Baseten refuses empty items, OpenAI does not say"),
    FieldBound("seed", 2**63, EITHER, "int64 in OpenAI's schema, no bound in Baseten's"),
    FieldBound("top_k", -2, EITHER, "refused by the frontend only"),
    FieldBound("top_k", 1, EITHER, "absent from OpenAI's schema"),
    FieldBound("repetition_penalty", 2, EITHER, "absent from OpenAI's schema"),
    FieldBound("logit_bias", {"50256": 101}, EITHER, "bounded in prose only"),
    FieldBound("top_logprobs", 2, EITHER, "OpenAI needs logprobs beside it"),
    FieldBound("tool_choice", "required", EITHER, "without tools: nobody says"),
    FieldBound("tools", [], EITHER, "OpenAI says nothing, servers differ"),
    FieldBound("user", "u" * 2000, EITHER, "no length in any document"),
)
"""Further values, most of them accepted or disputed: asked where requests are left."""
BOUNDS = (*IN_EVERY_RUN, *OPTIONAL)
