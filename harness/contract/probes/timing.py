"""Measures how long answers take to generate, and then when a stream of them arrives."""

from harness.contract.case import Case
from harness.contract.checks import timing
from harness.contract.probes.stage import Stage
from harness.contract.strategies.fixed import body
from harness.contract.strategies.text import LONG, nonce


def play(stage: Stage) -> None:
    """A short and a long plain answer and the long one streamed; again unless that was evident."""
    text = f"{LONG} ({nonce(stage.seed, 1400)})"
    asked = body(stage.sender.subject.model, text, max_tokens=96)
    case = Case(stage.route, asked, "timing")
    _round(stage, case, "")
    evident = (timing.arrives_as_it_is_made, timing.arrives_in_small_parts)
    if any(check(stage.scene) is None for check in evident):
        _round(stage, case, "_again")


def _round(stage: Stage, case: Case, suffix: str) -> None:
    stage.play(f"short{suffix}", case.having(max_tokens=2))
    stage.play(f"long{suffix}", case)
    stage.play(f"stream{suffix}", case.having(stream=True))
