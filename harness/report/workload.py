"""What a load asked, in words: its prompts and answers, its streams, the weights of its routes."""

from collections.abc import Iterator

from harness.report import figures
from harness.report.plan import Drawn, Plan


def workload(plan: Plan) -> str | None:
    """The workload of a plan as one sentence; None where the plan does not tell."""
    if plan.prompt_tokens is None:
        return None
    told = "; ".join(_parts(plan, plan.routes or ()))
    return f"{told[0].upper()}{told[1:]}."


def _parts(plan: Plan, routes: tuple[str, ...]) -> Iterator[str]:
    """What the chat routes were asked, and the model route where it takes an input of its own."""
    own = bool(plan.model_input) and "model" in routes
    if not own or len(routes) > 1:
        yield ", ".join([_prompts(plan), _answers(plan), *_shares(plan)])
    if own:
        several = "" if plan.model_input == 1 else f"s, {figures.count(plan.model_input)} in turn"
        yield f"on model the deployment's own input{several}"


def _prompts(plan: Plan) -> str:
    if plan.trace:
        return "prompts and lengths of a trace"
    if plan.prompts:
        return "prompts of a file"
    about, drawn = "exactly " if plan.tokenizer else "about ", (plan.drawn or {}).get("prompt")
    if drawn is None:
        return f"prompts of {about}{figures.count(plan.prompt_tokens)} tokens"
    exactly = about if plan.tokenizer else ""
    return f"prompts of {exactly}{_lengths(plan.prompt_lengths, drawn)}"


def _answers(plan: Plan) -> str:
    drawn = (plan.drawn or {}).get("output")
    if drawn is None:
        return f"answers of up to {figures.count(plan.max_output_tokens)} tokens"
    return f"answers of up to {_lengths(plan.output_lengths, drawn)}"


def _lengths(asked: str | None, drawn: Drawn) -> str:
    ends = (("mean", drawn.mean), ("p50", drawn.p50), ("p95", drawn.p95))
    told = ", ".join(f"{name} {figures.count(length)}" for name, length in ends)
    return f"{asked} tokens, drawn: {told}"


def _shares(plan: Plan) -> Iterator[str]:
    if plan.stream_share is not None:
        yield f"{plan.stream_share:.0%} of the requests streamed"
    else:
        yield "none streamed" if plan.stream is False else "all streamed"
    if plan.weights:
        pairs = zip(plan.routes or (), plan.weights, strict=True)
        yield f"of each block {', '.join(f'{route} {weight}' for route, weight in pairs)}"
