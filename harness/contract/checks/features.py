"""What a model need not offer: tools, formats, several choices, logprobs, a seed.

A model without one of them refuses it, and that is no broken contract; refusing today what was
accepted a moment ago is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.contract.clause import Finding
from harness.contract.evidence import told
from harness.contract.observation import Observation

OPTIONAL = (
    *("tools", "tool_choice", "parallel_tool_calls", "response_format", "logprobs", "n"),
    *("top_logprobs", "seed", "reasoning_effort", "max_completion_tokens"),
)
REFUSALS = (400, 404, 405, 415, 422, 501)
Feature = tuple[tuple[str, str], ...]


def feature(seen: Observation) -> Feature:
    """The optional fields that a chat request uses, each in the form that a model may refuse."""
    asked = seen.case.asked if seen.chat else {}
    used = [(name, _form(name, asked[name])) for name in OPTIONAL if name in asked]
    used = [field for field in used if field != ("n", "1")]
    return (*used, ("stream", str(seen.case.stream))) if used else ()


def _form(name: str, value: Any) -> str:
    if name == "tool_choice":  # servers tell a free choice from a forced one, which they constrain
        return "forced" if value == "required" or isinstance(value, Mapping) else repr(value)
    if isinstance(value, Mapping):
        return str(value.get("type"))
    return "" if name in ("tools", "seed") else repr(value)


def declines(seen: Observation) -> bool:
    """Whether an optional feature was refused as it should be: a 4xx that says why."""
    failure = seen.answer.failure if seen.answer else None
    refused = seen.status in REFUSALS and failure is not None and bool(failure.message)
    return refused and bool(feature(seen))


def is_not_taken_back(seen: Sequence[Observation]) -> Finding:
    """What one valid request was granted, another one for the same is not refused."""
    valid = [s for s in seen if s.case.expect == "accept" and s.case.sound and feature(s)]
    granted = {feature(s) for s in valid if s.ok}
    refused = [s for s in valid if declines(s) and feature(s) in granted and not s.passing]
    if not granted:
        return None
    return tuple(
        told(
            f"2xx, as others were that ask for {', '.join(name for name, _ in feature(s))}",
            f"HTTP {s.status}",
            f"request {s.number} ({s.case.topic})",
            s.response.body if s.response else b"",
            requests=(next(g.number for g in valid if g.ok and feature(g) == feature(s)), s.number),
        )
        for s in refused[:3]
    )
