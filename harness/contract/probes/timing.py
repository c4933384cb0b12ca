"""Measures how long answers take to generate, and then when a stream of them arrives."""

from dataclasses import replace

from harness.contract.case import Case, Expect
from harness.contract.checks.timing import TURNS, arrives_as_it_is_made
from harness.contract.probes.stage import Stage
from harness.contract.strategies.fixed import body
from harness.contract.strategies.given import only
from harness.contract.strategies.text import LONG, nonce

LONGER = "word " * 200
"""A text that takes its time to come, even from a fast model on a machine that is busy."""


def play(stage: Stage) -> None:
    """Short and long plain answers, the long one streamed; longer ones where that did not do."""
    text = f"{LONG} ({nonce(stage.seed, 1400)})"
    asked = body(stage.sender.subject.model, text, max_tokens=96)
    case = Case(stage.route, asked, "timing")
    longer = case.having(response_format=only(text=LONGER), max_tokens=400)
    for turn in TURNS:
        stage.play(f"short{turn}", case.having(max_tokens=2))
        stage.play(f"long{turn}", case)
        stage.play(f"stream{turn}", case.having(stream=True))
        if not arrives_as_it_is_made(stage.scene):
            return
        stage.wait_for_quiet()
        case = replace(longer, expect=Expect.EITHER)
