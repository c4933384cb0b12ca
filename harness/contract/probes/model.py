"""Asks a model plain and streamed, briefly and at length: what passes the model route."""

from harness.contract.case import Case
from harness.contract.checks.model import (
    arrives_as_it_is_made,
    limit_is_obeyed,
    streams_say_the_same,
)
from harness.contract.probes.stage import Stage
from harness.contract.strategies.text import nonce

JUDGES = (limit_is_obeyed, streams_say_the_same, arrives_as_it_is_made)


def play(stage: Stage) -> None:
    """One prompt with a small limit and a large one, and streamed; again where it looked wrong."""
    if stage.route != "model":
        return
    text = f"Tell me about rivers and bridges in Zürich. ({nonce(stage.seed, 1600)})"
    case = Case("model", {"prompt": text, "max_tokens": 64}, "model")
    stage.play("long", case)
    stage.play("stream", case.having(stream=True))
    stage.play("short", case.having(max_tokens=1))
    if not any(judge(stage.scene, turns=1) for judge in JUDGES):
        return
    stage.play("long_again", case)
    stage.play("short_again", case.having(max_tokens=1))
    stage.play("stream_again", case.having(stream=True))
