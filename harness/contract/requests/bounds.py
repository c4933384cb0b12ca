"""Single request fields at, just inside and just outside their bounds, with the expected outcome.

The documents (Baseten's published schema, its frontend's validator, OpenAI) disagree on many
bounds, so the outcome is data: only where all agree that a value is invalid must it be refused.
"""

from typing import Any, NamedTuple

from harness.contract.case import Expect

ACCEPT, REJECT, EITHER = Expect.ACCEPT, Expect.REJECT, Expect.EITHER


class Bound(NamedTuple):
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

BOUNDS: tuple[Bound, ...] = (
    Bound("messages", None, REJECT, ALL),
    Bound("messages", [], REJECT, f"minItems 1: {ALL}", streamed=True),
    Bound("max_tokens", 0, REJECT, f"at least 1: {ALL}"),
    Bound("temperature", "hot", REJECT, f"a number: {ALL}", streamed=True),
    Bound("messages", "hello", REJECT, f"an array: {ALL}"),
    Bound("temperature", -0.1, REJECT, f"at least 0: {ALL}", streamed=True),
    Bound("model", None, REJECT, f"required: {ALL}"),
    Bound("messages", [{"role": "wizard", "content": "hi"}], REJECT, f"a known role: {ALL}"),
    Bound("stream", "yes", REJECT, f"a boolean: {ALL}"),
    Bound("max_tokens", -1, REJECT, f"at least 1: {ALL}"),
    Bound("temperature", 4.5, REJECT, "OpenAI and the frontend end at 2, Baseten's schema at 4"),
    Bound("top_p", 1.1, REJECT, f"at most 1: {ALL}"),
    Bound("n", 0, REJECT, f"at least 1: {ALL}"),
    Bound("response_format", {"type": "poem"}, REJECT, f"a known type: {ALL}"),
    Bound("tools", [{"type": "function"}], REJECT, f"a function has a name: {ALL}"),
    Bound("messages", [{"content": "no role"}], REJECT, f"role is required: {ALL}"),
    Bound("temperature", 2.5, EITHER, "Baseten's schema accepts to 4, the frontend to 2"),
    Bound("stop", ["a1", "b2", "c3", "d4", "e5"], EITHER, "OpenAI 4 items, Baseten 32"),
    Bound("stream_options", {"include_usage": True}, EITHER, "without stream: versions differ"),
    Bound("temperature", 0, ACCEPT, ALL),
    Bound("temperature", 2, ACCEPT, ALL),
    Bound("top_p", 1, ACCEPT, ALL),
    Bound("max_tokens", 1, ACCEPT, ALL),
    Bound("frequency_penalty", -2, ACCEPT, ALL),
    Bound("presence_penalty", 2, ACCEPT, ALL),
    Bound("stop", ["\n\n", "END", "STOP", "###"], ACCEPT, "four items: all agree"),
    Bound("seed", 2**31, ACCEPT, ALL),
    Bound("n", 1, ACCEPT, ALL),
    Bound("top_p", 0, EITHER, "Baseten's schema excludes 0, the frontend does not"),
    Bound("n", 2, EITHER, "Baseten 1, OpenAI 128"),
    Bound("frequency_penalty", 2.1, EITHER, "unbounded in Baseten's schema"),
    Bound("max_completion_tokens", 8, EITHER, "absent from Baseten's schema"),
    Bound("max_tokens", 262_145, EITHER, "Baseten's schema ends at 262144"),
    Bound("logit_bias", {"50256": -100}, EITHER, "prose only"),
    Bound("user", "", EITHER, "refused by the frontend only"),
    Bound("unknown_field", 1, EITHER, "frontend versions ignore or refuse it"),
    Bound("max_tokens", "16", EITHER, "an integer by all schemas; lenient readers convert it"),
    Bound("max_tokens", 1.5, REJECT, f"an integer: {ALL}"),
    Bound("top_p", -0.1, REJECT, f"at least 0: {ALL}", streamed=True),
    Bound("n", "two", REJECT, f"an integer: {ALL}"),
    Bound("seed", "seven", REJECT, f"an integer: {ALL}"),
    Bound("stop", [f"s{n}" for n in range(33)], REJECT, "OpenAI 4 items, Baseten 32"),
    Bound("tool_choice", "sometimes", REJECT, f"none, auto or required: {ALL}"),
    Bound("messages", [{"role": "user", "content": 7}], REJECT, f"text or parts: {ALL}"),
    Bound("messages", ["hello"], REJECT, f"objects: {ALL}", streamed=True),
    Bound("temperature", 1e308, REJECT, f"at most 4: {ALL}"),
    Bound("frequency_penalty", -2.1, EITHER, "unbounded in Baseten's schema"),
    Bound("presence_penalty", -2, ACCEPT, ALL),
    Bound("presence_penalty", 2.1, EITHER, "unbounded in Baseten's schema"),
    Bound("frequency_penalty", 2, ACCEPT, ALL),
    Bound("stop", [], EITHER, "OpenAI and Baseten 1 item, many servers take none"),
    Bound("stop", [""], EITHER, "Baseten refuses empty items, OpenAI does not say"),
    Bound("seed", 2**63, EITHER, "int64 in OpenAI's schema, no bound in Baseten's"),
    Bound("top_k", -2, EITHER, "refused by the frontend only"),
    Bound("top_k", 1, EITHER, "absent from OpenAI's schema"),
    Bound("repetition_penalty", 2, EITHER, "absent from OpenAI's schema"),
    Bound("logit_bias", {"50256": 101}, EITHER, "bounded in prose only"),
    Bound("top_logprobs", 2, EITHER, "OpenAI needs logprobs beside it"),
    Bound("tool_choice", "required", EITHER, "without tools: nobody says"),
    Bound("tools", [], EITHER, "OpenAI says nothing, servers differ"),
    Bound("user", "u" * 2000, EITHER, "no length in any document"),
)
ESSENTIAL = BOUNDS.index(next(bound for bound in BOUNDS if bound.expect is ACCEPT))
"""So many of the bounds belong to every run: what must be refused, and what is recorded."""
