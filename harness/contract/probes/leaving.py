"""Goes away in the middle of a stream, and asks for something else on another connection."""

from dataclasses import replace

from harness.contract.case import Case
from harness.contract.checks.leaving import JUDGES
from harness.contract.probes.stage import Stage
from harness.contract.strategies.fixed import body
from harness.contract.strategies.given import TEXT, only
from harness.contract.strategies.text import nonce

NOTICED_S = 0.05
"""Time for the other side to see that its client is gone."""


def play(stage: Stage) -> None:
    """Once; and once more if the answer after it was not as it should be."""
    _leave(stage, 0)
    if any(judge(stage.scene, rounds=1) for judge in JUDGES):
        _leave(stage, 1)


def _leave(stage: Stage, turn: int) -> None:
    stage.play(f"left_{turn}", _left(stage, 2200 + turn))
    stage.wait(NOTICED_S)
    after = stage.marked("after a client that left", 2210 + turn, stream=True)
    stage.play(f"next_{turn}", after, patient=False)


def _left(stage: Stage, number: int) -> Case:
    """A long stream whose own value comes at its end."""
    mark = f"mark-{nonce(stage.seed, number)}"
    fields = {"response_format": only(text=TEXT, mark=mark), "max_tokens": 400, "temperature": 0}
    asked = body(stage.sender.subject.model, f"Fill in the form. ({mark})", **fields)
    case = Case(stage.route, asked, "a client that leaves").having(stream=True)
    return replace(case, leaves=True)
