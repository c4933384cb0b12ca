"""What a load asked, in words: its prompts and answers, its streams, the weights of its routes."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.report import figures


def workload(plan: Mapping[str, Any]) -> str | None:
    """The workload of a plan as one sentence; None where the plan does not tell."""
    if "prompt_tokens" not in plan:
        return None
    told = ", ".join([_prompts(plan), _answers(plan), *_shares(plan)])
    return f"{told[0].upper()}{told[1:]}."


def _prompts(plan: Mapping[str, Any]) -> str:
    if plan.get("trace"):
        return "prompts and lengths of a trace"
    if plan.get("prompts"):
        return "prompts of a file"
    return f"prompts of {_length(plan, 'prompt', 'prompt_tokens')}"


def _answers(plan: Mapping[str, Any]) -> str:
    return f"answers of up to {_length(plan, 'output', 'max_output_tokens')}"


def _length(plan: Mapping[str, Any], name: str, number: str) -> str:
    about = "exactly " if plan.get("tokenizer") else "about "
    about = about if name == "prompt" else ""
    drawn = (plan.get("drawn") or {}).get(name)
    if drawn is None:
        return f"{about}{figures.count(plan[number])} tokens"
    told = (f"{each} {figures.count(drawn[each])}" for each in ("mean", "p50", "p95"))
    about = about.replace("about ", "")
    return f"{about}{plan[f'{name}_lengths']} tokens, drawn: {', '.join(told)}"


def _shares(plan: Mapping[str, Any]) -> Iterator[str]:
    share = plan.get("stream_share")
    if share is not None:
        yield f"{share:.0%} of the requests streamed"
    else:
        yield "all streamed" if plan.get("stream", True) else "none streamed"
    if plan.get("weights"):
        pairs = zip(plan["routes"], plan["weights"], strict=True)
        yield f"of each block {', '.join(f'{route} {weight}' for route, weight in pairs)}"
