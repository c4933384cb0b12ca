"""What a plan asks: its prompts, their drawn lengths, and which answers are streamed."""

from pathlib import Path

from harness.load.plan import LoadPlan
from harness.load.prompts import Prompts, read_prompts
from harness.load.tokens import read_tokenizer
from harness.load.trace import Trace


def prompts_of(plan: LoadPlan, trace: Trace | None = None) -> Prompts:
    """The prompts of a plan; UsageError for a file that cannot be read."""
    given = () if plan.prompts is None else read_prompts(Path(plan.prompts))
    if trace is not None:
        given = trace.prompts
    drawn = plan.drawn()
    return Prompts(
        model=plan.model,
        stream=plan.stream,
        max_output_tokens=plan.max_output_tokens,
        prompt_tokens=plan.prompt_tokens,
        seed=plan.seed,
        prompts=given,
        prompt_lengths=drawn.get("prompt", ()),
        output_lengths=drawn.get("output", ()),
        stream_share=plan.stream_share,
        model_input=plan.model_input,
        tokenizer=None if plan.tokenizer is None else read_tokenizer(Path(plan.tokenizer)),
    )
