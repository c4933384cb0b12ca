"""Measures how long answers take to generate, and then when streams of them arrive."""

from harness.contract.case import Case
from harness.contract.probes.stage import Stage
from harness.contract.strategies.fixed import body
from harness.contract.strategies.text import LONG, nonce


def play(stage: Stage) -> None:
    """Short and long plain answers twice, then the long one streamed twice."""
    text = f"{LONG} ({nonce(stage.seed, 1400)})"
    asked = body(stage.sender.subject.model, text, max_tokens=96)
    case = Case(stage.route, asked, "timing")
    stage.play("short", case.having(max_tokens=2))
    stage.play("long", case)
    stage.play("stream", case.having(stream=True))
    stage.play("short_again", case.having(max_tokens=2))
    stage.play("long_again", case)
    stage.play("stream_again", case.having(stream=True))
