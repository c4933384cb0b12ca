"""Measures how long answers take to generate, and then when a stream of them arrives."""

from harness.contract.case import Case
from harness.contract.checks.timing import arrives_as_it_is_made
from harness.contract.probes.stage import Stage
from harness.contract.strategies.fixed import body
from harness.contract.strategies.text import LONG, nonce


def play(stage: Stage) -> None:
    """Short and long plain answers, the long one streamed; all again where that looked wrong."""
    text = f"{LONG} ({nonce(stage.seed, 1400)})"
    asked = body(stage.sender.subject.model, text, max_tokens=96)
    case = Case(stage.route, asked, "timing")
    stage.play("short", case.having(max_tokens=2))
    stage.play("long", case)
    stage.play("stream", case.having(stream=True))
    if not arrives_as_it_is_made(stage.scene, turns=1):
        return
    stage.play("short_again", case.having(max_tokens=2))
    stage.play("long_again", case)
    stage.play("stream_again", case.having(stream=True))
